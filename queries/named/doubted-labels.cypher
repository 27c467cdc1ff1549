// title: Labels that reports doubt
// question: Which labels are most often said with doubt?
// param least: integer = 20 -- least number of lesions a listed label is said of, doubted or not
// param limit: integer = 50 -- most rows
// column label: the label
// column said: lesions it is said of as a finding of theirs
// column doubted: lesions it is said of with doubt
// column share: doubted over both
MATCH (c:Label)
CALL (c) {
  MATCH (c)<-[:MAY_HAVE_LABEL]-(l:Lesion)
  RETURN count(DISTINCT l) AS doubted
}
WITH c, doubted
WHERE doubted > 0
CALL (c) {
  MATCH (c)<-[:HAS_LABEL]-(l:Lesion)
  RETURN count(DISTINCT l) AS said
}
WITH c.name AS label, said, doubted
WHERE said + doubted >= $least
RETURN label, said, doubted, 1.0 * doubted / (said + doubted) AS share
ORDER BY share DESC, label
LIMIT $limit
