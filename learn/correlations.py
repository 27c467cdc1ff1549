"""Learned correlations: the score propagation matrix, read as directed edges between labels.

The score propagation layer computes ``refined[i] = sum_j W[i, j] * score[j] + b[i]`` (LesaNet, section 3.4), so
``W[i, j]`` is what evidence for label j adds to label i: an edge from j to i. Several training seeds give several
matrices; an edge is worth showing when its weight is large in one of them, and worth believing when its sign is the
same in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from kg.algebra import BoolMatrix
from kg.matrices import RelationMatrices


class Reading(StrEnum):
    """How a correlation is read beside the ontology."""

    CO_OCCURS = "co-occurs"
    """Positive, between labels that are not exclusive."""
    CONFUSABLE = "confusable"
    """Positive, between exclusive labels: they look alike, which is expected and no error."""
    SUPPRESSES = "suppresses"
    """Negative."""


@dataclass(frozen=True)
class Correlations:
    """E directed edges, strongest first; all arrays have shape (E,).

    Attributes:
        source: column j of the label that gives evidence.
        target: column i of the label that receives it.
        weight: mean of ``W[i, j]`` over seeds.
        stability: share of seeds whose weight has the sign of the mean, in (0, 1].
        reading: values of :class:`Reading`.
        together: lesions with both labels in the label data, after expansion.
        lift: how much more often than by chance both occur together; NaN when a label has no lesion.
        threshold: an edge is kept when ``abs(W[i, j])`` reaches it in at least one seed.
        considered: off-diagonal cells in all, C * (C - 1).
    """

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    stability: np.ndarray
    reading: np.ndarray
    together: np.ndarray
    lift: np.ndarray
    threshold: float
    considered: int


def default_threshold(weights: np.ndarray, deviations: float = 5.0) -> float:
    """Size from which a weight stands out: ``deviations`` robust standard deviations of all off-diagonal weights.

    Args:
        weights: ``[S, C, C]``, one matrix for each seed.
        deviations: how many; the robust standard deviation is 1.4826 times the median absolute weight.
    """
    off = ~np.eye(weights.shape[1], dtype=bool)
    return float(deviations * 1.4826 * np.median(np.abs(weights[:, off])))


def read_correlations(
    weights: np.ndarray, matrices: RelationMatrices, labels: BoolMatrix, threshold: float | None = None
) -> Correlations:
    """Directed correlation edges of a score propagation layer trained with several seeds.

    Args:
        weights: ``[S, C, C]`` with ``weights[s, i, j]`` from label j to label i.
        matrices: relations of the same label set, for the reading.
        labels: N x C label data, expanded here, for co-occurrence.
        threshold: smallest absolute weight to keep; :func:`default_threshold` when None.
    """
    limit = default_threshold(weights) if threshold is None else threshold
    mean = weights.mean(axis=0)
    keep = np.abs(weights).max(axis=0) >= limit
    np.fill_diagonal(keep, False)
    target, source = np.nonzero(keep)
    weight = mean[target, source]
    order = np.lexsort((source, target, -np.abs(weight)))
    target, source, weight = target[order], source[order], weight[order]
    stability = (np.sign(weights[:, target, source]) == np.sign(weight)).mean(axis=0)

    positive = matrices.expand(labels).astype(np.int64)
    together = (positive.T @ positive).toarray()
    alone = together.diagonal()
    chance = alone[target] * alone[source] / max(positive.shape[0], 1)
    both = together[target, source]
    lift = np.divide(both, chance, out=np.full(len(both), np.nan), where=chance > 0)

    exclusive = matrices.exclusive.toarray()[target, source]
    reading = np.where(weight < 0, Reading.SUPPRESSES, np.where(exclusive, Reading.CONFUSABLE, Reading.CO_OCCURS))
    size = weights.shape[1]
    return Correlations(source, target, weight, stability, reading, both, lift, limit, size * (size - 1))
