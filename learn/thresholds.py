"""Decision thresholds for each label, chosen on validation lesions."""

from __future__ import annotations

import numpy as np

GRID = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
"""Thresholds tried by the released evaluation."""


def grid_thresholds(
    truth: np.ndarray, score: np.ndarray, used: np.ndarray | None = None, grid: np.ndarray = GRID
) -> np.ndarray:
    """The released procedure: for each label the first threshold of a grid with the largest F1.

    Args:
        truth: N x C bool.
        score: N x C.
        used: N x C bool, pairs that count.
        grid: rising thresholds.

    Returns:
        Shape (C,). Infinity, that is never predicted, where no threshold finds a positive. A label without positives or
        without negatives is skipped by the released code and stays at 0, always predicted; here it is never predicted.
    """
    used = np.ones_like(truth) if used is None else used
    truth = truth & used
    decided = (score[None] >= grid[:, None, None]) & used
    found = (decided & truth).sum(axis=1)
    f1 = 2 * found / np.maximum(decided.sum(axis=1) + truth.sum(axis=0), 1)
    return np.where(f1.max(axis=0) > 0, grid[f1.argmax(axis=0)], np.inf)


def exact_thresholds(
    truth: np.ndarray,
    score: np.ndarray,
    used: np.ndarray | None = None,
    prior: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """For each label the threshold with the largest F1 among all that make a difference.

    Every distinct score is tried, for all labels at once, through cumulative counts in falling order.

    Args:
        truth: N x C bool.
        score: N x C.
        used: N x C bool, pairs that count.
        prior: pseudo-counts for every lesion and label, as if more lesions had been seen above that score: true
            positives and predicted positives, both N x C (see :func:`pooled_prior`). None trusts the label alone.

    Returns:
        Shape (C,): the mean of the lowest score that is still predicted and the next lower one, so that scores of
        other lesions near it fall on the likelier side; infinity where no threshold finds a positive.
    """
    used = np.ones_like(truth) if used is None else used
    order = np.argsort(-score, axis=0, kind="stable")
    ordered = np.take_along_axis(score, order, axis=0).astype(np.float64)
    counted = np.take_along_axis(used, order, axis=0)
    true = np.cumsum(np.take_along_axis(truth, order, axis=0) & counted, axis=0).astype(np.float64)
    predicted = np.cumsum(counted, axis=0).astype(np.float64)
    actual = (truth & used).sum(axis=0).astype(np.float64)
    if prior is not None:
        true += np.take_along_axis(prior[0], order, axis=0)
        predicted += np.take_along_axis(prior[1], order, axis=0)
        actual += prior[0].max(axis=0)
    f1 = 2 * true / np.maximum(predicted + actual, 1e-12)
    # A cut is possible only where the next lower score differs.
    f1[:-1] = np.where(ordered[1:] < ordered[:-1], f1[:-1], -1.0)
    best = f1.argmax(axis=0)
    labels = np.arange(score.shape[1])
    here = ordered[best, labels]
    lower = ordered[np.minimum(best + 1, len(ordered) - 1), labels]
    return np.where(f1[best, labels] > 0, (here + lower) / 2, np.inf)


def pooled_prior(
    truth: np.ndarray, probability: np.ndarray, used: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """What a label with few positives borrows from all labels together.

    Calibrated probabilities mean the same for every label, so the counts of all pairs above a probability, scaled to
    ``strength`` positives in all, say what to expect of a threshold there.

    Args:
        truth: N x C bool.
        probability: N x C, calibrated.
        used: N x C bool.
        strength: how many positives the prior is worth.

    Returns:
        Expected true positives and predicted positives at or above each pair's probability, both N x C.
    """
    p = probability[used]
    order = np.argsort(-p, kind="stable")
    falling = p[order]
    true = np.cumsum(truth[used][order])
    scale = strength / max(float(true[-1]) if len(true) else 0.0, 1.0)
    above = np.searchsorted(-falling, -probability, side="right") - 1
    above = np.maximum(above, 0)
    return true[above] * scale, (above + 1) * scale
