// title: Labels that never get a reliable negative
// question: For which labels does no lesion of the split have a label that excludes them?
// param cohort: cohort = lesanet -- the cohort
// param split: text = train -- train, val or test
// param label_set: label_set = lesanet-171 -- the labels to look at
// column label: the label
// column class: bodypart, type or attribute
// column exclusive_partners: labels that exclude it, used or not
MATCH (:LabelSet {name: $label_set})<-[:IN_SET]-(n:Label)
CALL (n) {
  MATCH (n)-[:EXCLUDES]-(:Label)<-[:HAS_LABEL]-(l:Lesion)-[:IN_COHORT {split: $split}]->(:Cohort {id: $cohort})
  WHERE NOT EXISTS { (l)-[:HAS_LABEL]->(:Label)-[:DESCENDS_FROM*0..1]->(n) }
  RETURN l.id AS example
  LIMIT 1
}
WITH collect(n.id) AS ruled_out
MATCH (:LabelSet {name: $label_set})<-[:IN_SET]-(n:Label)
WHERE NOT n.id IN ruled_out
OPTIONAL MATCH (n)-[:EXCLUDES]-(partner:Label)
RETURN n.name AS label, n.class AS class, count(partner) AS exclusive_partners
ORDER BY label
