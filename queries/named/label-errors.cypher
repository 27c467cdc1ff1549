// title: Errors of a model by label
// question: Which labels does the model miss, and which does it predict where nobody said them?
// param cohort: cohort = lesanet -- the cohort that says what is right
// param split: text = test -- train, val or test
// param model: model = latest -- the model
// param least: integer = 10 -- least number of positive lesions of a label that is listed
// param limit: integer = 200 -- most rows
// column label: the label
// column positives: lesions with the label or a descendant
// column predicted: lesions for which the model predicts it
// column hits: lesions where both is so
// column precision: hits over predicted; empty when never predicted
// column recall: hits over positives
MATCH (:Cohort {id: $cohort})<-[:IN_COHORT {split: $split}]-(l:Lesion)
CALL (l) {
  MATCH (l)-[:HAS_LABEL]->(:Label)-[:DESCENDS_FROM*0..1]->(u:Label)
  RETURN collect(DISTINCT u.name) AS positive
}
CALL (l) {
  MATCH (l)-[:PREDICTED {model: $model}]->(c:Label)
  RETURN collect(c.name) AS predicted
}
WITH positive, predicted
WHERE size(positive) > 0
UNWIND positive + [n IN predicted WHERE NOT n IN positive] AS label
WITH label, CASE WHEN label IN positive THEN 1 ELSE 0 END AS p, CASE WHEN label IN predicted THEN 1 ELSE 0 END AS q
WITH label, sum(p) AS positives, sum(q) AS predicted, sum(p * q) AS hits
WHERE positives >= $least
RETURN label, positives, predicted, hits, CASE WHEN predicted > 0 THEN 1.0 * hits / predicted END AS precision,
       1.0 * hits / positives AS recall
ORDER BY recall, positives DESC, label
LIMIT $limit
