// title: Disagreements of two models
// question: On which labels do two models differ most, and on which lesions?
// param model: model = latest -- one model
// param other: model = previous -- the other model
// param limit: integer = 50 -- most rows
// column label: the label
// column only_model: lesions for which only the first model predicts it
// column only_other: lesions for which only the second does
// column both: lesions for which both do
// column examples: up to five lesions on which they differ
MATCH (c:Label)<-[p:PREDICTED]-(l:Lesion)
WHERE p.model = $model OR p.model = $other
WITH c, l.id AS lesion, collect(DISTINCT p.model) AS models
ORDER BY lesion
WITH c,
     sum(CASE WHEN models = [$model] THEN 1 ELSE 0 END) AS only_model,
     sum(CASE WHEN models = [$other] THEN 1 ELSE 0 END) AS only_other,
     sum(CASE WHEN size(models) = 2 THEN 1 ELSE 0 END) AS both,
     collect(CASE WHEN size(models) = 1 THEN lesion END)[0..5] AS examples
WHERE only_model + only_other > 0
RETURN c.name AS label, only_model, only_other, both, examples
ORDER BY only_model + only_other DESC, label
LIMIT $limit
