// title: All labels of a lesion
// question: What is said, inferred, doubted and predicted about this lesion?
// param lesion: lesion = DL:01760 -- the lesion
// param model: model = latest -- the model whose predictions are shown
// column origin: said, inferred, uncertain, about another lesion, predicted, or next best
// column label: the label
// column class: bodypart, type or attribute
// column score: the model's score; empty where it is no prediction
// column from: what the label was inferred from; empty where it stands by itself
MATCH (l:Lesion {id: $lesion})
CALL (l) {
  MATCH (l)-[:HAS_LABEL]->(c:Label)
  RETURN 1 AS place, 'said' AS origin, c AS label, null AS score, null AS source
  UNION
  MATCH (l)-[:HAS_LABEL]->(f:Label)-[:DESCENDS_FROM]->(c:Label)
  WHERE NOT EXISTS { (l)-[:HAS_LABEL]->(c) }
  RETURN 2 AS place, 'inferred' AS origin, c AS label, null AS score, min(f.name) AS source
  UNION
  MATCH (l)-[:MAY_HAVE_LABEL]->(c:Label)
  RETURN 3 AS place, 'uncertain' AS origin, c AS label, null AS score, null AS source
  UNION
  MATCH (l)-[:MENTIONED_NOT_ABOUT]->(c:Label)
  RETURN 4 AS place, 'about another lesion' AS origin, c AS label, null AS score, null AS source
  UNION
  MATCH (l)-[p:PREDICTED {model: $model}]->(c:Label)
  OPTIONAL MATCH (e:Label {id: p.expanded_from})
  RETURN 5 AS place, 'predicted' AS origin, c AS label, p.score AS score, e.name AS source
  UNION
  MATCH (l)-[s:SCORED {model: $model}]->(c:Label)
  RETURN 6 AS place, 'next best' AS origin, c AS label, s.score AS score, null AS source
}
RETURN origin, label.name AS label, label.class AS class, score, source AS from
ORDER BY place, score DESC, label
