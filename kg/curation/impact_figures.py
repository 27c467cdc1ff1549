"""The figures of an impact: what a change of the ontology does to label data, relations and models, as plain values.

Every lesion-label cell of a label set is in one of three states: *positive* after expansion, a *reliable negative*
(exclusive with a positive, not itself positive), or *unknown*. A change moves cells between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kg.curation.incoherence import ModelImpact
from kg.errors import MatrixError
from kg.junction_tree import JunctionTree
from kg.matrices import RelationMatrices

UNKNOWN, POSITIVE, NEGATIVE = range(3)

Pair = tuple[str, str]
"""Ids of two labels."""


@dataclass(frozen=True, slots=True)
class CellCounts:
    """Lesion-label cells before and after; what is flipped is among what is gained and lost too."""

    positives_before: int
    positives_after: int
    positives_gained: int
    positives_lost: int
    negatives_before: int
    negatives_after: int
    negatives_gained: int
    negatives_lost: int
    flipped_to_positive: int
    flipped_to_negative: int

    @classmethod
    def of(cls, moves: np.ndarray) -> CellCounts:
        """Counts from a 3 x 3 table of cells: state before, state after."""
        before, after, stay = moves.sum(axis=1), moves.sum(axis=0), moves.diagonal()
        numbers = [
            figure
            for state in (POSITIVE, NEGATIVE)
            for figure in (before[state], after[state], after[state] - stay[state], before[state] - stay[state])
        ]
        return cls(*(int(n) for n in (*numbers, moves[NEGATIVE, POSITIVE], moves[POSITIVE, NEGATIVE])))

    @property
    def changed(self) -> bool:
        """Whether any cell moved."""
        return bool(self.positives_gained or self.positives_lost or self.negatives_gained or self.negatives_lost)


@dataclass(frozen=True, eq=False)
class SplitImpact:
    """What a change does to the lesions of a split.

    Attributes:
        split: its name, or ``all``.
        lesions: how many there are.
        changed: lesions with a cell that moves.
        contradictory_before: lesions with two exclusive labels before the change.
        contradictory_after: the same after it.
        moves: C x 3 x 3, cells of each label by state before and state after.
    """

    split: str
    lesions: int
    changed: int
    contradictory_before: int
    contradictory_after: int
    moves: np.ndarray

    @cached_property
    def counts(self) -> CellCounts:
        """Over all labels."""
        return CellCounts.of(self.moves.sum(axis=0))

    def label_counts(self, column: int) -> CellCounts:
        """Of one label."""
        return CellCounts.of(self.moves[column])

    def negatives(self) -> tuple[np.ndarray, np.ndarray]:
        """Reliable negatives of each label before and after, each shape (C,)."""
        return self.moves[:, NEGATIVE].sum(axis=1), self.moves[:, :, NEGATIVE].sum(axis=1)


@dataclass(frozen=True, slots=True)
class ContradictoryLesion:
    """A lesion with exclusive labels: the pairs (ids) that the others are inherited from."""

    lesion: str
    split: str
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Clash:
    """Two labels (ids) and the lesions that have both; None where they are not exclusive."""

    pair: Pair
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class TreeSize:
    """Size of the junction tree, or why there is none."""

    bags: int = 0
    states: int = 0
    most_states: int = 0
    treewidth: int = -1
    refusal: str = ""

    @classmethod
    def of(cls, matrices: RelationMatrices) -> TreeSize:
        """Compile the tree and measure it."""
        try:
            tree = JunctionTree.compile(matrices)
        except MatrixError as error:
            return cls(refusal=str(error))
        return cls(len(tree.bags), tree.states, tree.most_states, tree.treewidth)


@dataclass(frozen=True, eq=False)
class Impact:
    """What a change does to label data, relations and models.

    Attributes:
        label_set: whose columns are counted.
        data: what the label data is.
        names: preferred name by id of the C labels of the set, before or after the change, in column order; those that
            the set gains come last.
        columns_added: ids of labels that the set gains.
        columns_removed: ids of labels that it loses.
        matrix_hashes: of the relation matrices before and after.
        splits: one for each split that has a lesion.
        total: over all lesions.
        ancestors_gained: pairs of descendant and ancestor that the relation matrices gain.
        ancestors_lost: the same, lost.
        exclusive_gained: exclusive pairs, inherited ones included, that they gain.
        exclusive_lost: the same, lost.
        becomes_contradictory: lesions that have exclusive labels only after the change.
        stops_contradictory: lesions that have some only before it.
        clashes: exclusive pairs that are not inherited, before or after, whose number of lesions
            differs; most lesions first.
        tree_before: junction tree before.
        tree_after: junction tree after.
        models: what it does to published models.
    """

    label_set: str
    data: str
    names: Mapping[str, str]
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    matrix_hashes: tuple[str, str]
    splits: tuple[SplitImpact, ...]
    total: SplitImpact
    ancestors_gained: tuple[Pair, ...]
    ancestors_lost: tuple[Pair, ...]
    exclusive_gained: tuple[Pair, ...]
    exclusive_lost: tuple[Pair, ...]
    becomes_contradictory: tuple[ContradictoryLesion, ...]
    stops_contradictory: tuple[ContradictoryLesion, ...]
    clashes: tuple[Clash, ...]
    tree_before: TreeSize
    tree_after: TreeSize
    models: tuple[ModelImpact, ...]

    @property
    def summary(self) -> str:
        """The main figures in one line."""
        counts, total = self.total.counts, self.total
        cells = (self.ancestors_gained, self.ancestors_lost, self.exclusive_gained, self.exclusive_lost)
        behind = sum(model.falls_behind for model in self.models)
        parts = (
            f"{total.changed:,} of {total.lesions:,} lesions change",
            f"labels +{counts.positives_gained:,} -{counts.positives_lost:,}",
            f"reliable negatives +{counts.negatives_gained:,} -{counts.negatives_lost:,}",
            f"flipped {counts.flipped_to_positive + counts.flipped_to_negative:,}",
            f"contradictory lesions {total.contradictory_before:,} -> {total.contradictory_after:,}",
            f"matrix cells {sum(map(len, cells)):,}",
            *([f"models behind {behind:,}"] if behind else []),
        )
        return f"{self.label_set}: {'; '.join(parts)}"

    @property
    def training(self) -> SplitImpact:
        """The training split; all lesions where none is in it."""
        return next((part for part in self.splits if part.split == "train"), self.total)

    @cached_property
    def changed_labels(self) -> tuple[int, ...]:
        """Columns of labels with a cell that moves, most cells first."""
        stay = np.einsum("cii->c", self.total.moves)
        moved = self.total.moves.sum(axis=(1, 2)) - stay
        return tuple(c for c in np.argsort(-moved, kind="stable").tolist() if moved[c])

    @cached_property
    def left_without_negative(self) -> tuple[str, ...]:
        """Ids of labels that lose their last reliable negative among the training lesions."""
        before, after = self.training.negatives()
        return self._ids((before > 0) & (after == 0))

    @cached_property
    def first_negatives(self) -> tuple[str, ...]:
        """Ids of labels that gain their first reliable negatives among the training lesions."""
        before, after = self.training.negatives()
        return self._ids((before == 0) & (after > 0))

    @cached_property
    def without_negative(self) -> tuple[str, ...]:
        """Ids of labels without a reliable negative among the training lesions after the change."""
        return self._ids(self.training.negatives()[1] == 0)

    def _ids(self, mask: np.ndarray) -> tuple[str, ...]:
        ids = tuple(self.names)
        gone = set(self.columns_removed)
        return tuple(ids[c] for c in np.flatnonzero(mask).tolist() if ids[c] not in gone)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON: everything, nothing cut short."""
        ids = tuple(self.names)

        def pairs(found: Iterable[Pair]) -> list[list[str]]:
            return [[self.names[a], self.names[b]] for a, b in found]

        def lesions(found: Iterable[ContradictoryLesion]) -> list[dict[str, Any]]:
            return [{"lesion": one.lesion, "split": one.split, "pairs": pairs(one.pairs)} for one in found]

        parts = (*self.splits, self.total)
        return {
            "summary": self.summary,
            "label_set": self.label_set,
            "data": self.data,
            "matrix_hash": {"before": self.matrix_hashes[0], "after": self.matrix_hashes[1]},
            "columns_added": [self.names[i] for i in self.columns_added],
            "columns_removed": [self.names[i] for i in self.columns_removed],
            "splits": {part.split: _split_dict(part) for part in parts},
            "labels": [
                {"id": ids[c], "name": self.names[ids[c]]}
                | {part.split: asdict(part.label_counts(c)) for part in parts if part.label_counts(c).changed}
                for c in self.changed_labels
            ],
            "matrix_cells": {
                "ancestors_gained": pairs(self.ancestors_gained),
                "ancestors_lost": pairs(self.ancestors_lost),
                "exclusive_gained": pairs(self.exclusive_gained),
                "exclusive_lost": pairs(self.exclusive_lost),
            },
            "becomes_contradictory": lesions(self.becomes_contradictory),
            "stops_contradictory": lesions(self.stops_contradictory),
            "clashes": [
                {"pair": pairs([clash.pair])[0], "before": clash.before, "after": clash.after} for clash in self.clashes
            ],
            "left_without_negative": [self.names[i] for i in self.left_without_negative],
            "first_negatives": [self.names[i] for i in self.first_negatives],
            "without_negative": [self.names[i] for i in self.without_negative],
            "junction_tree": {"before": asdict(self.tree_before), "after": asdict(self.tree_after)},
            "models": [model.as_dict() for model in self.models],
        }


def _split_dict(part: SplitImpact) -> dict[str, Any]:
    names = ("lesions", "changed", "contradictory_before", "contradictory_after")
    return {name: getattr(part, name) for name in names} | asdict(part.counts)
