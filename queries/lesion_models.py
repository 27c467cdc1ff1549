"""What models say of one lesion, out of the graph, held against its labels."""

from __future__ import annotations

from collections.abc import Mapping

from kg.store import Row, Transaction
from queries.lesion_facts import Evidence, ModelView, Outcome, Prediction, Similar
from queries.lesion_labels import LesionLabels, ref

_MODELS = """
MATCH (m:Model) WHERE EXISTS { (:Lesion {id: $id})-[:PREDICTED|SCORED|SIMILAR_TO {model: m.id}]->() }
OPTIONAL MATCH (r:Revision {head: true})
RETURN m.id AS id, m.saw_pixels AS saw_pixels, m.note AS note, m.created AS created, m.label_set AS label_set,
       NOT m.matrix_hash IN coalesce(r.matrix_hashes, []) AS behind
ORDER BY created DESC, id DESC
"""
_SCORES = """
MATCH (l:Lesion {id: $id})-[p:PREDICTED|SCORED]->(c:Label)
RETURN p.model AS model, type(p) = 'PREDICTED' AS decided, c.id AS id, c.name AS name, c.class AS class,
       p.score AS score, p.probability AS probability, p.threshold AS threshold, p.expanded_from AS expanded_from
ORDER BY model, decided DESC, score DESC, id
"""
_EVIDENCE = """
MATCH (j:Label)-[r:CORRELATES_WITH {model: $model}]->(c:Label) WHERE j.id IN $ids AND c.id IN $ids
RETURN c.id AS on, j.id AS id, j.name AS name, j.class AS class, r.weight AS weight
ORDER BY abs(weight) DESC, id
"""
_IN_SET = "MATCH (c:Label)-[:IN_SET]->(:LabelSet {name: $name}) WHERE c.id IN $ids RETURN c.id AS id ORDER BY id"
_NAMES = "MATCH (c:Label) WHERE c.id IN $ids RETURN c.id AS id, c.name AS name, c.class AS class ORDER BY id"
_SIMILAR = """
MATCH (l:Lesion {id: $id})-[s:SIMILAR_TO]->(o:Lesion)
OPTIONAL MATCH (o)-[:HAS_LABEL]->(:Label)-[:DESCENDS_FROM*0..1]->(v:Label)
WITH s.model AS model, s.rank AS rank, s.distance AS distance, o, v.name AS name
ORDER BY name
WITH model, rank, distance, o, collect(DISTINCT name) AS names
RETURN model, rank, distance, o.id AS lesion, names, o.long_mm AS long_mm, o.short_mm AS short_mm,
       o.x AS x, o.y AS y, o.z AS z
ORDER BY model, rank
"""
_STRONGEST = 3


def models_of(tx: Transaction, lesion: str, labels: LesionLabels) -> tuple[ModelView, ...]:
    """What each model says of a lesion, newest model first."""
    scores: dict[str, list[Row]] = {}
    for row in tx.run(_SCORES, {"id": lesion}):
        scores.setdefault(row["model"], []).append(row)
    own = {one.label.name for one in labels.asserted} | {one.label.name for one in labels.inferred}
    similar: dict[str, list[Similar]] = {}
    for row in tx.run(_SIMILAR, {"id": lesion}):
        similar.setdefault(row["model"], []).append(_similar(row, own))
    return tuple(
        ModelView(
            model=model["id"],
            saw_pixels=bool(model["saw_pixels"]),
            note=model["note"] or "",
            created=model["created"] or "",
            behind=bool(model["behind"]),
            predictions=_predictions(tx, model, scores.get(model["id"], []), labels),
            similar=tuple(similar.get(model["id"], ())),
        )
        for model in tx.run(_MODELS, {"id": lesion})
    )


def _predictions(tx: Transaction, model: Row, rows: list[Row], labels: LesionLabels) -> tuple[Prediction, ...]:
    """Decided labels, missed ones, and the next best of one model."""
    if not rows:
        return ()
    refs = {row["id"]: ref(row) for row in rows}
    positive = labels.positive
    missing = sorted(positive.keys() - refs.keys())
    refs |= {row["id"]: ref(row) for row in tx.run(_NAMES, {"ids": missing})}
    decided = sorted(row["id"] for row in rows if row["decided"])
    known = {row["id"] for row in tx.run(_IN_SET, {"name": model["label_set"], "ids": missing})}
    evidence: dict[str, list[Evidence]] = {}
    for row in tx.run(_EVIDENCE, {"model": model["id"], "ids": decided}):
        evidence.setdefault(row["on"], []).append(Evidence(ref(row), row["weight"]))
    nothing: Row = {"decided": False, "score": None, "probability": None, "threshold": None, "expanded_from": None}
    absent = [nothing | {"id": label} for label in missing if label in known]
    found = [
        Prediction(
            label=refs[row["id"]],
            decided=row["decided"],
            score=row["score"],
            probability=row["probability"],
            threshold=row["threshold"],
            expanded_from=refs.get(row["expanded_from"] or ""),
            outcome=(judged := outcome(row["id"], row["decided"], labels, positive))[0],
            because=judged[1],
            evidence=tuple(evidence.get(row["id"], ())[:_STRONGEST]),
        )
        for row in (*rows, *absent)
    ]
    return tuple(
        sorted(
            found,
            key=lambda one: (
                not one.decided,
                one.outcome is not Outcome.FALSE_NEGATIVE,
                -(one.score if one.score is not None else -1.0),
                one.label.name,
            ),
        )
    )


def outcome(label: str, decided: bool, labels: LesionLabels, positive: Mapping[str, str]) -> tuple[Outcome, str]:
    """How a decision stands to the labels of the lesion, and why.

    A label that is there counts as there even where another excludes it. What is neither there nor reliably absent is
    unknown: that no report mentions it says nothing.

    Args:
        label: id of the label.
        decided: whether the model decided it.
        labels: of the lesion.
        positive: :attr:`LesionLabels.positive` of them.
    """
    if label in positive:
        return (Outcome.TRUE_POSITIVE if decided else Outcome.FALSE_NEGATIVE), positive[label]
    wrong = Outcome.FALSE_POSITIVE if decided else Outcome.TRUE_NEGATIVE
    if any(one.label.id == label for one in labels.removed):
        return wrong, "a curator"
    if label in labels.excluded:
        return wrong, labels.excluded[label][0].name
    return Outcome.UNKNOWN, ""


def _similar(row: Row, own: set[str]) -> Similar:
    position = (row["x"], row["y"], row["z"])
    return Similar(
        lesion=row["lesion"],
        rank=row["rank"],
        distance=row["distance"],
        shared=tuple(name for name in row["names"] if name in own),
        other=tuple(name for name in row["names"] if name not in own),
        long_mm=row["long_mm"],
        short_mm=row["short_mm"],
        position=None if None in position else position,
    )
