// title: Exclusive labels on one lesion
// question: Which lesions have two labels that exclude each other, and through which relations do they?
// param cohort: cohort = lesanet -- the cohort
// param split: text = test -- train, val or test
// param limit: integer = 200 -- most rows
// column lesion: id of the lesion
// column first: one label said of the lesion
// column second: another label said of the lesion, exclusive with the first
// column first_via: from the first label up to the label that is listed as exclusive
// column second_via: from the second label up to its listed partner
// column listed_by: who lists the two as exclusive
MATCH (:Cohort {id: $cohort})<-[:IN_COHORT {split: $split}]-(l:Lesion)
MATCH (l)-[:HAS_LABEL]->(a:Label)
MATCH (l)-[:HAS_LABEL]->(b:Label)
WHERE a.id < b.id
WITH a, b, collect(DISTINCT l.id) AS lesions
MATCH (a)-[:EXCLUDES]-(b)
MATCH (b)-[:DESCENDS_FROM*0..1]->(above:Label)
WITH a, b, lesions, collect(DISTINCT above.id) AS above_b
MATCH (a)-[:DESCENDS_FROM*0..1]->(x:Label)-[e:EXCLUSIVE_WITH]-(y:Label)
WHERE y.id IN above_b
MATCH up = (a)-[:IS_A|PART_OF|LOCATED_IN|INHERES_IN|HAS_ATTRIBUTE|REPLACED_BY*0..12]->(x)
MATCH over = (b)-[:IS_A|PART_OF|LOCATED_IN|INHERES_IN|HAS_ATTRIBUTE|REPLACED_BY*0..12]->(y)
WITH a, b, lesions, e.source AS source,
     [n IN nodes(up) | n.name] AS first_via, [n IN nodes(over) | n.name] AS second_via
WITH a, b, lesions, source, first_via, second_via,
     reduce(text = '', name IN first_via + second_via | text + name + ' ') AS text
ORDER BY size(first_via) + size(second_via), text, source
WITH a, b, lesions, collect({source: source, up: first_via, over: second_via})[0] AS shortest
UNWIND lesions AS lesion
RETURN lesion, a.name AS first, b.name AS second, shortest.up AS first_via, shortest.over AS second_via,
       shortest.source AS listed_by
ORDER BY lesion, first, second
LIMIT $limit
