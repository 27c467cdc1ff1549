// title: Evidence for a lesion's label
// question: Which mentions in which reports stand behind this label of this lesion?
// param lesion: lesion = DL:01760 -- the lesion
// param label: label = liver -- the label
// column report: id of the report
// column sentence: id of the sentence
// column mentioned: the label that is mentioned: this label, or one that implies it
// column begins: first character of the mention in the report, counted from 0
// column ends: one past its last character
// column term: term of the lexicon that matched
// column rule: rule that matched
// column scope: how the term's meaning compares with the label's: exact, narrow, broad or related
// column relevance: relevant, uncertain or irrelevant to this lesion
// column cue: rule or model that decided the relevance; empty where none applied
// column probability: the model's probability of it; empty where a rule decided
MATCH (:Label {name: $label})<-[:DESCENDS_FROM*0..1]-(f:Label)
WITH collect(DISTINCT f.id) AS family
MATCH (l:Lesion {id: $lesion})<-[:DESCRIBES]-(s:Sentence)<-[:HAS_SENTENCE]-(r:Report)
WITH DISTINCT family, l, s, r
MATCH (s)-[m:MENTIONS]->(c:Label)
WHERE m.lesion = l.id AND c.id IN family
RETURN r.id AS report, s.id AS sentence, c.name AS mentioned, m.start AS begins, m.end AS ends, m.term AS term,
       m.rule AS rule, m.scope AS scope, m.relevance AS relevance, m.cue AS cue, m.probability AS probability
ORDER BY report, begins, ends, mentioned, m.bookmark
