"""What is known about two labels: what lesions say in each split, what models learned, what the ontology says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kg.cohort import SPLITS
from kg.curation.label_data import NO_SPLIT
from kg.curation.queues_lesions import LabelledLesions
from kg.ontology import Label
from kg.store import GraphStore
from queries.relations_between import Between, relations_between

ALL = "all"
"""Stands for all splits together."""

_SPLITS = "MATCH (l:Lesion) RETURN l.id AS lesion, l.split AS split ORDER BY lesion"
_LEARNED = (
    "MATCH (a:Label)-[r:CORRELATES_WITH]->(b:Label) WHERE a.id IN $ids AND b.id IN $ids "
    "RETURN r.model AS model, a.name AS source, b.name AS target, r.weight AS weight, r.stability AS stability, "
    "r.reading AS reading, r.review AS review ORDER BY model DESC, source"
)


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """Lesions of a split with two labels, after expansion.

    Attributes:
        split: its name, or :data:`ALL`.
        lesions: labelled lesions in it.
        first: those with the first label.
        second: those with the second.
        together: those with both.
        patients: patients with a lesion that has both.
    """

    split: str
    lesions: int
    first: int
    second: int
    together: int
    patients: int

    @property
    def expected(self) -> float:
        """How many would have both by chance."""
        return self.first * self.second / self.lesions if self.lesions else 0.0

    @property
    def lift(self) -> float | None:
        """How much more often than by chance both occur; None where one never occurs."""
        return self.together / self.expected if self.expected else None


@dataclass(frozen=True, slots=True)
class LearnedWeight:
    """One correlation of a model; attributes as those of ``CORRELATES_WITH``, labels by name."""

    model: str
    source: str
    target: str
    weight: float
    stability: float
    reading: str
    review: str


@dataclass(frozen=True)
class PairEvidence:
    """What is known about two labels.

    Attributes:
        labels: the two.
        splits: counts of each split that has lesions, and of all.
        learned: correlations between them, of every model, the newest name first.
        relations: what the ontology says about them.
        shared: names of labels that are ancestors of both.
        examples: ids of lesions that have both, each of another patient.
    """

    labels: tuple[Label, Label]
    splits: tuple[SplitCounts, ...]
    learned: tuple[LearnedWeight, ...]
    relations: tuple[Between, ...]
    shared: tuple[str, ...]
    examples: tuple[str, ...]


def read_splits(store: GraphStore, lesions: tuple[str, ...]) -> np.ndarray:
    """The split of each lesion, as the data set has it; shape (N,)."""
    known: Mapping[str, str | None] = {row["lesion"]: row["split"] for row in store.read(_SPLITS)}
    return np.array([known.get(lesion) or NO_SPLIT for lesion in lesions], str)


def pair_evidence(store: GraphStore, lesions: LabelledLesions, splits: np.ndarray, a: str, b: str) -> PairEvidence:
    """What is known about two labels.

    Args:
        store: the graph.
        lesions: labelled lesions, with the ontology.
        splits: shape (N,), their splits.
        a: id of a label.
        b: id of another.

    Raises:
        UsageError: no such label.
    """
    ontology = lesions.ontology
    labels = ontology.label(a), ontology.label(b)
    first, second = (lesions.closures.index[label.id] for label in labels)
    learned = store.read(_LEARNED, {"ids": [label.id for label in labels]})
    above = lesions.closures.ancestors[[first, second]].toarray()
    return PairEvidence(
        labels=labels,
        splits=_counts(lesions, splits, first, second),
        learned=tuple(LearnedWeight(**row) for row in learned),
        relations=relations_between(ontology, *(label.id for label in labels)),
        shared=tuple(ontology.labels[i].name for i in np.flatnonzero(above.all(axis=0))),
        examples=lesions.examples(first, second),
    )


def _counts(lesions: LabelledLesions, splits: np.ndarray, first: int, second: int) -> tuple[SplitCounts, ...]:
    rows = [lesions.with_all(first), lesions.with_all(second), lesions.with_all(first, second)]
    found = []
    for split in (*SPLITS, NO_SPLIT, ALL):
        inside = np.ones(len(splits), bool) if split == ALL else splits == split
        if inside.any():
            a, b, both = (int(inside[each].sum()) for each in rows)
            patients = len(np.unique(lesions.patients[rows[2][inside[rows[2]]]]))
            found.append(SplitCounts(split, int(inside.sum()), a, b, both, patients))
    return tuple(found)
