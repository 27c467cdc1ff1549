"""Random small relation matrices, and all their label sets one by one."""

from __future__ import annotations

from itertools import product

import numpy as np

from kg import algebra
from kg.matrices import RelationMatrices


def random_relations(seed: int, most: int = 9) -> RelationMatrices:
    """Consistent relations of up to ``most`` labels: several parents, exclusions, isolated labels."""
    draw = np.random.default_rng(seed)
    size = int(draw.integers(1, most + 1))
    upper = np.triu(draw.random((size, size)) < draw.uniform(0, 0.5), 1)
    order = draw.permutation(size)
    ancestors = algebra.closure(upper[np.ix_(order, order)])
    exclusive = algebra.from_pairs(np.zeros((0, 2)), size)
    for a, b in draw.integers(0, size, (int(draw.integers(0, 2 * size + 1)), 2)):
        grown = algebra.union(exclusive, algebra.from_pairs(np.array([(a, b)]), size, symmetric=True))
        grown = algebra.inherit_exclusive(grown, ancestors)
        if not grown.diagonal().any():
            exclusive = grown
    names = tuple(f"l{i}" for i in range(size))
    return RelationMatrices("random", names, names, ("type",) * size, ancestors, exclusive)


def legal_sets(matrices: RelationMatrices) -> np.ndarray:
    """Every legal label set, by trying all 2^C; K x C bool."""
    every = np.array(list(product((False, True), repeat=matrices.size)))
    return every[matrices.coherent(every)]
