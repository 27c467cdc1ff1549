// title: Patients in more than one split
// question: Which patients have lesions in two splits of the cohort, so that the splits are not independent?
// param cohort: cohort = lesanet -- the cohort
// column patient: id of the patient
// column splits: the splits
// column lesions: lesions in each of them, in the same order
MATCH (:Cohort {id: $cohort})<-[i:IN_COHORT]-(l:Lesion)
MATCH (l)<-[:HAS_LESION]-(:Series)<-[:HAS_SERIES]-(:Study)<-[:HAS_STUDY]-(p:Patient)
WITH p, collect(DISTINCT i.split) AS some
WHERE size(some) > 1
MATCH (p)-[:HAS_STUDY]->(:Study)-[:HAS_SERIES]->(:Series)-[:HAS_LESION]->(l:Lesion)
MATCH (l)-[i:IN_COHORT]->(:Cohort {id: $cohort})
WITH p, i.split AS split, count(*) AS lesions
ORDER BY split
WITH p, collect(split) AS splits, collect(lesions) AS lesions
RETURN p.id AS patient, splits, lesions
ORDER BY patient
