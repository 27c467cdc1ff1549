// title: Lesions with several findings and a least size
// question: Which nodules in the lung are spiculated and longer than 10 mm?
// param labels: labels = lung, nodule, spiculated -- labels the lesion must all have, itself or through a descendant
// param min_mm: number = 10 -- long diameter in mm that must be exceeded
// param limit: integer = 100 -- most rows
// column lesion: id of the lesion
// column long_mm: long diameter in mm
// column short_mm: short diameter in mm
// column mentioned: the labels said of the lesion that make it fit
UNWIND $labels AS wanted
MATCH (:Label {name: wanted})<-[:DESCENDS_FROM*0..1]-(f:Label)
MATCH (f)<-[:HAS_LABEL]-(l:Lesion)
WHERE l.long_mm > $min_mm
WITH l, wanted, f.name AS name
ORDER BY name
WITH l, count(DISTINCT wanted) AS met, collect(DISTINCT name) AS mentioned
WHERE met = size($labels)
RETURN l.id AS lesion, l.long_mm AS long_mm, l.short_mm AS short_mm, mentioned
ORDER BY long_mm DESC, lesion
LIMIT $limit
