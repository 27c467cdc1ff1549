"""All lesions with their labels and predictions as arrays, kept until the graph changes: what lists are filtered by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from kg.correction_edges import LACKS
from kg.store import GraphStore, Row
from queries.kept import Kept

T = TypeVar("T")
Mask = np.ndarray
"""Which of the N lesions, bool."""

_LESIONS = """
MATCH (l:Lesion) WITH l ORDER BY l.id
RETURN collect(l.id) AS id, collect(coalesce(l.index, -1)) AS number, collect(coalesce(l.split, '')) AS split,
       collect(coalesce(l.long_mm, -1.0)) AS long_mm, collect(coalesce(l.short_mm, -1.0)) AS short_mm
"""
_PATIENTS = """
MATCH (p:Patient)-[:HAS_STUDY]->(:Study)-[:HAS_SERIES]->(:Series)-[:HAS_LESION]->(l:Lesion)
RETURN p.id AS id, collect(DISTINCT l.id) AS lesions ORDER BY id
"""
_LABELS = "MATCH (l:Lesion)-[:{kind}]->(c:Label) RETURN c.id AS id, collect(DISTINCT l.id) AS lesions ORDER BY id"
_PREDICTED = """
MATCH (l:Lesion)-[:PREDICTED {model: $model}]->(c:Label) RETURN c.id AS id, collect(l.id) AS lesions ORDER BY id
"""
_SCORED = (
    "MATCH (l:Lesion)-[:SCORED {model: $model}]->(:Label) RETURN collect(DISTINCT l.id) AS lesions ORDER BY lesions"
)
_SET = """
MATCH (m:Model {id: $model}) MATCH (c:Label)-[:IN_SET]->(s:LabelSet) WHERE s.name = m.label_set
RETURN collect(c.id) AS ids ORDER BY ids
"""
_PAIRS = "MATCH (a:Label)-[:{kind}]->(b:Label) RETURN a.id AS id, collect(b.id) AS others ORDER BY id"
_MODELS = "MATCH (m:Model) RETURN m.id AS id ORDER BY m.created DESC, id DESC"


@dataclass(frozen=True, eq=False)
class Lesions:
    """N lesions in order of their ids; sizes in millimetres, NaN when unknown; index -1 when there is none."""

    ids: np.ndarray
    index: np.ndarray
    split: np.ndarray
    patient: np.ndarray
    long_mm: np.ndarray
    short_mm: np.ndarray
    row_of: Mapping[str, int]

    def mask(self, lesions: Sequence[str]) -> Mask:
        """Where these lesions are."""
        found = np.zeros(len(self.ids), bool)
        found[[self.row_of[lesion] for lesion in lesions if lesion in self.row_of]] = True
        return found


@dataclass(frozen=True)
class Labels:
    """Rows of lesions by label.

    Attributes:
        said: lesions that have the label, said of them.
        doubted: lesions that may have it.
        lacking: lesions that a curator took it from.
        below: labels that imply a label, itself among them.
        apart: labels that exclude it.
    """

    said: Mapping[str, Mask]
    doubted: Mapping[str, Mask]
    lacking: Mapping[str, Mask]
    below: Mapping[str, frozenset[str]]
    apart: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Predicted:
    """What one model decided.

    Attributes:
        by_label: lesions for which it decided the label.
        judged: lesions that it judged.
        labels: ids of the labels that it knows.
    """

    by_label: Mapping[str, Mask]
    judged: Mask
    labels: tuple[str, ...]


class LesionIndex:
    """The arrays of a graph, read when they are first asked for; threads may share it.

    Args:
        store: the graph.
    """

    def __init__(self, store: GraphStore) -> None:
        self.store = store
        self._lesions = Kept(store)
        self._labels = Kept(store)

    def lesions(self) -> Lesions:
        """All lesions."""
        return self._lesions.get("lesions", self._read_lesions)

    def labels(self) -> Labels:
        """Their labels."""
        lesions = self.lesions()
        return self._labels.get("labels", lambda: self._read_labels(lesions))

    def predicted(self, model: str) -> Predicted:
        """What a model decided."""
        lesions = self.lesions()
        return self._lesions.get(("model", model), lambda: self._read_predicted(lesions, model))

    def models(self) -> tuple[str, ...]:
        """Ids of all models, newest first."""
        return tuple(row["id"] for row in self.store.read(_MODELS))

    def warm(self) -> None:
        """Read what every list needs."""
        self.labels()

    def through(self, write: Callable[[], T]) -> T:
        """Run a write that changes labels of lesions and nothing else, so that only they are read anew."""
        return self._lesions.through(write)

    def _read_lesions(self) -> Lesions:
        row = self.store.read(_LESIONS)[0]
        ids = [str(lesion) for lesion in row["id"]]
        row_of = {lesion: place for place, lesion in enumerate(ids)}
        patient = np.full(len(ids), "", object)
        for one in self.store.read(_PATIENTS):
            patient[[row_of[lesion] for lesion in one["lesions"] if lesion in row_of]] = one["id"]
        long_mm, short_mm = (np.array(row[name], float) for name in ("long_mm", "short_mm"))
        return Lesions(
            ids=np.array(ids, object),
            index=np.array(row["number"], np.int64),
            split=np.array(row["split"], object),
            patient=patient,
            long_mm=np.where(long_mm < 0, np.nan, long_mm),
            short_mm=np.where(short_mm < 0, np.nan, short_mm),
            row_of=row_of,
        )

    def _read_labels(self, lesions: Lesions) -> Labels:
        def masks(kind: str) -> dict[str, Mask]:
            return _masks(lesions, self.store.read(_LABELS.format(kind=kind)))

        above = {row["id"]: row["others"] for row in self.store.read(_PAIRS.format(kind="DESCENDS_FROM"))}
        below: dict[str, set[str]] = {}
        for label, ancestors in above.items():
            for ancestor in ancestors:
                below.setdefault(ancestor, set()).add(label)
        apart: dict[str, set[str]] = {}
        for row in self.store.read(_PAIRS.format(kind="EXCLUDES")):
            for other in row["others"]:
                apart.setdefault(row["id"], set()).add(other)
                apart.setdefault(other, set()).add(row["id"])
        return Labels(
            said=masks("HAS_LABEL"),
            doubted=masks("MAY_HAVE_LABEL"),
            lacking=masks(LACKS),
            below={label: frozenset(found) for label, found in below.items()},
            apart={label: frozenset(found) for label, found in apart.items()},
        )

    def _read_predicted(self, lesions: Lesions, model: str) -> Predicted:
        by_label = _masks(lesions, self.store.read(_PREDICTED, {"model": model}))
        rows = self.store.read(_SCORED, {"model": model})
        judged = lesions.mask(rows[0]["lesions"] if rows else [])
        for mask in by_label.values():
            judged |= mask
        known = self.store.read(_SET, {"model": model})
        return Predicted(by_label, judged, tuple(known[0]["ids"]) if known else ())


def _masks(lesions: Lesions, rows: Sequence[Row]) -> dict[str, Mask]:
    return {row["id"]: lesions.mask(row["lesions"]) for row in rows}
