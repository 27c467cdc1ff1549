// title: Reliable negatives of a lesion
// question: Which labels can this lesion not have, because of which of its labels, and through which listed exclusion?
// param lesion: lesion = DL:01760 -- the lesion
// param label_set: label_set = lesanet-171 -- the labels to look at
// column negative: label that the lesion reliably does not have
// column because: labels said of the lesion that exclude it
// column listed: the exclusions it is inherited from
MATCH (l:Lesion {id: $lesion})-[:HAS_LABEL]->(:Label)-[:DESCENDS_FROM*0..1]->(u:Label)
WITH l, collect(DISTINCT u.id) AS positive
MATCH (l)-[:HAS_LABEL]->(p:Label)
MATCH (p)-[:DESCENDS_FROM*0..1]->(x:Label)-[:EXCLUSIVE_WITH]-(y:Label)
MATCH (y)<-[:DESCENDS_FROM*0..1]-(n:Label)
WHERE NOT n.id IN positive AND EXISTS { (p)-[:EXCLUDES]-(n) }
MATCH (n)-[:IN_SET]->(:LabelSet {name: $label_set})
WITH n.name AS negative, p.name AS mentioned, x.name + ' excludes ' + y.name AS pair
ORDER BY negative, mentioned, pair
RETURN negative, collect(DISTINCT mentioned) AS because, collect(DISTINCT pair) AS listed
ORDER BY negative
