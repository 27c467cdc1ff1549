// title: Errors of a label by sex, age and size
// question: For whom and for which sizes is the model wrong about this label?
// param label: label = lung nodule -- the label
// param cohort: cohort = lesanet -- the cohort that says what is right
// param split: text = test -- train, val or test
// param model: model = latest -- the model
// column by: what the lesions are grouped by: sex, age in years, or long diameter in mm
// column group: the group; from the first number up to, not including, the second
// column lesions: lesions of the split with at least one label
// column positives: lesions that have the label or a descendant
// column hits: positives that the model predicts
// column misses: positives that it does not predict
// column false_alarms: lesions without the label for which it predicts it
MATCH (:Cohort {id: $cohort})<-[:IN_COHORT {split: $split}]-(l:Lesion)
CALL (l) {
  MATCH (l)-[:HAS_LABEL]->(:Label)-[:DESCENDS_FROM*0..1]->(u:Label)
  RETURN count(u) AS labels, max(CASE WHEN u.name = $label THEN 1 ELSE 0 END) AS positive
}
WITH l, positive
WHERE labels > 0
CALL (l) {
  MATCH (l)-[:PREDICTED {model: $model}]->(c:Label {name: $label})
  RETURN count(c) AS predicted
}
UNWIND [
  {by: 'sex', group: coalesce(l.sex, 'unknown')},
  {by: 'age', group: CASE WHEN l.age IS NULL THEN 'unknown' WHEN l.age < 40 THEN '00-40' WHEN l.age < 60 THEN '40-60'
                          WHEN l.age < 75 THEN '60-75' ELSE '75 and over' END},
  {by: 'size', group: CASE WHEN l.long_mm IS NULL THEN 'unknown' WHEN l.long_mm < 10 THEN '00-10'
                           WHEN l.long_mm < 20 THEN '10-20' WHEN l.long_mm < 40 THEN '20-40' ELSE '40 and over' END}
] AS part
WITH part.by AS by, part.group AS group, positive, predicted
RETURN by, group, count(*) AS lesions, sum(positive) AS positives, sum(positive * predicted) AS hits,
       sum(positive * (1 - predicted)) AS misses, sum((1 - positive) * predicted) AS false_alarms
ORDER BY by, group
