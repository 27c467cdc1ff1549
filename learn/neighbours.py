"""Similar lesions: exact nearest neighbours in the embedding."""

from __future__ import annotations

import numpy as np


def nearest(
    embedding: np.ndarray, groups: np.ndarray, queries: np.ndarray, k: int, block: int = 512
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest rows of each query row, those of its own group left out.

    Leaving out the group (the patient) keeps a follow-up scan of the same lesion from filling the list.

    Args:
        embedding: N x D.
        groups: shape (N,), e.g. patient ids.
        queries: row numbers, shape (Q,).
        k: neighbours for each query.
        block: query rows compared at a time; bounds memory to block x N distances.

    Returns:
        ``(rows, distances)``, both Q x k, nearest first, ties by row number; row -1 and distance inf where a query has
        fewer than k candidates.
    """
    points = np.asarray(embedding, np.float64)
    _, group = np.unique(groups, return_inverse=True)
    square = (points**2).sum(axis=1)
    rows = np.full((len(queries), k), -1, np.int64)
    distances = np.full((len(queries), k), np.inf)
    width = min(k, len(points))
    for start in range(0, len(queries), block):
        part = queries[start : start + block]
        squared = square[part, None] + square[None] - 2 * points[part] @ points.T
        squared = np.where(group[part, None] == group[None], np.inf, np.maximum(squared, 0))
        found = np.argsort(squared, axis=1, kind="stable")[:, :width]
        near = np.sqrt(np.take_along_axis(squared, found, axis=1))
        rows[start : start + block, :width] = np.where(np.isinf(near), -1, found)
        distances[start : start + block, :width] = near
    return rows, distances
