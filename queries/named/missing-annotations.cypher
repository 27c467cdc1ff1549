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
MATCH (l)-[:HAS_LABEL]->(:Label)-[:DESCENDS_FROM*0..1]->(u:Label)
WITH l, collect(u.id) AS positive
MATCH (l)-[:PREDICTED {model: $model}]->(c:Label)
WHERE NOT c.id IN positive
WITH l, collect(c.id) AS alarms
MATCH (l)-[s:SIMILAR_TO {model: $model}]->(o:Lesion)
MATCH (o)-[:HAS_LABEL]->(:Label)-[:DESCENDS_FROM*0..1]->(u:Label)
WHERE u.id IN alarms
WITH DISTINCT l, u.id AS id, o.id AS other, s.rank AS rank
ORDER BY rank
WITH l, id, collect(other) AS similar
WHERE size(similar) >= $neighbours
MATCH (l)-[p:PREDICTED {model: $model}]->(c:Label)
WHERE c.id = id
WITH l, c, similar, p.probability AS probability
ORDER BY size(similar) DESC, probability DESC, l.id, c.name
LIMIT $limit
MATCH (l)-[:HAS_LABEL]->(m:Label)
WITH l, c, similar, probability, m.name AS name
ORDER BY name
WITH l, c, similar, probability, collect(DISTINCT name) AS mentioned
RETURN l.id AS lesion, c.name AS label, probability, size(similar) AS neighbours, similar, mentioned
ORDER BY neighbours DESC, probability DESC, lesion, label
