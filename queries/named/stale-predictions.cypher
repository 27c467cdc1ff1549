// title: Predictions from a stale revision
// question: Which models were trained on relations that are not the graph's any more, and how much do they predict?
// column model: id of the model
// column trained_on: revision of the ontology it was trained on
// column newest: the graph's newest revision
// column relations_changed: whether the relations of its label set differ; if not, its predictions still fit
// column predictions: PREDICTED relationships of the model
// column created: when it was trained
MATCH (r:Revision {head: true})
MATCH (m:Model)
WITH r, m, [k IN range(0, size(r.label_sets) - 1) WHERE r.label_sets[k] = m.label_set | r.matrix_hashes[k]] AS now
WITH r, m, size(now) = 0 OR now[0] <> m.matrix_hash AS changed
WHERE changed OR m.revision <> r.sequence
OPTIONAL MATCH (:Lesion)-[p:PREDICTED {model: m.id}]->(:Label)
RETURN m.id AS model, m.revision AS trained_on, r.sequence AS newest, changed AS relations_changed,
       count(p) AS predictions, m.created AS created
ORDER BY relations_changed DESC, created DESC, model
