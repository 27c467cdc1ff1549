"""Exact nearest neighbours outside the own group."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from learn.neighbours import nearest


@given(st.integers(2, 12), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_neighbours_equal_a_plain_search(n: int, k: int, block: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 4, (n, 3)).astype(float)
    groups = rng.integers(0, 3, n).astype(str)
    queries = rng.permutation(n)[: max(1, n // 2)]
    rows, distances = nearest(points, groups, queries, k, block=block)
    for query, found, far in zip(queries, rows, distances, strict=True):
        others = [(float(np.linalg.norm(points[query] - points[j])), j) for j in range(n) if groups[j] != groups[query]]
        best = sorted(others)[:k]
        assert [j for j in found if j >= 0] == [j for _, j in best]
        np.testing.assert_allclose(far[: len(best)], [d for d, _ in best], atol=1e-7)
        assert np.isinf(far[len(best) :]).all()
