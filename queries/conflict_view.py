"""Contradictory labels and predictions, grouped by the relation that they break."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from kg import algebra
from kg.algebra import BoolMatrix
from kg.closures import Closures
from kg.cohort import SPLITS
from kg.curation.label_data import NO_SPLIT, LabelData
from kg.ontology import Ontology
from kg.store import GraphStore
from queries.disclosure import disclosable
from queries.request import Request
from queries.results import Result

ALL = "all"
"""Stands for all splits together."""


class Broken(StrEnum):
    """What kind of relation is broken."""

    EXCLUSIVE = "exclusive"
    """A lesion has two labels that exclude each other."""
    HIERARCHICAL = "hierarchical"
    """A label is predicted without its parent."""


@dataclass(frozen=True, slots=True)
class SplitLesions:
    """Lesions of one split, or of all.

    Attributes:
        split: its name, or :data:`ALL`.
        lesions: contradictory lesions in it.
        patients: their patients.
    """

    split: str
    lesions: int
    patients: int


@dataclass(frozen=True, slots=True)
class ConflictLesion:
    """A lesion that breaks a relation.

    Attributes:
        lesion: its id.
        patient: surrogate id of its patient; empty where the graph has none.
        split: its split.
        clashes: the most specific pairs of its labels that break the relation (ids).
    """

    lesion: str
    patient: str
    split: str
    clashes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ConflictGroup:
    """One relation and the lesions that break it.

    Attributes:
        kind: what is broken.
        labels: ids of its two labels: of a hierarchical relation the lower first.
        names: their preferred names.
        listed: what asserts it: ``pair``, the id of an exclusive group, or ``parent``.
        splits: counts of each split that has lesions here, and of all.
        lesions: the lesions, by id.
    """

    kind: Broken
    labels: tuple[str, str]
    names: tuple[str, str]
    listed: str
    splits: tuple[SplitLesions, ...]
    lesions: tuple[ConflictLesion, ...]

    @property
    def id(self) -> str:
        """Names the group in an address."""
        return "/".join((self.kind.value, *self.labels))

    @property
    def patients(self) -> int:
        """Patients with a lesion here."""
        return self.splits[-1].patients

    def clashes(self) -> list[tuple[tuple[str, str], int]]:
        """The most specific pairs with the number of lesions that have them, the most frequent first."""
        counts: dict[tuple[str, str], int] = {}
        for one in self.lesions:
            for pair in one.clashes:
                counts[pair] = counts.get(pair, 0) + 1
        return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


@dataclass(frozen=True)
class ConflictView:
    """All broken relations of one set of labels or predictions.

    Attributes:
        looked_at: lesions that were looked at.
        splits: contradictory lesions of each split, and of all, each counted once.
        groups: most lesions first.
    """

    looked_at: int
    splits: tuple[SplitLesions, ...]
    groups: tuple[ConflictGroup, ...]

    def count(self, split: str) -> int:
        """Contradictory lesions of a split."""
        return next((one.lesions for one in self.splits if one.split == split), 0)

    def find(self, group: str) -> ConflictGroup | None:
        """A group by its id."""
        return next((one for one in self.groups if one.id == group), None)


def label_conflicts(ontology: Ontology, data: LabelData, patients: Mapping[str, str]) -> ConflictView:
    """Lesions with exclusive labels, ancestors included, by the asserted pair that they break.

    A lesion stands in every group whose pair its labels break: also where they are exclusive only because they are
    below that pair. Relevant labels count, in train uncertain ones too, as in training.

    Args:
        ontology: the relations.
        data: labels as said of lesions.
        patients: patient by lesion.
    """
    closures = Closures(ontology)
    positive = data.implied(data.positive, ontology, [label.id for label in ontology.labels])
    lesions = _Lesions(data.lesions, data.splits, patients)
    groups = _exclusive_groups(ontology, closures, positive, lesions)
    return _view(groups, lesions)


def prediction_conflicts(
    ontology: Ontology,
    label_ids: Sequence[str],
    lesion_ids: np.ndarray,
    predicted: BoolMatrix,
    members: Sequence[str],
    splits: Mapping[str, str],
    patients: Mapping[str, str],
) -> ConflictView:
    """Lesions that a model predicts exclusive labels of, or a label without its parent.

    Args:
        ontology: the relations.
        label_ids: ids of the columns.
        lesion_ids: shape (N,).
        predicted: sparse bool, N x columns, as decided; nothing is inferred.
        members: ids of the labels that the model predicts: a parent outside of them is not missed.
        splits: split by lesion.
        patients: patient by lesion.
    """
    closures = Closures(ontology)
    known = [i for i, label_id in enumerate(label_ids) if label_id in closures.index]
    cells = predicted[:, known].tocoo()
    columns = np.array([closures.index[label_ids[i]] for i in known], np.int64)[cells.col]
    shape = (len(lesion_ids), len(closures.index))
    positive = algebra.as_bool(_ones(cells.row, columns, shape))
    lesions = _Lesions(lesion_ids, np.array([splits.get(i, NO_SPLIT) for i in lesion_ids.tolist()], str), patients)
    groups = _exclusive_groups(ontology, closures, positive, lesions)
    groups += _parent_groups(ontology, closures, positive, members, lesions)
    return _view(groups, lesions)


def as_result(groups: Sequence[ConflictGroup], names: Mapping[str, str]) -> Result:
    """The lesions of groups as a table, one row for each lesion, relation and most specific pair.

    Args:
        groups: the groups.
        names: preferred names by label id.
    """
    columns = ("broken", "relation_first", "relation_second", "lesion", "patient", "split", "first", "second")
    rows = tuple(
        (group.kind.value, *group.names, one.lesion, one.patient, one.split, names.get(a, a), names.get(b, b))
        for group in groups
        for one in group.lesions
        for a, b in one.clashes
    )
    return Result(columns, rows)


def exported(store: GraphStore, groups: Sequence[ConflictGroup], names: Mapping[str, str], smallest: int) -> Result:
    """The table as it may be shared: no ids, and no rows about fewer patients, when small groups are hidden.

    Args:
        store: the graph, to find the patient of an id.
        groups: the groups.
        names: preferred names by label id.
        smallest: patients in the smallest group that is shown; below 2 everything is.
    """
    return disclosable(as_result(groups, names), Request(), smallest, store)


@dataclass(frozen=True, eq=False)
class _Lesions:
    ids: np.ndarray
    splits: np.ndarray
    patients: Mapping[str, str]

    def patient(self, row: int) -> str:
        return self.patients.get(str(self.ids[row]), "")

    def counts(self, rows: np.ndarray) -> tuple[SplitLesions, ...]:
        """Counts of rows by split, and of all at the end."""
        names = np.array([self.patients.get(i, i) for i in self.ids[rows].tolist()], str)
        of = self.splits[rows]
        parts = [split for split in (*SPLITS, NO_SPLIT) if (of == split).any()]
        by_split = [
            SplitLesions(split, int((of == split).sum()), len(np.unique(names[of == split]))) for split in parts
        ]
        return (*by_split, SplitLesions(ALL, len(rows), len(np.unique(names))))


def _exclusive_groups(
    ontology: Ontology, closures: Closures, positive: BoolMatrix, lesions: _Lesions
) -> list[ConflictGroup]:
    found = algebra.contradictions(positive, closures.exclusive)
    if not len(found):
        return []
    has = positive.toarray()
    covered = algebra.product(positive, closures.ancestors).toarray()
    lowest = has & ~covered
    below = closures.ancestors.toarray() | np.eye(len(closures.index), dtype=bool)
    listed = {(a, b): group.id for group in ontology.exclusive_groups for a in group.members for b in group.members}
    listed |= {(pair.a, pair.b): "pair" for pair in ontology.exclusive_pairs}
    first, second = found[:, 1], found[:, 2]
    groups = []
    for a, b in sorted(ontology.all_exclusive_pairs):
        i, j = closures.index[a], closures.index[b]
        straight, crossed = below[first, i] & below[second, j], below[first, j] & below[second, i]
        if not (straight | crossed).any():
            continue
        pairs = np.concatenate([found[straight], found[crossed & ~straight][:, [0, 2, 1]]])
        specific = pairs[lowest[pairs[:, 0], pairs[:, 1]] & lowest[pairs[:, 0], pairs[:, 2]]]
        # Labels that were merged stand below what replaced them; a pair of these has no lower one among its own.
        kept = specific if len(np.unique(specific[:, 0])) == len(np.unique(pairs[:, 0])) else pairs
        groups.append(_group(ontology, Broken.EXCLUSIVE, (i, j), listed[a, b], kept, lesions))
    return groups


def _parent_groups(
    ontology: Ontology, closures: Closures, positive: BoolMatrix, members: Sequence[str], lesions: _Lesions
) -> list[ConflictGroup]:
    columns = np.array([closures.index[i] for i in members if i in closures.index], np.int64)
    parents = algebra.reduction(closures.ancestors[columns][:, columns])
    inside = positive[:, columns].toarray()
    groups = []
    for child, parent in algebra.to_pairs(parents):
        rows = np.flatnonzero(inside[:, child] & ~inside[:, parent])
        if len(rows):
            i, j = int(columns[child]), int(columns[parent])
            pairs = np.column_stack([rows, np.full(len(rows), i), np.full(len(rows), j)])
            groups.append(_group(ontology, Broken.HIERARCHICAL, (i, j), "parent", pairs, lesions))
    return groups


def _group(
    ontology: Ontology, kind: Broken, columns: tuple[int, int], listed: str, pairs: np.ndarray, lesions: _Lesions
) -> ConflictGroup:
    clashes: dict[int, list[tuple[str, str]]] = {}
    for row, a, b in sorted(pairs.tolist()):
        clashes.setdefault(row, []).append((ontology.labels[a].id, ontology.labels[b].id))
    a, b = (ontology.labels[column] for column in columns)
    members = tuple(
        ConflictLesion(str(lesions.ids[row]), lesions.patient(row), str(lesions.splits[row]), tuple(found))
        for row, found in sorted(clashes.items(), key=lambda each: str(lesions.ids[each[0]]))
    )
    counts = lesions.counts(np.array(sorted(clashes), np.int64))
    return ConflictGroup(kind, (a.id, b.id), (a.name, b.name), listed, counts, members)


def _view(groups: Sequence[ConflictGroup], lesions: _Lesions) -> ConflictView:
    contradictory = {one.lesion for group in groups for one in group.lesions}
    rows = np.flatnonzero(np.isin(lesions.ids, sorted(contradictory))) if contradictory else np.zeros(0, np.int64)
    ranked = sorted(groups, key=lambda group: (-len(group.lesions), group.id))
    return ConflictView(len(lesions.ids), lesions.counts(rows), tuple(ranked))


def _ones(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> BoolMatrix:
    from scipy.sparse import coo_array

    return coo_array((np.ones(len(rows), bool), (rows, columns)), shape=shape)
