"""What the queues need from a graph, read on one consistent state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kg import algebra
from kg.curation.decisions import Action, Decision
from kg.curation.label_data import LabelData, read_label_data
from kg.curation.queues import Item, QueueKind, Topic, current_label, item_id
from kg.curation.queues_lesions import LabelledLesions
from kg.curation.queues_ranked import (
    LearnedEdge,
    contradiction_items,
    correlation_items,
    unmapped_items,
)
from kg.errors import UsageError
from kg.graph_cohort import OFFICIAL
from kg.ontology import Ontology
from kg.revision import verified
from kg.store import GraphStore, Row, Transaction


@dataclass(frozen=True, eq=False)
class QueueSources:
    """Attributes:
    revision: change sequence of the graph.
    data: what the label data is, for people.
    lesions: its ontology, and the lesions with the labels said of them.
    model: id of the model whose correlations these are, "" when the graph has none.
    edges: its correlations.
    """

    revision: int
    data: str
    lesions: LabelledLesions
    model: str
    edges: tuple[LearnedEdge, ...]

    def items(self) -> dict[QueueKind, tuple[Item, ...]]:
        """Every queue that a graph alone can fill, ranked."""
        learned = correlation_items(self.lesions, self.model, self.edges)
        found = {kind: tuple(item for item in learned if item.queue is kind) for kind in _LEARNED}
        found[QueueKind.CONTRADICTED] = contradiction_items(self.lesions)
        found[QueueKind.UNMAPPED] = unmapped_items(self.lesions)
        return found


_LEARNED = (QueueKind.CORRELATIONS, QueueKind.CONFUSED)


_LABELLED = (
    "MATCH (k:Label) WHERE EXISTS { (:Lesion)-[:HAS_LABEL|MAY_HAVE_LABEL]->(k) } RETURN k.id AS id ORDER BY id LIMIT 1"
)
_PATIENTS = (
    "MATCH (p:Patient)-[:HAS_STUDY]->(:Study)-[:HAS_SERIES]->(:Series)-[:HAS_LESION]->(l:Lesion) "
    "RETURN l.id AS lesion, p.id AS patient ORDER BY lesion"
)
_NO_CELLS = algebra.from_pairs(np.zeros((0, 2)), 0)
_NOTHING = LabelData("no labelled lesions", (), np.zeros(0, str), np.zeros(0, str), _NO_CELLS, _NO_CELLS)


def read_sources(store: GraphStore, model: str = "", cohort: str = OFFICIAL, split: str = "") -> QueueSources:
    """What the queues are made from.

    Args:
        store: the graph.
        model: id of the model to take correlations from; the newest one when empty.
        cohort: id or name of a cohort whose lesions are counted; ``official`` for all labelled lesions.
        split: only lesions of this split.

    Raises:
        UsageError: no such model with correlations or no such split, or the graph holds no ontology.
        CohortError: no such cohort, or no lesion to count.
        StaleRevisionError: the ontology was edited behind our back.
    """

    # A graph without lesions has queues all the same, of labels and terms.
    empty = cohort == OFFICIAL and not store.read(_LABELLED)
    data = _NOTHING if empty else read_label_data(store, cohort)

    def work(tx: Transaction) -> QueueSources:
        head, ontology = verified(tx)
        chosen = _model(tx, model)
        patients = {row["lesion"]: row["patient"] for row in tx.run(_PATIENTS)}
        edges = tx.run(
            "MATCH (a:Label)-[r:CORRELATES_WITH {model: $model}]->(b:Label) "
            "RETURN a.id AS source, b.id AS target, r.weight AS weight, r.stability AS stability "
            "ORDER BY source, target",
            {"model": chosen},
        )
        return QueueSources(
            head.sequence,
            data.name,
            LabelledLesions.of_data(ontology, data, patients, split),
            chosen,
            tuple(LearnedEdge(**edge) for edge in edges),
        )

    return store.read_transaction(work)


def _model(tx: Transaction, wanted: str) -> str:
    """The model asked for, or the newest that has correlations; "" when none has."""
    known = tx.run(
        "MATCH (:Label)-[r:CORRELATES_WITH]->(:Label) WITH DISTINCT r.model AS id MATCH (m:Model {id: id}) "
        "RETURN m.id AS id, m.created AS created ORDER BY created DESC, id"
    )
    ids = [str(row["id"]) for row in known]
    if wanted and wanted not in ids:
        raise UsageError(f"model {wanted!r}: has no correlations in this graph; these have: {', '.join(ids) or 'none'}")
    return wanted or (ids[0] if ids else "")


def stamp_reviews(store: GraphStore, decisions: Mapping[str, Decision]) -> int:
    """Copy decisions to the ``review`` of every model's correlations, so that queries of the graph see them.

    Args:
        store: the graph.
        decisions: the newest one about each item (:func:`kg.curation.decisions.latest`).

    Returns:
        Number of correlations whose review changed.
    """

    def stale(tx: Transaction) -> list[Row]:
        ontology = verified(tx)[1]
        rows = tx.run(
            "MATCH (a:Label)-[r:CORRELATES_WITH]->(b:Label) RETURN a.id AS from, b.id AS to, r.model AS model, "
            "r.weight AS weight, r.review AS review ORDER BY from, to, model"
        )
        wanted = [_review(decisions, ontology, row) for row in rows]
        return [row | {"review": new} for row, new in zip(rows, wanted, strict=True) if row["review"] != new]

    def write(tx: Transaction) -> int:
        rows = stale(tx)
        tx.run_many(
            "UNWIND $rows AS row MATCH (:Label {id: row.from})-[r:CORRELATES_WITH]->(:Label {id: row.to}) "
            "WHERE r.model = row.model SET r.review = row.review",
            rows,
        )
        return len(rows)

    return store.write_transaction(write) if store.read_transaction(stale) else 0


def _review(decisions: Mapping[str, Decision], ontology: Ontology, edge: Row) -> str:
    """What was decided last about the item that a correlation belongs to."""
    ends = [current_label(edge[end], ontology) for end in ("from", "to")]
    topics = (Topic.TOGETHER, Topic.CONFUSED) if edge["weight"] > 0 else (Topic.APART,)
    found = [decisions[item] for topic in topics if (item := item_id(topic, *ends)) in decisions]
    newest = max(found, key=lambda decision: decision.created, default=None)
    return "open" if newest is None or newest.action is Action.REOPENED else newest.action.value
