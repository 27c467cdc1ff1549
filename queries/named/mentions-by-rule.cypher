// title: What each rule finds
// question: How often does each rule of the lexicon match, and how relevant is what it finds?
// param least: integer = 1 -- least number of mentions of a listed rule
// param limit: integer = 500 -- most rows
// column rule: what matched: name, synonym, or the id of a rule
// column scope: how the term's meaning compares with the label's: exact, narrow, broad or related
// column labels: labels it finds
// column mentions: places in reports
// column relevant: judgements that the label is about the lesion, or that the report asserts it
// column uncertain: judgements with doubt
// column irrelevant: judgements that the label is about something else, or negated
MATCH (s:Sentence)-[m:MENTIONS]->(c:Label)
WITH m.rule AS rule, m.scope AS scope, s.id AS sentence, c.id AS label, m.start AS begins, m.end AS ends,
     sum(CASE m.relevance WHEN 'relevant' THEN 1 ELSE 0 END) AS yes,
     sum(CASE m.relevance WHEN 'uncertain' THEN 1 ELSE 0 END) AS perhaps,
     sum(CASE m.relevance WHEN 'irrelevant' THEN 1 ELSE 0 END) AS no
WITH rule, scope, count(DISTINCT label) AS labels, count(*) AS mentions, sum(yes) AS relevant,
     sum(perhaps) AS uncertain, sum(no) AS irrelevant
WHERE mentions >= $least
RETURN rule, scope, labels, mentions, relevant, uncertain, irrelevant
ORDER BY mentions DESC, rule, scope
LIMIT $limit
