// title: Labels that are only ever inferred
// question: Which labels does no report say of a lesion, so that lesions have them only through more specific labels?
// param limit: integer = 200 -- most rows
// column label: the label
// column class: bodypart, type or attribute
// column lesions: lesions that have it through a descendant
// column inferred_from: the labels said of those lesions that imply it, most frequent first
MATCH (f:Label)<-[:HAS_LABEL]-(l:Lesion)
WITH f, collect(DISTINCT l.id) AS said_of
MATCH (f)-[:DESCENDS_FROM]->(c:Label)
WHERE NOT EXISTS { (c)<-[:HAS_LABEL]-(:Lesion) }
UNWIND said_of AS lesion
WITH c, f.name AS name, size(said_of) AS uses, lesion
ORDER BY uses DESC, name
WITH c, count(DISTINCT lesion) AS lesions, collect(DISTINCT name) AS inferred_from
RETURN c.name AS label, c.class AS class, lesions, inferred_from
ORDER BY lesions DESC, label
LIMIT $limit
