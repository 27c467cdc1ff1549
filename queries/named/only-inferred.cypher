// title: Labels that are only ever inferred
// question: Which labels are said of no lesion of the split, so that lesions have them only through more specific labels?
// param cohort: cohort = lesanet -- the cohort
// param split: text = test -- train, val or test
// column label: the label
// column class: bodypart, type or attribute
// column lesions: lesions that have it through a descendant
// column inferred_from: the labels said of those lesions that imply it, most frequent first
MATCH (:Cohort {id: $cohort})<-[:IN_COHORT {split: $split}]-(l:Lesion)
MATCH (l)-[:HAS_LABEL]->(f:Label)
WITH f, collect(l.id) AS said_of
ORDER BY size(said_of) DESC, f.name
WITH collect({label: f, said_of: said_of}) AS said, collect(f.id) AS said_ids
UNWIND said AS s
WITH s.label AS f, s.said_of AS said_of, said_ids
MATCH (f)-[:DESCENDS_FROM]->(c:Label)
WHERE NOT c.id IN said_ids
WITH c, collect(f.name) AS inferred_from, collect(said_of) AS lists
CALL (lists) {
  UNWIND lists AS list
  UNWIND list AS lesion
  RETURN count(DISTINCT lesion) AS lesions
}
RETURN c.name AS label, c.class AS class, lesions, inferred_from
ORDER BY lesions DESC, label
