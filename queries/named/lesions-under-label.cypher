// title: Lesions under a label
// question: Which lesions have this label or one of its descendants, and which of them was it?
// param label: label = liver -- the label
// param limit: integer = 100 -- most rows
// column lesion: id of the lesion
// column mentioned: the labels said of the lesion that are this label or descend from it
// column long_mm: long diameter in mm; empty where unknown
// column official_split: DeepLesion's own split
MATCH (:Label {name: $label})<-[:DESCENDS_FROM*0..1]-(f:Label)
MATCH (f)<-[:HAS_LABEL]-(l:Lesion)
WITH l, f.name AS name
ORDER BY name
WITH l, collect(DISTINCT name) AS mentioned
RETURN l.id AS lesion, mentioned, l.long_mm AS long_mm, l.split AS official_split
ORDER BY lesion
LIMIT $limit
