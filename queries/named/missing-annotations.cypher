// title: Predictions that point at a missing annotation
// question: Which labels does the model predict that nobody said, but that similar lesions of other patients have?
// param cohort: cohort = lesanet -- the cohort that says what was annotated
// param split: text = test -- train, val or test
// param model: model = latest -- the model
// param neighbours: integer = 3 -- least number of similar lesions with the label
// param limit: integer = 100 -- most rows
// column lesion: id of the lesion
// column label: predicted label that the lesion does not have, not even through a descendant
// column probability: calibrated probability
// column neighbours: similar lesions that have the label or a descendant
// column similar: those lesions, nearest first
// column mentioned: labels said of the lesion
MATCH (:Cohort {id: $cohort})<-[:IN_COHORT {split: $split}]-(l:Lesion)
MATCH (l)-[s:SIMILAR_TO {model: $model}]->(o:Lesion)
MATCH (o)-[:HAS_LABEL]->(:Label)-[:DESCENDS_FROM*0..1]->(u:Label)
WITH DISTINCT l, s.rank AS rank, o.id AS other, u.id AS id
ORDER BY rank
WITH l, id, collect(other) AS similar
WHERE size(similar) >= $neighbours
WITH l, collect({id: id, similar: similar}) AS backed
MATCH (l)-[p:PREDICTED {model: $model}]->(c:Label)
WITH l, p.probability AS probability, c, [b IN backed WHERE b.id = c.id] AS backing
WHERE size(backing) = 1 AND NOT EXISTS { (l)-[:HAS_LABEL]->(:Label)-[:DESCENDS_FROM*0..1]->(c) }
MATCH (l)-[:HAS_LABEL]->(m:Label)
WITH l, c, probability, backing[0].similar AS similar, m.name AS name
ORDER BY name
WITH l, c, probability, similar, collect(DISTINCT name) AS mentioned
RETURN l.id AS lesion, c.name AS label, probability, size(similar) AS neighbours, similar, mentioned
ORDER BY neighbours DESC, probability DESC, lesion, label
LIMIT $limit
