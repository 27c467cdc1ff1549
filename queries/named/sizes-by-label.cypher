// title: Lesion sizes by label
// question: How long are lesions with each label?
// param least: integer = 20 -- least number of measured lesions of a label that is listed
// param limit: integer = 200 -- most rows
// column label: the label
// column lesions: measured lesions with the label or a descendant
// column lower_mm: long diameter in mm that a quarter of them stays below
// column median_mm: median long diameter in mm
// column upper_mm: long diameter in mm that a quarter of them exceeds
MATCH (f:Label)<-[:HAS_LABEL]-(l:Lesion)
WHERE l.long_mm IS NOT NULL
WITH f, collect({id: l.id, mm: l.long_mm}) AS sizes
MATCH (f)-[:DESCENDS_FROM*0..1]->(c:Label)
UNWIND sizes AS size
WITH DISTINCT c.name AS label, size.id AS id, size.mm AS mm
WITH label, count(id) AS lesions, percentileCont(mm, 0.25) AS lower_mm, percentileCont(mm, 0.5) AS median_mm,
     percentileCont(mm, 0.75) AS upper_mm
WHERE lesions >= $least
RETURN label, lesions, lower_mm, median_mm, upper_mm
ORDER BY median_mm DESC, label
LIMIT $limit
