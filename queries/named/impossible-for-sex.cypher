// title: Labels impossible for the patient's sex
// question: Which lesions of men are said to be in organs of women, or the other way round?
// param of_women: texts = cervix, ovary, ovarian cyst, adnexa, uterus, vaginal -- labels that only women can have
// param of_men: texts = prostate -- labels that only men can have
// param limit: integer = 100 -- most rows
// column patient: id of the patient
// column sex: F or M, as recorded
// column lesion: id of the lesion
// column label: the impossible label as it was said
// column verified: whether a radiologist verified it
// column mentioned: all labels said of the lesion
UNWIND [{sex: 'M', names: $of_women}, {sex: 'F', names: $of_men}] AS rule
UNWIND rule.names AS name
MATCH (:Label {name: name})<-[:DESCENDS_FROM*0..1]-(f:Label)
MATCH (f)<-[h:HAS_LABEL]-(l:Lesion)
MATCH (l)<-[:HAS_LESION]-(:Series)<-[:HAS_SERIES]-(:Study)<-[:HAS_STUDY]-(p:Patient)
WHERE p.sex = rule.sex
MATCH (l)-[:HAS_LABEL]->(m:Label)
WITH DISTINCT p, l, f, h.verified AS verified, m.name AS said
ORDER BY said
WITH p, l, f, verified, collect(said) AS mentioned
RETURN p.id AS patient, p.sex AS sex, l.id AS lesion, f.name AS label, verified, mentioned
ORDER BY patient, lesion, label
LIMIT $limit
