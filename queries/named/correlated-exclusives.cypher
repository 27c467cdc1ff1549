// title: Correlations between exclusive labels
// question: Which labels that exclude each other does the model hold to go together, that is, which does it confuse?
// param model: model = latest -- the model
// param limit: integer = 50 -- most rows
// column label: label that gives evidence
// column supports: exclusive label that the evidence is for
// column weight: weight of the learned relation, mean over seeds
// column stability: share of seeds whose weight has this sign
// column together: training lesions with both labels, against the ontology
MATCH (a:Label)-[r:CORRELATES_WITH {model: $model}]->(b:Label)
WHERE r.weight > 0
MATCH (a)-[:EXCLUDES]-(b)
RETURN a.name AS label, b.name AS supports, r.weight AS weight, r.stability AS stability, r.together AS together
ORDER BY weight DESC, label, supports
LIMIT $limit
