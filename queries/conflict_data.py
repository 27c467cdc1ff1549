"""Labels by where they come from, and predictions, as the graph holds them, for the view of conflicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from scipy.sparse import coo_array

from ingest.mining.graph_lesion_labels import LABEL_SOURCE as MINING
from kg import algebra
from kg.algebra import BoolMatrix
from kg.curation.incoherence import read_models
from kg.curation.label_data import NO_SPLIT, LabelData
from kg.errors import CohortError, UsageError
from kg.graph_cohort import OFFICIAL
from kg.graph_ontology import load_ontology
from kg.ontology import Ontology
from kg.store import GraphStore, Row, Transaction
from queries.conflict_view import ConflictView, label_conflicts, prediction_conflicts
from queries.kept import Kept

_PATIENTS = (
    "MATCH (p:Patient)-[:HAS_STUDY]->(:Study)-[:HAS_SERIES]->(:Series)-[:HAS_LESION]->(l:Lesion) "
    "RETURN p.id AS patient, collect(l.id) AS lesions ORDER BY patient"
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


_SPLITS = "MATCH (l:Lesion) RETURN coalesce(l.split, '') AS split, collect(l.id) AS lesions ORDER BY split"
_COHORT_SPLITS = (
    "MATCH (l:Lesion)-[r:IN_COHORT]->(:Cohort {id: $id}) "
    "RETURN coalesce(r.split, '') AS split, collect(l.id) AS lesions ORDER BY split"
)
_COHORTS = "MATCH (c:Cohort) RETURN c.id AS id, c.created AS created ORDER BY created DESC, id"
_PREDICTING = "MATCH (:Lesion)-[p:PREDICTED]->(:Label) RETURN DISTINCT p.model AS model ORDER BY model"


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


def cohorts(kept: Kept) -> list[str]:
    """Ids of the cohorts, newest first, and ``official`` at the end."""
    found = kept.get("cohorts", lambda: kept.store.read(_COHORTS))
    return [*(str(row["id"]) for row in found), OFFICIAL]


def read_conflict_data(store: GraphStore, cohort: str) -> ConflictData:
    """Labels by where they come from.

    Args:
        store: the graph.
        cohort: id of the cohort whose lesions and split are taken; ``official`` for all labelled lesions, under the
            split of the data set itself.

    Raises:
        CohortError: no such cohort, or no lesion to count.
    """

    def work(tx: Transaction) -> tuple[list[Row], list[Row], list[Row], list[Row]]:
        splits = tx.run(_SPLITS) if cohort == OFFICIAL else tx.run(_COHORT_SPLITS, {"id": cohort})
        return splits, tx.run(_PATIENTS), tx.run(_SAID), tx.run(_DOUBTED)

    split_rows, patients, said, doubted = store.read_transaction(work)
    splits = {lesion: row["split"] or NO_SPLIT for row in split_rows for lesion in row["lesions"]}
    if cohort == OFFICIAL:
        labelled = {lesion for rows in (said, doubted) for row in rows for lesion in row["lesions"]}
        splits = {lesion: split for lesion, split in splits.items() if lesion in labelled}
    if not splits:
        raise CohortError(f"cohort {cohort!r}: no lesion of it is in this graph; choose another")
    lesions, columns = sorted(splits), sorted({row["label"] for row in (*said, *doubted)})
    place = {lesion: i for i, lesion in enumerate(lesions)}, {label: i for i, label in enumerate(columns)}
    origins = sorted({origin_of(row["source"], row["verified"]) for row in (*said, *doubted)})
    everything = LabelData(
        name=cohort,
        label_ids=tuple(columns),
        lesions=np.array(lesions, str),
        splits=np.array([splits[lesion] for lesion in lesions], str),
        relevant=_matrix(said, *place),
        uncertain=_matrix(doubted, *place),
    )
    by_origin = {
        origin: replace(everything, relevant=_matrix(said, *place, origin), uncertain=_matrix(doubted, *place, origin))
        for origin in origins
    }
    return ConflictData(
        everything, by_origin, {lesion: row["patient"] for row in patients for lesion in row["lesions"]}
    )


def conflicts_of_labels(kept: Kept, cohort: str, origin: Origin = Origin.ANY) -> ConflictView:
    """Contradictory labels of a cohort's lesions; computed once for each state of the graph.

    Raises:
        CohortError: no such cohort, or no lesion to count.
        UsageError: no label has this origin.
    """
    data = _data(kept, cohort)
    if origin is not Origin.ANY and origin not in data.by_origin:
        known = ", ".join(data.by_origin) or "none"
        raise UsageError(f"labels of origin {origin}: the graph has none; it has {known}")
    chosen = data.everything if origin is Origin.ANY else data.by_origin[origin]
    return kept.get(("conflicts", cohort, origin), lambda: label_conflicts(_ontology(kept), chosen, data.patients))


def origins_of_labels(kept: Kept, cohort: str) -> list[Origin]:
    """Where labels come from in this graph, all together first."""
    data = _data(kept, cohort)
    return [Origin.ANY, *data.by_origin]


def conflicts_of_model(kept: Kept, cohort: str, model: str) -> ConflictView:
    """Predictions of a model that break a relation; computed once for each state of the graph.

    Raises:
        UsageError: no such model.
        CohortError: no such cohort.
    """
    data = _data(kept, cohort)
    models = kept.get("models", lambda: read_models(kept.store))
    found = next((one for one in models if one.id == model), None)
    if found is None:
        raise UsageError(f"model {model!r}: not in this graph; it has {', '.join(m.id for m in models) or 'none'}")

    def work() -> ConflictView:
        ontology = _ontology(kept)
        sets = {one.name: one.members for one in ontology.label_sets}
        members = sets.get(found.label_set, found.label_ids)
        splits = dict(zip(data.everything.lesions.tolist(), data.everything.splits.tolist(), strict=True))
        return prediction_conflicts(
            ontology, found.label_ids, found.lesions, found.positive, members, splits, data.patients
        )

    return kept.get(("conflicts of model", cohort, model), work)


def models_with_predictions(kept: Kept) -> list[str]:
    """Ids of the models that predict something."""
    rows = kept.get("models with predictions", lambda: kept.store.read(_PREDICTING))
    return [str(row["model"]) for row in rows]


def _data(kept: Kept, cohort: str) -> ConflictData:
    return kept.get(("conflict data", cohort), lambda: read_conflict_data(kept.store, cohort))


def _ontology(kept: Kept) -> Ontology:
    return kept.get("ontology", lambda: load_ontology(kept.store))


def _matrix(
    rows: Iterable[Row], lesions: Mapping[str, int], columns: Mapping[str, int], origin: Origin = Origin.ANY
) -> BoolMatrix:
    cells = [
        (lesions[lesion], columns[row["label"]])
        for row in rows
        if origin in (Origin.ANY, origin_of(row["source"], row["verified"]))
        for lesion in row["lesions"]
        if lesion in lesions
    ]
    at = np.array(cells, np.int64).reshape(-1, 2)
    shape = (len(lesions), len(columns))
    return algebra.as_bool(coo_array((np.ones(len(at), bool), (at[:, 0], at[:, 1])), shape=shape))
