"""Figures of merit over N lesions and C labels, all labels at once.

``truth``, ``decided`` and ``used`` are N x C bool; ``used`` is False where a lesion-label pair is ignored, which is the
same as not having it. A figure that is not defined is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class Undefined(StrEnum):
    """What the precision of a label is that was never predicted."""

    ONE = "one"
    """1, as in the released evaluation: flatters a model that predicts little."""
    ZERO = "zero"
    """0."""
    NAN = "nan"
    """Not defined, and left out of averages."""


def auc(truth: np.ndarray, score: np.ndarray, used: np.ndarray | None = None) -> np.ndarray:
    """Area under the ROC curve of each label, shape (C,): the share of positive-negative pairs in the right order.

    All labels are sorted at once; a tie counts half. NaN for a label without both classes.

    Args:
        truth: N x C bool.
        score: N x C.
        used: N x C bool.
    """
    lesions, labels = score.shape
    order = np.argsort(score, axis=0, kind="stable")
    ordered = np.take_along_axis(score, order, axis=0)
    counted = np.ones_like(truth) if used is None else np.take_along_axis(used, order, axis=0)
    positive = np.take_along_axis(truth, order, axis=0)
    place = np.arange(lesions)[:, None]
    differs = ordered[1:] != ordered[:-1]
    edge = np.ones((1, labels), bool)
    # First place of the run of equal scores that a place lies in, and the place after its last.
    first = np.maximum.accumulate(np.where(np.concatenate([edge, differs]), place, 0), axis=0)
    after = np.where(np.concatenate([differs, edge]), place + 1, lesions)
    after = np.minimum.accumulate(after[::-1], axis=0)[::-1]
    passed = np.concatenate([np.zeros((1, labels)), np.cumsum(counted & ~positive, axis=0)])
    row, column = np.nonzero(counted & positive)
    won = (passed[first[row, column], column] + passed[after[row, column], column]) / 2
    wins = np.bincount(column, won, labels)
    return _ratio(wins, np.bincount(column, minlength=labels) * passed[-1], np.nan)


@dataclass(frozen=True, eq=False)
class Counts:
    """True positives, predicted and actual positives of each label, each shape (C,)."""

    true: np.ndarray
    predicted: np.ndarray
    actual: np.ndarray

    @classmethod
    def of(cls, truth: np.ndarray, decided: np.ndarray, used: np.ndarray | None = None) -> Counts:
        """Count over N x C used pairs."""
        if used is not None:
            truth, decided = truth & used, decided & used
        return cls((truth & decided).sum(axis=0), decided.sum(axis=0), truth.sum(axis=0))

    def sum(self) -> Counts:
        """All labels pooled, each shape (1,): for micro averages."""
        return Counts(*(np.array([a.sum()]) for a in (self.true, self.predicted, self.actual)))

    def precision(self, undefined: Undefined) -> np.ndarray:
        """Share of predicted positives that are right."""
        otherwise = {Undefined.ONE: 1.0, Undefined.ZERO: 0.0, Undefined.NAN: np.nan}[undefined]
        return _ratio(self.true, self.predicted, otherwise)

    def recall(self) -> np.ndarray:
        """Share of actual positives that were found; NaN without any."""
        return _ratio(self.true, self.actual, np.nan)

    def f1(self) -> np.ndarray:
        """Harmonic mean of precision and recall, ``2 TP / (predicted + actual)``; NaN without actual positives."""
        return np.where(self.actual > 0, _ratio(2 * self.true, self.predicted + self.actual, 0.0), np.nan)


def precision_recall(truth: np.ndarray, score: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall of each label when all pairs with at least a pair's score are predicted, both N x C.

    Rows are in falling order of score, equal scores count together; recall is NaN for a label without a positive.
    """
    order = np.argsort(-score, axis=0, kind="stable")
    ordered = np.take_along_axis(score, order, axis=0)
    true = np.cumsum(np.take_along_axis(truth & used, order, axis=0), axis=0)
    predicted = np.cumsum(np.take_along_axis(used, order, axis=0), axis=0)
    lesions, labels = score.shape
    ends = np.concatenate([ordered[1:] != ordered[:-1], np.ones((1, labels), bool)])
    last = np.where(ends, np.arange(lesions)[:, None], lesions)
    last = np.minimum.accumulate(last[::-1], axis=0)[::-1]
    true, predicted = np.take_along_axis(true, last, axis=0), np.take_along_axis(predicted, last, axis=0)
    with np.errstate(invalid="ignore"):
        return np.where(predicted > 0, true / np.maximum(predicted, 1), 1.0), true / true[-1]


def precision_at(precision: np.ndarray, recall: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Best precision of each label at or above each level of recall, levels x C; NaN where recall is.

    Args:
        precision, recall: N x C, of :func:`precision_recall`.
        levels: shape (L,), each at most 1.
    """
    best = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    first = np.stack([(recall < level).sum(axis=0) for level in levels])
    return np.where(np.isnan(recall[0]), np.nan, np.take_along_axis(best, first, axis=0))


def reliability(
    probability: np.ndarray, truth: np.ndarray, used: np.ndarray, bins: int = 15
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum of probabilities, positives and number of all used pairs in equal-width bins of probability, each (bins,)."""
    p, t = probability[used].astype(np.float64), truth[used].astype(np.float64)
    place = np.minimum((p * bins).astype(np.int64), bins - 1)
    return np.bincount(place, p, bins), np.bincount(place, t, bins), np.bincount(place, minlength=bins)


def calibration_error(probability: np.ndarray, truth: np.ndarray, used: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error over all used pairs: mean gap of probability and frequency in equal-width bins."""
    expected, positive, count = reliability(probability, truth, used, bins)
    return float(np.abs(positive - expected).sum() / max(count.sum(), 1))


def mean(values: np.ndarray, where: np.ndarray | None = None) -> float:
    """Mean of the values that are defined; NaN when none is."""
    chosen = values if where is None else values[where]
    chosen = chosen[~np.isnan(chosen)]
    return float(chosen.mean()) if len(chosen) else float("nan")


def by_class(values: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Mean over the labels of each class, classes in order of first appearance."""
    names = np.array(classes)
    return {name: mean(values, names == name) for name in dict.fromkeys(classes)}


def _ratio(above: np.ndarray, below: np.ndarray, otherwise: float) -> np.ndarray:
    return np.asarray(np.divide(above, below, out=np.full(len(below), otherwise), where=below > 0))
