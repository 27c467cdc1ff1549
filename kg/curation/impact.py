"""What a change of the ontology does to label data, before it is saved.

Both ontologies read the same data; columns are aligned by label id, and a column that one of them lacks is unknown
there. The states of lesion-label cells are those of :mod:`kg.curation.impact_figures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from kg import algebra
from kg.algebra import BoolMatrix
from kg.curation.impact_figures import (
    NEGATIVE,
    POSITIVE,
    UNKNOWN,
    Clash,
    ContradictoryLesion,
    Impact,
    Pair,
    SplitImpact,
    TreeSize,
)
from kg.curation.incoherence import StoredModel, model_impacts
from kg.curation.label_data import LabelData
from kg.errors import UsageError
from kg.matrices import RelationMatrices
from kg.ontology import Ontology

__all__ = ["Impact", "impact"]

_ROWS = 16384
"""Lesions that are dense in memory at a time."""


def impact(
    before: Ontology, after: Ontology, data: LabelData, label_set: str, models: Iterable[StoredModel] = ()
) -> Impact:
    """What a change does.

    Args:
        before: the ontology as it is.
        after: the ontology after the change; rules may be broken, but its hierarchy has no cycle.
        data: the lesions to count; labels of either ontology, also outside the label set, and what they imply there.
        label_set: whose columns count; a set that has them in another version or order is compared label by label.
        models: published models, to be held against both.

    Raises:
        OntologyError: a reference does not resolve, or a hierarchy has a cycle.
        UsageError: one of them lacks the label set, or both lack a label of the data.
    """
    unknown = [i for i in data.label_ids if i not in before.by_id and i not in after.by_id]
    if unknown:
        raise UsageError(f"label data: {len(unknown)} of its labels are in neither ontology (first: {unknown[0]})")
    old = RelationMatrices.from_ontology(before, label_set)
    new = RelationMatrices.from_ontology(after, label_set)
    names = dict(zip(old.label_ids, old.names, strict=True)) | dict(zip(new.label_ids, new.names, strict=True))
    sides = tuple(_Side(o, m, tuple(names), data) for o, m in ((before, old), (after, new)))
    splits, clashing = _count(sides, data)
    ids = np.array(tuple(names))

    def pairs(more: BoolMatrix, less: BoolMatrix, symmetric: bool = False) -> tuple[Pair, ...]:
        return tuple((a, b) for a, b in ids[algebra.to_pairs(algebra.minus(more, less), symmetric)].tolist())

    was, now = sides
    return Impact(
        label_set=label_set,
        data=data.name,
        names=names,
        columns_added=tuple(i for i in new.label_ids if i not in old.position),
        columns_removed=tuple(i for i in old.label_ids if i not in new.position),
        matrix_hashes=(old.matrix_hash, new.matrix_hash),
        splits=splits[:-1],
        total=splits[-1],
        ancestors_gained=pairs(now.ancestors, was.ancestors),
        ancestors_lost=pairs(was.ancestors, now.ancestors),
        exclusive_gained=pairs(now.exclusive, was.exclusive, symmetric=True),
        exclusive_lost=pairs(was.exclusive, now.exclusive, symmetric=True),
        becomes_contradictory=tuple(now.contradictory(data, clashing[1] & ~clashing[0])),
        stops_contradictory=tuple(was.contradictory(data, clashing[0] & ~clashing[1])),
        clashes=_clashes(was, now),
        tree_before=TreeSize.of(old),
        tree_after=TreeSize.of(new),
        models=model_impacts(before, after, models),
    )


class _Side:
    """Relations of one ontology, and what they make of the data, over the columns of both."""

    def __init__(self, ontology: Ontology, matrices: RelationMatrices, columns: tuple[str, ...], data: LabelData):
        place = {label_id: i for i, label_id in enumerate(columns)}
        self.ids, self._size = columns, len(columns)
        self._to = np.array([place[i] for i in matrices.label_ids], np.int64)
        self.ancestors = self._lift(matrices.ancestors)
        self.exclusive = self._lift(matrices.exclusive)
        minimal = algebra.union(matrices.exclusive_minimal, _diagonal(matrices.exclusive))
        self.minimal = self._lift(minimal)
        found = data.implied(data.positive, ontology, matrices.label_ids).tocoo()
        shape = (data.size, self._size)
        self.positive = algebra.as_bool(csr_array((found.data, (found.row, self._to[found.col])), shape=shape))

    def _lift(self, matrix: BoolMatrix) -> BoolMatrix:
        cells = matrix.tocoo()
        at = (self._to[cells.row], self._to[cells.col])
        return algebra.as_bool(csr_array((cells.data, at), shape=(self._size, self._size)))

    def states(self, rows: slice, exclusive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """State of every cell of some lesions, int64, and which of them are contradictory."""
        positive = self.positive[rows].toarray()
        touched = positive.astype(np.float32) @ exclusive > 0
        state = np.where(positive, POSITIVE, np.where(touched, NEGATIVE, UNKNOWN))
        return state, (touched & positive).any(axis=1)

    def contradictory(self, data: LabelData, which: np.ndarray) -> Iterator[ContradictoryLesion]:
        """The chosen lesions with their pairs."""
        rows = np.flatnonzero(which)
        found = algebra.contradictions(self.positive[rows], self.minimal)
        starts = np.searchsorted(found[:, 0], np.arange(len(rows) + 1))
        for row, (start, end) in zip(rows.tolist(), pairwise(starts.tolist()), strict=True):
            pairs = tuple((self.ids[a], self.ids[b]) for _, a, b in found[start:end].tolist())
            yield ContradictoryLesion(str(data.lesions[row]), str(data.splits[row]), pairs)

    def lesions_with(self, pairs: np.ndarray) -> np.ndarray:
        """How many lesions have both labels of each pair of columns; -1 where they are not exclusive."""
        together = self.positive.astype(np.int32)
        counts = (together.T @ together).toarray()[pairs[:, 0], pairs[:, 1]]
        return np.where(self.exclusive.toarray()[pairs[:, 0], pairs[:, 1]], counts, -1)


def _count(sides: tuple[_Side, ...], data: LabelData) -> tuple[tuple[SplitImpact, ...], tuple[np.ndarray, np.ndarray]]:
    """Every split and the total last; which lesions are contradictory on each side."""
    names = data.split_names
    split = np.array([names.index(name) for name in data.splits.tolist()], np.int64)
    labels = len(sides[0].ids)
    exclusive = [side.exclusive.toarray().astype(np.float32) for side in sides]
    moves = np.zeros(len(names) * labels * 9, np.int64)
    changed = np.zeros(data.size, bool)
    clashing = np.zeros(data.size, bool), np.zeros(data.size, bool)
    columns = np.arange(labels, dtype=np.int64) * 9
    for start in range(0, data.size, _ROWS):
        rows = slice(start, start + _ROWS)
        (old, clashing[0][rows]), (new, clashing[1][rows]) = (
            side.states(rows, matrix) for side, matrix in zip(sides, exclusive, strict=True)
        )
        changed[rows] = (old != new).any(axis=1)
        cells = split[rows, None] * (labels * 9) + columns + 3 * old + new
        moves += np.bincount(cells.ravel(), minlength=len(moves))
    table = moves.reshape(len(names), labels, 3, 3)

    def part(name: str, mask: np.ndarray, its: np.ndarray) -> SplitImpact:
        size, moved, was, now = (int(np.count_nonzero(each & mask)) for each in (mask, changed, *clashing))
        return SplitImpact(name, size, moved, was, now, its)

    parts = [part(name, split == k, table[k]) for k, name in enumerate(names)]
    return (*parts, part("all", np.ones(data.size, bool), table.sum(axis=0))), clashing


def _clashes(was: _Side, now: _Side) -> tuple[Clash, ...]:
    pairs = algebra.to_pairs(algebra.union(was.minimal, now.minimal), symmetric=True)
    before, after = was.lesions_with(pairs), now.lesions_with(pairs)
    differs = np.flatnonzero((before != after) & (np.maximum(before, after) > 0))
    order = differs[np.argsort(-np.maximum(before, after)[differs], kind="stable")]
    return tuple(
        Clash((was.ids[a], was.ids[b]), None if x < 0 else x, None if y < 0 else y)
        for (a, b), x, y in zip(pairs[order].tolist(), before[order].tolist(), after[order].tolist(), strict=True)
    )


def _diagonal(matrix: BoolMatrix) -> BoolMatrix:
    return algebra.as_bool(algebra.as_bool(matrix).multiply(algebra.identity(matrix.shape[0])))
