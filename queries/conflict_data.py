"""Labels by where they come from, and predictions, as the graph holds them, for the view of conflicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from scipy.sparse import coo_array

from ingest.mining.graph_lesion_labels import LABEL_SOURCE as MINING
from kg import algebra
from kg.algebra import BoolMatrix
from kg.curation.incoherence import read_models
from kg.curation.label_data import LabelData, read_label_data
from kg.errors import UsageError
from kg.graph_cohort import OFFICIAL, list_cohorts
from kg.graph_ontology import load_ontology
from kg.store import GraphStore, Row, Transaction
from queries.conflict_view import ConflictView, label_conflicts, prediction_conflicts
from queries.kept import Kept

_PATIENTS = (
    "MATCH (p:Patient)-[:HAS_STUDY]->(:Study)-[:HAS_SERIES]->(:Series)-[:HAS_LESION]->(l:Lesion) "
    "RETURN l.id AS lesion, p.id AS patient ORDER BY lesion"
)
_SAID = (
    "MATCH (l:Lesion)-[r:HAS_LABEL]->(k:Label) "
    "RETURN k.id AS label, r.source AS source, coalesce(r.verified, false) AS verified, "
    "collect(DISTINCT l.id) AS lesions ORDER BY label, source, verified"
)
_DOUBTED = (
    "MATCH (l:Lesion)-[r:MAY_HAVE_LABEL]->(k:Label) "
    "RETURN k.id AS label, r.source AS source, false AS verified, collect(DISTINCT l.id) AS lesions "
    "ORDER BY label, source"
)


class Origin(StrEnum):
    """Where a label of a lesion comes from."""

    ANY = "any"
    """All together, as training takes them."""
    RELEASED = "released"
    """A data set's own labels that nobody looked through."""
    HAND = "hand"
    """A data set's labels that people verified."""
    MINED = "mined"
    """Mined from reports by this program."""
    CURATOR = "curator"
    """A curator's correction."""


CURATOR = "curator"
"""``source`` of the labels that curators correct."""


def origin_of(source: str | None, verified: bool) -> Origin:
    """Where a label comes from, by its relationship's properties."""
    if source == MINING:
        return Origin.MINED
    if source == CURATOR:
        return Origin.CURATOR
    return Origin.HAND if verified else Origin.RELEASED


@dataclass(frozen=True, eq=False)
class ConflictData:
    """Labels of lesions by where they come from.

    Attributes:
        everything: labels of all origins.
        by_origin: the same lesions with the labels of one origin; origins that occur only.
        patients: patient by lesion.
    """

    everything: LabelData
    by_origin: dict[Origin, LabelData]
    patients: dict[str, str]


def default_cohort(store: GraphStore) -> str:
    """Id of the newest cohort, or ``official`` in a graph without one."""
    return next((entry.id for entry in list_cohorts(store)), OFFICIAL)


def read_conflict_data(store: GraphStore, cohort: str) -> ConflictData:
    """Labels by where they come from.

    Args:
        store: the graph.
        cohort: id or name of the cohort whose lesions and split are taken; ``official`` for all labelled lesions.

    Raises:
        CohortError: no such cohort, or no lesion to count.
    """
    everything = read_label_data(store, cohort)

    def work(tx: Transaction) -> tuple[list[Row], list[Row], dict[str, str]]:
        patients = {row["lesion"]: row["patient"] for row in tx.run(_PATIENTS)}
        return tx.run(_SAID), tx.run(_DOUBTED), patients

    said, doubted, patients = store.read_transaction(work)
    origins = {origin_of(row["source"], row["verified"]) for row in (*said, *doubted)}
    by_origin = {
        origin: replace(
            everything,
            relevant=_of_origin(said, origin, everything),
            uncertain=_of_origin(doubted, origin, everything),
        )
        for origin in sorted(origins)
    }
    return ConflictData(everything, by_origin, patients)


def conflicts_of_labels(kept: Kept, cohort: str, origin: Origin = Origin.ANY) -> ConflictView:
    """Contradictory labels of a cohort's lesions; computed once for each state of the graph.

    Raises:
        CohortError: no such cohort, or no lesion to count.
        UsageError: no label has this origin.
    """
    data = kept.get(("conflict data", cohort), lambda: read_conflict_data(kept.store, cohort))
    if origin is not Origin.ANY and origin not in data.by_origin:
        known = ", ".join(data.by_origin) or "none"
        raise UsageError(f"labels of origin {origin}: the graph has none; it has {known}")
    chosen = data.everything if origin is Origin.ANY else data.by_origin[origin]
    return kept.get(
        ("conflicts", cohort, origin), lambda: label_conflicts(load_ontology(kept.store), chosen, data.patients)
    )


def origins_of_labels(kept: Kept, cohort: str) -> list[Origin]:
    """Where labels come from in this graph, all together first."""
    data = kept.get(("conflict data", cohort), lambda: read_conflict_data(kept.store, cohort))
    return [Origin.ANY, *data.by_origin]


def conflicts_of_model(kept: Kept, cohort: str, model: str) -> ConflictView:
    """Predictions of a model that break a relation; computed once for each state of the graph.

    Raises:
        UsageError: no such model.
        CohortError: no such cohort.
    """
    data = kept.get(("conflict data", cohort), lambda: read_conflict_data(kept.store, cohort))
    models = kept.get("models", lambda: read_models(kept.store))
    found = next((one for one in models if one.id == model), None)
    if found is None:
        raise UsageError(f"model {model!r}: not in this graph; it has {', '.join(m.id for m in models) or 'none'}")

    def work() -> ConflictView:
        ontology = load_ontology(kept.store)
        sets = {one.name: one.members for one in ontology.label_sets}
        members = sets.get(found.label_set, found.label_ids)
        splits = dict(zip(data.everything.lesions.tolist(), data.everything.splits.tolist(), strict=True))
        return prediction_conflicts(
            ontology, found.label_ids, found.lesions, found.positive, members, splits, data.patients
        )

    return kept.get(("conflicts of model", cohort, model), work)


def models_with_predictions(kept: Kept) -> list[str]:
    """Ids of the models that predict something."""
    models = kept.get("models", lambda: read_models(kept.store))
    return [one.id for one in models if len(one.lesions)]


def _of_origin(rows: Iterable[Row], origin: Origin, data: LabelData) -> BoolMatrix:
    lesions = {lesion: i for i, lesion in enumerate(data.lesions.tolist())}
    columns = {label: i for i, label in enumerate(data.label_ids)}
    cells = [
        (lesions[lesion], columns[row["label"]])
        for row in rows
        if origin_of(row["source"], row["verified"]) is origin
        for lesion in row["lesions"]
        if lesion in lesions
    ]
    at = np.array(cells, np.int64).reshape(-1, 2)
    return algebra.as_bool(coo_array((np.ones(len(at), bool), (at[:, 0], at[:, 1])), shape=data.relevant.shape))
