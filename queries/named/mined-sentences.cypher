// title: Sentences that describe a lesion
// question: Which sentences of which reports describe this lesion, and what do they say of it?
// param lesion: lesion = DL:01760 -- the lesion
// column report: id of the report
// column sentence: id of the sentence
// column section: section of the report; empty where the report names none
// column organ: organ header above the sentence; empty where there is none
// column begins: first character of the sentence in the report, counted from 0
// column ends: one past its last character
// column relevant: labels that it says of the lesion
// column uncertain: labels that it says with doubt
// column irrelevant: labels that it says of something else
// column rules: rules that found these labels
MATCH (r:Report)-[:HAS_SENTENCE]->(s:Sentence)-[:DESCRIBES]->(l:Lesion {id: $lesion})
WITH DISTINCT r, s, l
CALL (s, l) {
  MATCH (s)-[m:MENTIONS]->(c:Label)
  WHERE m.lesion = l.id
  WITH DISTINCT c.name AS name, m.relevance AS relevance
  ORDER BY name
  RETURN collect(CASE relevance WHEN 'relevant' THEN name END) AS relevant,
         collect(CASE relevance WHEN 'uncertain' THEN name END) AS uncertain,
         collect(CASE relevance WHEN 'irrelevant' THEN name END) AS irrelevant
}
CALL (s, l) {
  MATCH (s)-[m:MENTIONS]->(:Label)
  WHERE m.lesion = l.id
  WITH DISTINCT m.rule AS rule
  ORDER BY rule
  RETURN collect(rule) AS rules
}
RETURN r.id AS report, s.id AS sentence, s.section AS section, s.organ AS organ, s.start AS begins, s.end AS ends,
       relevant, uncertain, irrelevant, rules
ORDER BY report, begins, sentence
