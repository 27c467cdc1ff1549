"""Write-back: a run's learned correlations, predictions and similar lesions become edges of the graph.

Everything of one model is written in one transaction and carries the model's id, so that models stand side by side and
a model published twice changes nothing. The whole score propagation matrix, diagonal and bias included, stays in the
run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kg.cohort import Cohort
from kg.errors import StoreError
from kg.store import GraphStore, Row, Transaction
from learn.correlations import Correlations, read_correlations
from learn.decode import Decoded, decode
from learn.description import is_synthetic
from learn.neighbours import nearest
from learn.run import Run, require_nobody_erased

NEXT_BEST = 10
"""SCORED edges for each lesion: the best labels that were not decided positive."""

NEIGHBOURS = 5
"""SIMILAR_TO edges for each lesion."""

_SPLIT = "test"


@dataclass(frozen=True)
class PublishSummary:
    """What is in the graph for a model after publishing it."""

    model: str
    changed: bool
    correlations: int
    correlations_considered: int
    correlation_threshold: float
    lesions: int
    predicted: int
    scored: int
    similar: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def publish(store: GraphStore, run: Run, cohort: Cohort, threshold: float | None = None) -> PublishSummary:
    """Write a run into the graph: model node, CORRELATES_WITH, PREDICTED, SCORED and SIMILAR_TO edges.

    Predictions are those of the test lesions, decoded so that they break no relation. A model whose content is already
    in the graph is left alone. One published before with other content (a different threshold, say) is replaced, all
    but what reviewers decided about its correlations.

    Args:
        store: the graph that holds the run's labels and lesions.
        run: what training left.
        cohort: the cohort the run was trained on, for co-occurrence counts.
        threshold: smallest absolute correlation weight to keep, see :func:`learn.correlations.read_correlations`.

    Raises:
        StoreError: the graph lacks labels or lesions of the run.
        TrainingError: the run holds predictions of lesions that were erased from the cohort.
    """
    require_nobody_erased(run, cohort)
    train = cohort.subset("train")
    correlations = read_correlations(
        run.spl_weight, run.matrices, train.relevant_matrix() + train.uncertain_matrix(), threshold
    )
    rows_of_split = np.flatnonzero(run.split == _SPLIT)
    decoded = decode(run.score[rows_of_split], run.thresholds, run.matrices)
    edges = {
        "correlations": correlation_rows(run, correlations),
        "predicted": predicted_rows(run, rows_of_split, decoded),
        "scored": scored_rows(run, rows_of_split, decoded),
        "similar": similar_rows(run, cohort, rows_of_split),
    }
    model = model_properties(run, correlations, edges)
    changed = store.write_transaction(lambda transaction: _replace(transaction, model, edges, run, rows_of_split))
    return PublishSummary(
        model=run.run_id,
        changed=changed,
        correlations=len(edges["correlations"]),
        correlations_considered=correlations.considered,
        correlation_threshold=correlations.threshold,
        lesions=len(rows_of_split),
        predicted=len(edges["predicted"]),
        scored=len(edges["scored"]),
        similar=len(edges["similar"]),
    )


def model_properties(run: Run, correlations: Correlations, edges: dict[str, list[Row]]) -> Row:
    """Properties of the Model node; ``content`` is a hash over them and all edges."""
    note = "" if run.saw_pixels else "This model saw no pixels: it predicts from location, size and acquisition facts. "
    if is_synthetic(run):
        note += "Its lesions are synthetic: no patient stands behind them. "
    model: Row = {
        "id": run.run_id,
        "features": run.features,
        "saw_pixels": run.saw_pixels,
        "cohort": run.cohort,
        "label_set": run.matrices.label_set,
        "revision": run.matrices.revision,
        "ontology_hash": run.matrices.ontology_hash,
        "matrix_hash": run.matrices.matrix_hash,
        "label_data_hash": run.label_data_hash,
        "created": run.created,
        "seeds": list(run.seeds),
        "test_macro_auc": run.metrics["test"]["macro_auc"],
        "correlation_threshold": correlations.threshold,
        "note": note + "Research use only; not for diagnosis.",
    }
    content = json.dumps([model, edges], sort_keys=True, separators=(",", ":"))
    return model | {"content": hashlib.sha256(content.encode()).hexdigest()}


def correlation_rows(run: Run, found: Correlations) -> list[Row]:
    """One row a CORRELATES_WITH edge, from the label that gives evidence to the one that receives it."""
    ids = run.matrices.label_ids
    columns = (found.source, found.target, found.weight, found.stability, found.reading, found.together, found.lift)
    return [
        {
            "from": ids[j],
            "to": ids[i],
            "weight": round(float(weight), 6),
            "stability": round(float(stability), 4),
            "reading": str(reading),
            "together": int(together),
            "lift": None if np.isnan(lift) else round(float(lift), 4),
        }
        for j, i, weight, stability, reading, together, lift in zip(*columns, strict=True)
    ]


def predicted_rows(run: Run, rows: np.ndarray, decoded: Decoded) -> list[Row]:
    """One row a PREDICTED edge; ``expanded_from`` is the label whose acceptance brought an ancestor with it."""
    ids = run.matrices.label_ids
    found, column = np.nonzero(decoded.positive)
    origin = decoded.expanded_from[found, column]
    return [
        {
            "lesion": run.lesions[rows[n]],
            "label": ids[c],
            "score": round(float(run.score[rows[n], c]), 6),
            "probability": round(float(run.probability[rows[n], c]), 6),
            "threshold": round(float(run.thresholds[c]), 6) if np.isfinite(run.thresholds[c]) else None,
            "expanded_from": ids[k] if k >= 0 else None,
        }
        for n, c, k in zip(found, column, origin, strict=True)
    ]


def scored_rows(run: Run, rows: np.ndarray, decoded: Decoded) -> list[Row]:
    """One row a SCORED edge: for each lesion the best labels that were not decided positive."""
    ids = run.matrices.label_ids
    score = np.where(decoded.positive, -np.inf, run.score[rows])
    best = np.argsort(-score, axis=1, kind="stable")[:, :NEXT_BEST]
    keep = np.isfinite(np.take_along_axis(score, best, axis=1))
    return [
        {"lesion": run.lesions[rows[n]], "label": ids[c], "score": round(float(run.score[rows[n], c]), 6)}
        for n, c in zip(np.nonzero(keep)[0], best[keep], strict=True)
    ]


def similar_rows(run: Run, cohort: Cohort, rows: np.ndarray) -> list[Row]:
    """One row a SIMILAR_TO edge: the nearest val and test lesions of other patients in the embedding."""
    patient_of = dict(zip(cohort.table["lesion"].to_pylist(), cohort.table["patient"].to_pylist(), strict=True))
    patients = np.array([patient_of[lesion] for lesion in run.lesions])
    near, distance = nearest(run.embedding, patients, rows, NEIGHBOURS)
    found, rank = np.nonzero(near >= 0)
    return [
        {
            "lesion": run.lesions[rows[n]],
            "other": run.lesions[near[n, k]],
            "rank": int(k) + 1,
            "distance": round(float(distance[n, k]), 6),
        }
        for n, k in zip(found, rank, strict=True)
    ]


def _replace(transaction: Transaction, model: Row, edges: dict[str, list[Row]], run: Run, rows: np.ndarray) -> bool:
    """Write everything unless the same content is there; returns whether anything changed."""
    stored = transaction.run(_STORED, {"id": model["id"]})
    if stored and stored[0]["content"] == model["content"]:
        return False
    _require_all(transaction, "Label", run.matrices.label_ids)
    lesions = {run.lesions[n] for n in rows} | {row["other"] for row in edges["similar"]}
    _require_all(transaction, "Lesion", sorted(lesions))
    reviews = {(row["from"], row["to"]): row["review"] for row in transaction.run(_REVIEWS, {"id": model["id"]})}
    correlations = [row | {"review": reviews.get((row["from"], row["to"]), "open")} for row in edges["correlations"]]
    if stored:
        for kind in ("CORRELATES_WITH", "PREDICTED", "SCORED", "SIMILAR_TO"):
            # Collected first: the embedded engine deletes while it still walks the pattern, and misses some.
            delete = "WITH collect(r) AS found FOREACH (r IN found | DELETE r)"
            transaction.run(f"MATCH ()-[r:{kind}]->() WHERE r.model = $id {delete}", {"id": model["id"]})
    transaction.run("MERGE (m:Model {id: $id}) SET m += $properties", {"id": model["id"], "properties": model})
    shared = {"model": model["id"]}
    transaction.run_many(_CORRELATES, correlations, shared)
    transaction.run_many(_PREDICTED, edges["predicted"], shared)
    transaction.run_many(_SCORED, edges["scored"], shared)
    transaction.run_many(_SIMILAR, edges["similar"], shared)
    return True


def write_predictions(
    transaction: Transaction, run: Run, lesions: Sequence[str], predicted: list[Row], scored: list[Row]
) -> None:
    """Replace a model's PREDICTED and SCORED edges of some lesions.

    Raises:
        StoreError: the graph lacks a label of the run.
    """
    _require_all(transaction, "Label", run.matrices.label_ids)
    for kind in ("PREDICTED", "SCORED"):
        transaction.run_many(
            f"UNWIND $rows AS row MATCH (l:Lesion {{id: row.lesion}})-[r:{kind} {{model: $model}}]->() "
            "WITH collect(r) AS found FOREACH (r IN found | DELETE r)",
            [{"lesion": lesion} for lesion in lesions],
            {"model": run.run_id},
        )
    transaction.run_many(_PREDICTED, predicted, {"model": run.run_id})
    transaction.run_many(_SCORED, scored, {"model": run.run_id})


def _require_all(transaction: Transaction, kind: str, ids: tuple[str, ...] | list[str]) -> None:
    """Check that every node exists, so that no edge is dropped in silence."""
    found = transaction.run(f"MATCH (n:{kind}) WHERE n.id IN $ids RETURN n.id AS id ORDER BY id", {"ids": list(ids)})
    missing = sorted(set(ids) - {row["id"] for row in found})
    if missing:
        raise StoreError(
            f"{len(missing)} of {len(ids)} {kind.lower()}s of the run are not in the graph (first: {missing[0]}); "
            "load the ontology and the cohort the run was trained on, then publish again"
        )


_STORED = "MATCH (m:Model {id: $id}) RETURN m.content AS content ORDER BY content"

_REVIEWS = """
MATCH (j:Label)-[r:CORRELATES_WITH {model: $id}]->(i:Label) WHERE r.review <> 'open'
RETURN j.id AS from, i.id AS to, r.review AS review ORDER BY from, to
"""

_CORRELATES = """
UNWIND $rows AS row
MATCH (j:Label {id: row.from}), (i:Label {id: row.to})
CREATE (j)-[:CORRELATES_WITH {model: $model, weight: row.weight, stability: row.stability, reading: row.reading,
                              together: row.together, lift: row.lift, review: row.review}]->(i)
"""

_PREDICTED = """
UNWIND $rows AS row
MATCH (l:Lesion {id: row.lesion}), (c:Label {id: row.label})
CREATE (l)-[:PREDICTED {model: $model, score: row.score, probability: row.probability, threshold: row.threshold,
                        expanded_from: row.expanded_from}]->(c)
"""

_SCORED = """
UNWIND $rows AS row
MATCH (l:Lesion {id: row.lesion}), (c:Label {id: row.label})
CREATE (l)-[:SCORED {model: $model, score: row.score}]->(c)
"""

_SIMILAR = """
UNWIND $rows AS row
MATCH (l:Lesion {id: row.lesion}), (o:Lesion {id: row.other})
CREATE (l)-[:SIMILAR_TO {model: $model, distance: row.distance, rank: row.rank}]->(o)
"""
