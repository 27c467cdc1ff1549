// title: Correlations whose sign changes over seeds
// question: Which learned relations are not to be believed, because trainings from other seeds disagree on their sign?
// param model: model = latest -- the model
// param limit: integer = 50 -- most rows
// column label: label that gives evidence
// column about: label that the evidence is for or against
// column weight: weight of the learned relation, mean over seeds
// column stability: share of seeds whose weight has the sign of the mean
// column reading: co-occurs, confusable or suppresses
MATCH (a:Label)-[r:CORRELATES_WITH {model: $model}]->(b:Label)
WHERE r.stability < 1
RETURN a.name AS label, b.name AS about, r.weight AS weight, r.stability AS stability, r.reading AS reading
ORDER BY stability, abs(weight) DESC, label, about
LIMIT $limit
