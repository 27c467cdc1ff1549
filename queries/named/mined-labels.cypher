// title: Labels mined for lesions
// question: Which labels were mined from reports for each lesion, how relevant are they, and what do they imply?
// param source: text = mining -- source of the labels
// param limit: integer = 1000 -- most rows
// column lesion: id of the lesion
// column label: the label
// column class: bodypart, type or attribute
// column relevance: relevant, uncertain, or irrelevant (said of something else: never a negative)
// column origin: asserted (a report says it) or inferred (an asserted label implies it)
// column from: an asserted label that implies it; empty where it is asserted
MATCH (l:Lesion)-[:HAS_LABEL|MAY_HAVE_LABEL|MENTIONED_NOT_ABOUT {source: $source}]->(:Label)
WITH DISTINCT l
CALL (l) {
  MATCH (l)-[:HAS_LABEL {source: $source}]->(c:Label)
  RETURN 1 AS place, 'relevant' AS relevance, 'asserted' AS origin, c AS label, null AS source
  UNION
  MATCH (l)-[:HAS_LABEL {source: $source}]->(f:Label)-[:DESCENDS_FROM]->(c:Label)
  WHERE NOT EXISTS { (l)-[:HAS_LABEL {source: $source}]->(c) }
  RETURN 2 AS place, 'relevant' AS relevance, 'inferred' AS origin, c AS label, min(f.name) AS source
  UNION
  MATCH (l)-[:MAY_HAVE_LABEL {source: $source}]->(c:Label)
  RETURN 3 AS place, 'uncertain' AS relevance, 'asserted' AS origin, c AS label, null AS source
  UNION
  MATCH (l)-[:MAY_HAVE_LABEL {source: $source}]->(f:Label)-[:DESCENDS_FROM]->(c:Label)
  WHERE NOT EXISTS { (l)-[:MAY_HAVE_LABEL {source: $source}]->(c) }
    AND NOT EXISTS { (l)-[:HAS_LABEL {source: $source}]->(c) }
    AND NOT EXISTS { (l)-[:HAS_LABEL {source: $source}]->(:Label)-[:DESCENDS_FROM]->(c) }
  RETURN 4 AS place, 'uncertain' AS relevance, 'inferred' AS origin, c AS label, min(f.name) AS source
  UNION
  MATCH (l)-[:MENTIONED_NOT_ABOUT {source: $source}]->(c:Label)
  RETURN 5 AS place, 'irrelevant' AS relevance, 'asserted' AS origin, c AS label, null AS source
}
RETURN l.id AS lesion, label.name AS label, label.class AS class, relevance, origin, source AS from
ORDER BY lesion, place, label
LIMIT $limit
