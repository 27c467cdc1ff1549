// title: Co-occurrence of two labels
// question: How much more often than by chance do two labels occur on one lesion?
// param first: label = spiculated -- one label
// param second: label = lung nodule -- the other label
// param cohort: cohort = lesanet -- the cohort
// column split: train, val or test
// column lesions: lesions with at least one label
// column with_first: lesions with the first label or a descendant
// column with_second: lesions with the second label or a descendant
// column with_both: lesions with both
// column expected: lesions with both if they were independent
// column lift: with_both over expected; empty when nothing is expected
MATCH (:Label {name: $first})<-[:DESCENDS_FROM*0..1]-(f:Label)
WITH collect(f.id) AS firsts
MATCH (:Label {name: $second})<-[:DESCENDS_FROM*0..1]-(g:Label)
WITH firsts, collect(g.id) AS seconds
MATCH (:Cohort {id: $cohort})<-[i:IN_COHORT]-(l:Lesion)
MATCH (l)-[:HAS_LABEL]->(c:Label)
WITH l.id AS lesion, i.split AS split, max(CASE WHEN c.id IN firsts THEN 1 ELSE 0 END) AS a,
     max(CASE WHEN c.id IN seconds THEN 1 ELSE 0 END) AS b
WITH split, count(*) AS lesions, sum(a) AS with_first, sum(b) AS with_second, sum(a * b) AS with_both
WITH split, lesions, with_first, with_second, with_both, 1.0 * with_first * with_second / lesions AS expected
RETURN split, lesions, with_first, with_second, with_both, expected,
       CASE WHEN expected > 0 THEN with_both / expected END AS lift
ORDER BY split
