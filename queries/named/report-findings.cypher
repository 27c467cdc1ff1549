// title: Findings of reports without bookmarks
// question: What do reports that point at no lesion assert, doubt and negate?
// param limit: integer = 1000 -- most rows
// column report: id of the report
// column label: the label
// column class: bodypart, type or attribute
// column finding: asserted in some sentence; else uncertain in some; else negated
// column sentences: sentences that mention the label
// column rules: rules that found it
MATCH (r:Report)-[:HAS_SENTENCE]->(s:Sentence)-[m:MENTIONS]->(c:Label)
WITH r, c, count(DISTINCT s) AS sentences, max(m.bookmark) AS last_bookmark, collect(DISTINCT m.rule) AS found_by,
     min(CASE m.relevance WHEN 'relevant' THEN 1 WHEN 'uncertain' THEN 2 ELSE 3 END) AS strongest
WITH r, max(last_bookmark) AS last_bookmark,
     collect({label: c.name, class: c.class, strongest: strongest, sentences: sentences, rules: found_by}) AS findings
WHERE last_bookmark < 0
UNWIND findings AS f
UNWIND f.rules AS rule
WITH r, f, rule
ORDER BY rule
WITH r.id AS report, f.label AS label, f.class AS class, f.strongest AS strongest, f.sentences AS sentences,
     collect(rule) AS rules
RETURN report, label, class, CASE strongest WHEN 1 THEN 'asserted' WHEN 2 THEN 'uncertain' ELSE 'negated' END AS finding,
       sentences, rules
ORDER BY report, strongest, label
LIMIT $limit
