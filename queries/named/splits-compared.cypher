// title: A cohort's split beside DeepLesion's own
// question: How many lesions does each split of the cohort take from each official split?
// param cohort: cohort = lesanet -- the cohort
// column split: split of the cohort
// column official_split: DeepLesion's own split
// column lesions: lesions in both
// column measured: those with a known size
MATCH (:Cohort {id: $cohort})<-[i:IN_COHORT]-(l:Lesion)
RETURN i.split AS split, l.split AS official_split, count(*) AS lesions, count(l.long_mm) AS measured
ORDER BY split, official_split
