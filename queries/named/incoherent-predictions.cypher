// title: Predictions that break a relation
// question: Does the model predict a label without its ancestor, or two exclusive labels, for one lesion?
// param model: model = latest -- the model
// param label_set: label_set = lesanet-171 -- the labels the model predicts
// param limit: integer = 100 -- most rows
// column lesion: id of the lesion
// column problem: ancestor not predicted, or exclusive labels
// column label: predicted label
// column other: the ancestor that is missing, or the other predicted label
CALL () {
  MATCH (:LabelSet {name: $label_set})<-[:IN_SET]-(c:Label)
  MATCH (c)-[:EXCLUDES]->(x:Label)
  WITH c, collect(x.id) AS excluded
  MATCH (c)<-[:PREDICTED {model: $model}]-(l:Lesion)
  MATCH (l)-[:PREDICTED {model: $model}]->(x:Label)
  WHERE x.id IN excluded
  RETURN l.id AS lesion, 'exclusive labels' AS problem, c.name AS label, x.name AS other
  UNION
  MATCH (:LabelSet {name: $label_set})<-[:IN_SET]-(c:Label)
  MATCH (c)<-[:PREDICTED {model: $model}]-(l:Lesion)
  WITH c, l.id AS lesion
  WITH lesion, collect(c) AS labels, collect(c.id) AS ids
  UNWIND labels AS c
  MATCH (c)-[:DESCENDS_FROM]->(a:Label)
  WHERE NOT a.id IN ids
  MATCH (a)-[:IN_SET]->(:LabelSet {name: $label_set})
  RETURN lesion, 'ancestor not predicted' AS problem, c.name AS label, a.name AS other
}
RETURN lesion, problem, label, other
ORDER BY lesion, problem, label, other
LIMIT $limit
