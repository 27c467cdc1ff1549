// title: A patient's lesions over studies
// question: Which lesions does this patient have, how large are they in each study, and what was said of them?
// param patient: patient = DL:P0047 -- the patient
// column study: number of the study
// column age: age in years at the study; empty where unknown
// column series: id of the series
// column lesion: id of the lesion
// column long_mm: long diameter in mm; empty where unknown
// column short_mm: short diameter in mm; empty where unknown
// column mentioned: labels said of the lesion
MATCH (:Patient {id: $patient})-[:HAS_STUDY]->(s:Study)-[:HAS_SERIES]->(r:Series)-[:HAS_LESION]->(l:Lesion)
OPTIONAL MATCH (l)-[:HAS_LABEL]->(c:Label)
WITH s, r, l, c.name AS name
ORDER BY name
WITH s, r, l, collect(DISTINCT name) AS mentioned
RETURN s.index AS study, s.age AS age, r.id AS series, l.id AS lesion, l.long_mm AS long_mm, l.short_mm AS short_mm,
       mentioned
ORDER BY study, series, lesion
