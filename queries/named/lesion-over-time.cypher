// title: One lesion over studies
// question: Which lesions does the model hold to be one lesion in two studies, and how did their size change?
// param patient: patient = DL:P0047 -- the patient
// param model: model = latest -- the model
// column study: number of the earlier study
// column lesion: id of the lesion in it
// column long_mm: its long diameter in mm; empty where unknown
// column later_study: number of the later study
// column later: id of the lesion in it
// column later_mm: its long diameter in mm; empty where unknown
// column change: long diameter of the later over that of the earlier; empty where unknown
// column distance: distance in the model's embedding
MATCH (p:Patient {id: $patient})-[:HAS_STUDY]->(s:Study)-[:HAS_SERIES]->(:Series)-[:HAS_LESION]->(l:Lesion)
MATCH (l)-[r:SAME_LESION_AS {model: $model}]-(o:Lesion)<-[:HAS_LESION]-(:Series)<-[:HAS_SERIES]-(t:Study)
WHERE s.index < t.index
RETURN s.index AS study, l.id AS lesion, l.long_mm AS long_mm, t.index AS later_study, o.id AS later,
       o.long_mm AS later_mm, o.long_mm / l.long_mm AS change, r.distance AS distance
ORDER BY study, lesion, later_study, later
