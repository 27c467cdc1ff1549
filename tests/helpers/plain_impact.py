"""The impact of a change by plain Python sets, one lesion at a time: what the vectorised one must agree with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from kg.curation.label_data import LabelData
from kg.ontology import Ontology


@dataclass(frozen=True)
class PlainImpact:
    """Figures by plain means.

    Attributes:
        moves: cells by (split, label id, state before, state after); states are unknown, positive, negative.
        changed: ids of lesions with a cell that moves.
        contradictory: ids of contradictory lesions, before and after.
        exclusive: exclusive pairs of ids inside the label set, smaller first, before and after.
        ancestors: pairs of descendant and ancestor inside the label set, before and after.
    """

    moves: Counter[tuple[str, str, str, str]]
    changed: set[str]
    contradictory: tuple[set[str], set[str]]
    exclusive: tuple[set[tuple[str, str]], set[tuple[str, str]]]
    ancestors: tuple[set[tuple[str, str]], set[tuple[str, str]]]


def plain_impact(before: Ontology, after: Ontology, data: LabelData, label_set: str) -> PlainImpact:
    """Everything, walked."""
    sides = [_Plain(ontology, label_set) for ontology in (before, after)]
    columns = sides[0].members | sides[1].members
    moves: Counter[tuple[str, str, str, str]] = Counter()
    changed: set[str] = set()
    contradictory: tuple[set[str], set[str]] = (set(), set())
    rows = np.split(data.positive.indices, data.positive.indptr[1:-1]) if data.size else []
    for lesion, split, row in zip(data.lesions.tolist(), data.splits.tolist(), rows, strict=True):
        said = {data.label_ids[c] for c in row.tolist()}
        states = []
        for side, found in zip(sides, contradictory, strict=True):
            positive, touched = side.read(said)
            states.append((positive, touched - positive))
            if positive & touched:
                found.add(lesion)
        (old, old_not), (new, new_not) = states
        for label in columns:
            was = "positive" if label in old else "negative" if label in old_not else "unknown"
            now = "positive" if label in new else "negative" if label in new_not else "unknown"
            moves[split, label, was, now] += 1
            if was != now:
                changed.add(lesion)
    return PlainImpact(
        moves,
        changed,
        contradictory,
        (sides[0].pairs, sides[1].pairs),
        (sides[0].descents, sides[1].descents),
    )


class _Plain:
    """An ontology, walked without matrices."""

    def __init__(self, ontology: Ontology, label_set: str) -> None:
        self._parents: dict[str, set[str]] = {label.id: set() for label in ontology.labels}
        for child, parent in ontology.parent_pairs:
            self._parents[child].add(parent)
        self.members = set(ontology.label_set(label_set).members)
        up = {label_id: self._above(label_id) | {label_id} for label_id in self._parents}
        down: dict[str, set[str]] = {label_id: set() for label_id in up}
        for label_id, over in up.items():
            for above in over:
                down[above].add(label_id)
        barred: dict[str, set[str]] = {label_id: set() for label_id in up}
        for a, b in ontology.all_exclusive_pairs:
            for x in down[a]:
                for y in down[b]:
                    barred[x].add(y)
                    barred[y].add(x)
        for a, b in ontology.exception_pairs:
            for x in up[a]:
                for y in up[b]:
                    barred[x].discard(y)
                    barred[y].discard(x)
        self._up = up
        self._barred = {i: others & self.members for i, others in barred.items() if i in self.members}
        self.pairs = {(a, b) for a, others in self._barred.items() for b in others if a <= b}
        self.descents = {(i, above) for i in self.members for above in up[i] & self.members if above != i}

    def _above(self, label_id: str) -> set[str]:
        return self._parents[label_id].union(*(self._above(parent) for parent in self._parents[label_id]))

    def read(self, said: set[str]) -> tuple[set[str], set[str]]:
        """Positive labels of a lesion, and those exclusive with one of them."""
        positive = set().union(*(self._up[i] for i in said if i in self._up)) & self.members
        return positive, set().union(*(self._barred[i] for i in positive))
