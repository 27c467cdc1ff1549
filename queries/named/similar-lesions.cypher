// title: Similar lesions
// question: Which lesions of other patients does the model hold to be like this one, and which labels do they share?
// param lesion: lesion = DL:01760 -- the lesion
// param model: model = latest -- the model
// column rank: 1 for the most similar
// column similar: id of the similar lesion
// column distance: distance in the model's embedding
// column shared: labels that both have, ancestors included
// column only_similar: labels that only the similar lesion has, ancestors included
MATCH (l:Lesion {id: $lesion})
OPTIONAL MATCH (l)-[:HAS_LABEL]->(:Label)-[:DESCENDS_FROM*0..1]->(u:Label)
WITH l, collect(DISTINCT u.name) AS own
MATCH (l)-[s:SIMILAR_TO {model: $model}]->(o:Lesion)
OPTIONAL MATCH (o)-[:HAS_LABEL]->(:Label)-[:DESCENDS_FROM*0..1]->(v:Label)
WITH own, s.rank AS rank, s.distance AS distance, o, v.name AS name
ORDER BY name
WITH own, rank, distance, o, collect(DISTINCT name) AS others
RETURN rank, o.id AS similar, distance, [n IN others WHERE n IN own] AS shared,
       [n IN others WHERE NOT n IN own] AS only_similar
ORDER BY rank
