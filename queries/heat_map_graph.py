"""The weights that a model learned: from the graph, and the small ones too where its run folder is at hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from kg.errors import LesionKGError, UsageError
from kg.matrices import RelationMatrices
from kg.store import GraphStore
from queries.heat_map import Weights

_MODELS = (
    "MATCH (:Label)-[r:CORRELATES_WITH]->(:Label) WITH DISTINCT r.model AS id MATCH (m:Model {id: id}) "
    "RETURN m.id AS id, m.created AS created, coalesce(m.note, '') AS note ORDER BY created DESC, id"
)
_EDGES = (
    "MATCH (a:Label)-[r:CORRELATES_WITH {model: $model}]->(b:Label) "
    "RETURN a.id AS source, b.id AS target, r.weight AS weight, r.stability AS stability ORDER BY source, target"
)
_MEMBERS = (
    "MATCH (m:Model {id: $model}) MATCH (k:Label)-[r:IN_SET]->(s:LabelSet {name: m.label_set}) "
    "RETURN k.id AS id, r.position AS position ORDER BY position"
)


def models_with_correlations(store: GraphStore) -> dict[str, str]:
    """Ids of the models that have correlations, newest first, with what must be said beside them."""
    return {row["id"]: row["note"] for row in store.read(_MODELS)}


def read_weights(store: GraphStore, model: str, runs: Path | None = None) -> Weights:
    """What a model learned.

    Args:
        store: the graph: which weights stand out.
        model: its id.
        runs: folder of the runs: all the others. They are taken only where they are of the same labels.

    Raises:
        UsageError: no such model with correlations.
    """
    edges = store.read(_EDGES, {"model": model})
    if not edges:
        raise UsageError(f"model {model!r}: has no correlations in this graph; publish one")
    ids = [row["id"] for row in store.read(_MEMBERS, {"model": model})]
    ids += sorted({row[end] for row in edges for end in ("source", "target")} - set(ids))
    place = {label_id: i for i, label_id in enumerate(ids)}
    weight, stability = np.zeros((len(ids), len(ids))), np.zeros((len(ids), len(ids)))
    for row in edges:
        cell = place[row["target"]], place[row["source"]]
        weight[cell], stability[cell] = row["weight"], row["stability"]
    found = Weights(model, tuple(ids), weight, stability, complete=False)
    return _completed(found, runs / model) if runs is not None else found


def _completed(found: Weights, run: Path) -> Weights:
    """With the small weights of its run folder; unchanged when that is absent, or of other labels."""
    try:
        order = RelationMatrices.load(run / "matrices.safetensors").label_ids
        with safe_open(str(run / "spl.safetensors"), framework="numpy") as file:
            mean = file.get_tensor("weight").mean(axis=0)
    except (OSError, SafetensorError, LesionKGError):
        return found
    if set(order) != set(found.label_ids) or mean.shape != (len(order), len(order)):
        return found
    at = [order.index(label_id) for label_id in found.label_ids]
    full = np.where(found.strong, found.weight, mean[np.ix_(at, at)])
    return replace(found, weight=full, complete=True)
