// title: Strongest correlations that the ontology does not hold
// question: What did the model learn to go together that no relation of the ontology says?
// param model: model = latest -- the model
// param min_stability: number = 1 -- least share of training seeds that agree on the sign
// param limit: integer = 20 -- most rows
// column label: label that gives evidence
// column supports: label that the evidence is for
// column weight: weight of the learned relation, mean over seeds
// column stability: share of seeds whose weight has this sign
// column together: training lesions with both labels
// column lift: how much more often than by chance both occur; empty where one never occurs
// column review: what a curator made of it
MATCH (a:Label)-[r:CORRELATES_WITH {model: $model}]->(b:Label)
WHERE r.reading = 'co-occurs' AND r.stability >= $min_stability
  AND NOT EXISTS { (a)-[:DESCENDS_FROM|EXCLUDES|EXCLUSIVE_WITH]-(b) }
  AND NOT EXISTS { (a)-[:TYPICALLY_LOCATED_IN|TYPICALLY_HAS|CONFUSABLE_WITH|CONTRALATERAL_OF]-(b) }
RETURN a.name AS label, b.name AS supports, r.weight AS weight, r.stability AS stability, r.together AS together,
       r.lift AS lift, r.review AS review
ORDER BY weight DESC, label, supports
LIMIT $limit
