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
MATCH (:Label {name: $second})<-[:DESCENDS_FROM*0..1]-(g:Label)
WITH collect(g.id) AS seconds
CALL (seconds) {
  MATCH (:Cohort {id: $cohort})<-[i:IN_COHORT]-(l:Lesion)
  WHERE size(i.relevant) > 0
  RETURN i.split AS split, count(*) AS lesions, 0 AS a, 0 AS b, 0 AS ab
  UNION ALL
  MATCH (:Label {name: $first})<-[:DESCENDS_FROM*0..1]-(f:Label)
  MATCH (f)<-[:HAS_LABEL]-(l:Lesion)-[i:IN_COHORT]->(:Cohort {id: $cohort})
  RETURN i.split AS split, 0 AS lesions, count(DISTINCT l.id) AS a, 0 AS b, 0 AS ab
  UNION ALL
  MATCH (:Label {name: $second})<-[:DESCENDS_FROM*0..1]-(g:Label)
  MATCH (g)<-[:HAS_LABEL]-(l:Lesion)-[i:IN_COHORT]->(:Cohort {id: $cohort})
  RETURN i.split AS split, 0 AS lesions, 0 AS a, count(DISTINCT l.id) AS b, 0 AS ab
  UNION ALL
  MATCH (:Label {name: $first})<-[:DESCENDS_FROM*0..1]-(f:Label)
  MATCH (f)<-[:HAS_LABEL]-(l:Lesion)
  MATCH (l)-[:HAS_LABEL]->(g:Label)
  WHERE g.id IN seconds
  WITH DISTINCT l
  MATCH (l)-[i:IN_COHORT]->(:Cohort {id: $cohort})
  RETURN i.split AS split, 0 AS lesions, 0 AS a, 0 AS b, count(*) AS ab
}
WITH split, sum(lesions) AS lesions, sum(a) AS with_first, sum(b) AS with_second, sum(ab) AS with_both
WITH split, lesions, with_first, with_second, with_both, 1.0 * with_first * with_second / lesions AS expected
RETURN split, lesions, with_first, with_second, with_both, expected,
       CASE WHEN expected > 0 THEN with_both / expected END AS lift
ORDER BY split
