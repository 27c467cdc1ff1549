// title: Children of a label that occur together
// question: Which children of this label, not exclusive, are said of the same lesion?
// param label: label = lung -- the parent label
// param limit: integer = 50 -- most rows
// column first: one child
// column second: another child
// column lesions: lesions that have both, themselves or through descendants
MATCH (:Label {name: $label})<-[:IS_A|PART_OF|LOCATED_IN|INHERES_IN|HAS_ATTRIBUTE]-(k:Label)
MATCH (k)<-[:DESCENDS_FROM*0..1]-(f:Label)
MATCH (f)<-[:HAS_LABEL]-(l:Lesion)
WITH DISTINCT l, k
WITH l, collect(k) AS children
WHERE size(children) > 1
UNWIND children AS a
UNWIND children AS b
WITH a, b, l
WHERE a.name < b.name
WITH a, b, count(l) AS lesions
WHERE NOT EXISTS { (a)-[:EXCLUDES]-(b) } AND NOT EXISTS { (a)-[:DESCENDS_FROM]-(b) }
RETURN a.name AS first, b.name AS second, lesions
ORDER BY lesions DESC, first, second
LIMIT $limit
