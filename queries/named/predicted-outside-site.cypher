// title: A finding predicted outside of its usual site
// question: Which lesions does the model call hemangioma without placing them in the liver?
// param label: label = hemangioma -- the predicted finding
// param site: label = liver -- the body part that is not predicted
// param model: model = latest -- the model
// param limit: integer = 100 -- most rows
// column lesion: id of the lesion
// column probability: calibrated probability of the finding
// column predicted_sites: all body parts the model predicts for the lesion
// column mentioned: labels said of the lesion
MATCH (:Label {name: $label})<-[p:PREDICTED {model: $model}]-(l:Lesion)
MATCH (l)-[:PREDICTED {model: $model}]->(c:Label)
WITH l, p.probability AS probability, c
ORDER BY c.name
WITH l, probability, collect(c.name) AS predicted,
     collect(CASE WHEN c.class = 'bodypart' THEN c.name END) AS predicted_sites
WHERE NOT $site IN predicted
OPTIONAL MATCH (l)-[:HAS_LABEL]->(m:Label)
WITH l, probability, predicted_sites, m.name AS name
ORDER BY name
WITH l, probability, predicted_sites, collect(DISTINCT name) AS mentioned
RETURN l.id AS lesion, probability, predicted_sites, mentioned
ORDER BY probability DESC, lesion
LIMIT $limit
