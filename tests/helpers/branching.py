"""Weights of all legal label sets by branching over labels: what a junction tree sums, without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from kg.matrices import RelationMatrices

Number = TypeVar("Number", int, float)


def total_weight(matrices: RelationMatrices, weights: Sequence[Number]) -> Number:
    """Sum over all legal label sets of the product of their labels' weights; with weights of 1, how many there are.

    The label with most relations is positive or not. Either way others are settled, and what is left falls into parts
    that do not know each other; a part that comes up again is remembered.
    """
    ancestors, exclusive = matrices.ancestors.toarray(), matrices.exclusive.toarray()
    above, below, barred = (
        [set(np.flatnonzero(row).tolist()) for row in of] for of in (ancestors, ancestors.T, exclusive)
    )
    related = [above[c] | below[c] | barred[c] for c in range(matrices.size)]
    known: dict[frozenset[int], Number] = {}

    def parts(free: set[int]) -> Iterator[frozenset[int]]:
        while free:
            part = {free.pop()}
            todo = list(part)
            while todo:
                near = related[todo.pop()] & free
                free -= near
                part |= near
                todo += near
            yield frozenset(part)

    def total(free: set[int]) -> Number:
        out = type(weights[0])(1)
        for part in parts(free):
            if part not in known:
                known[part] = branch(part)
            out *= known[part]
        return out

    def branch(part: frozenset[int]) -> Number:
        label = max(part, key=lambda c: (len(related[c] & part), -c))
        without = total(set(part - {label} - below[label]))
        positive = ({label} | above[label]) & part
        settled = positive.union(*(barred[c] for c in positive))
        worth = total(set(part - settled))
        for c in positive:
            worth *= weights[c]
        return without + worth

    return total(set(range(matrices.size)))
