// title: Labels with too few positive lesions to evaluate
// question: Which labels have fewer than ten positive test lesions?
// param cohort: cohort = lesanet -- the cohort
// param split: text = test -- train, val or test
// param fewer_than: integer = 10 -- positives below which a label is listed
// param label_set: label_set = lesanet-171 -- the labels to look at
// column label: the label
// column class: bodypart, type or attribute
// column positives: lesions of the split with the label or a descendant
MATCH (:Cohort {id: $cohort})<-[:IN_COHORT {split: $split}]-(l:Lesion)
MATCH (l)-[:HAS_LABEL]->(:Label)-[:DESCENDS_FROM*0..1]->(c:Label)
WITH c.id AS id, count(DISTINCT l.id) AS positives
WITH collect({id: id, positives: positives}) AS counts
MATCH (:LabelSet {name: $label_set})<-[:IN_SET]-(c:Label)
WITH c, coalesce([k IN counts WHERE k.id = c.id | k.positives][0], 0) AS positives
WHERE positives < $fewer_than
RETURN c.name AS label, c.class AS class, positives
ORDER BY positives, label
