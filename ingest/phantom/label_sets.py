"""Label sets of synthetic lesions: drawn from the real training sets, then reported with as many left out as in truth.

A complete set is a real training set (relevant labels, ancestors added) that breaks no relation. What is released of it
is what a report would mention: each label is mentioned or left out by chance, then every mention is listed with its
parents, as the released lists are (:mod:`ingest.mentions`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ingest.mentions import Parents, listed_parents, parse
from ingest.release import Release
from kg import algebra
from kg.matrices import RelationMatrices, multi_hot
from kg.shipped import load_shipped
from kg.spreadsheet import RELEASED

MENTIONED_LEAF, MENTIONED_ANCESTOR = 0.28, 0.30
"""Chance that a label is mentioned: one that no other label of the lesion implies, and one that another implies.

Chosen so that as many labels are missing as in the real lists (2.38 of 5.36 hand labels, 44.4 %) and as many released
ones are inferred (39.97 % in train); :class:`ReleaseRates` measures both on what was made."""
UNCERTAIN = 0.03
"""Share of mentions listed as uncertain: of the 81,430 real training positives, 2,472 are."""
BY_TURN = 0.9
"""Share of lesions whose set is drawn for a label whose turn it is, so that rare labels are not too rare to judge."""


@dataclass(frozen=True)
class LabelPool:
    """Complete label sets to draw from, and how they are released.

    Attributes:
        sets: N x C boolean: closed under the ancestors, without contradiction; equal rows as often as they are real.
        ancestors: C x C boolean.
        parents: columns of each label's listed parents.
    """

    sets: np.ndarray
    ancestors: np.ndarray
    parents: Parents

    @classmethod
    def shipped(cls, matrices: RelationMatrices) -> LabelPool:
        """From the real training lists that come with this project."""
        lists = Release.shipped().labels
        lists.require_columns(matrices.names, matrices.label_set)
        train = [
            row
            for row, split in zip(lists.lists("relevant"), lists.table["split"].to_pylist(), strict=True)
            if split == "train" and row
        ]
        sets = matrices.expand(multi_hot(train, matrices.size))
        coherent = matrices.coherent(sets)
        return cls(
            np.asarray(sets.toarray()[coherent], bool),
            matrices.ancestors.toarray(),
            listed_parents(load_shipped(RELEASED), matrices.label_set),
        )

    def draw(self, seed: np.random.SeedSequence) -> Iterator[tuple[int, ...]]:
        """Endless label sets, tempered: :data:`BY_TURN` of them for one label after the other, the rest as is."""
        rng = np.random.default_rng(seed)
        with_label = [np.flatnonzero(column) for column in self.sets.T]
        turns: list[int] = []
        while True:
            if rng.random() < BY_TURN:
                turns = turns or [int(label) for label in rng.permutation(self.sets.shape[1])]
                rows = with_label[turns.pop()]
            else:
                rows = np.arange(len(self.sets))
            yield tuple(int(label) for label in np.flatnonzero(self.sets[rng.choice(rows)]))

    def release(self, labels: Sequence[int], rng: np.random.Generator) -> tuple[list[int], list[int]]:
        """What a report gives away of a complete set: relevant and uncertain list, each a mention, then its parents.

        At least one label is mentioned as relevant.
        """
        columns = np.asarray(labels)
        leaf = ~self.ancestors[np.ix_(columns, columns)].any(0)
        mentioned = rng.random(len(columns)) < np.where(leaf, MENTIONED_LEAF, MENTIONED_ANCESTOR)
        unsure = mentioned & (rng.random(len(columns)) < UNCERTAIN)
        relevant = rng.permutation(columns[mentioned & ~unsure])
        if not relevant.size:
            relevant, unsure = rng.choice(columns[leaf], 1), np.zeros(len(columns), bool)
        listed: list[int] = []
        for label in relevant.tolist():
            listed += [label, *sorted(self.parents[label])]
        return listed, [label for label in columns[unsure].tolist() if label not in listed]


@dataclass(frozen=True)
class ReleaseRates:
    """How much of the complete sets is released, measured.

    Attributes:
        labels_per_lesion: of the complete sets.
        released_per_lesion: relevant or uncertain, ancestors added.
        missing_percent: labels of the complete sets that are not among them.
        inferred_percent: released labels that no report mentioned.
    """

    labels_per_lesion: float
    released_per_lesion: float
    missing_percent: float
    inferred_percent: float

    @classmethod
    def measured(
        cls, complete: Sequence[Sequence[int]], released: Sequence[Sequence[int]], pool: LabelPool
    ) -> ReleaseRates:
        """Over lesions with these complete and released (relevant and uncertain) lists, in the same order."""
        size = pool.sets.shape[1]
        ancestors = algebra.as_bool(pool.ancestors)
        full = multi_hot(complete, size)
        found = algebra.expand(multi_hot(released, size), ancestors)
        said = multi_hot([parse(row, pool.parents).mentions for row in released], size)
        n = len(complete)
        return cls(
            round(full.nnz / n, 3),
            round(found.nnz / n, 3),
            round(100 * (1 - found.nnz / full.nnz), 2),
            round(100 * (1 - said.nnz / found.nnz), 2),
        )
