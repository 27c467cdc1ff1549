"""Confidence intervals by resampling patients: lesions of one patient are not independent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from learn.metrics import mean

REPLICATES = 1000


@dataclass(frozen=True)
class Interval:
    """A percentile interval; NaN when too few replicates are defined."""

    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Resampling:
    """Data sets made by drawing patients with replacement.

    Attributes:
        order: rows of the N lesions, brought together by patient, shape (N,).
        starts: place in ``order`` where each of Q patients begins, shape (Q,).
        weights: how often each patient was drawn, replicates x Q float32.
    """

    order: np.ndarray
    starts: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, patients: np.ndarray, replicates: int = REPLICATES, seed: int = 0) -> Resampling:
        """Draw as many patients as there are.

        Args:
            patients: patient of each of N lesions, shape (N,).
            replicates: number of data sets.
            seed: of the draws; the same patients and seed give the same data sets, so that models can be compared in
                pairs.
        """
        order = np.argsort(patients, kind="stable")
        _, starts = np.unique(patients[order], return_index=True)
        size = len(starts)
        drawn = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=replicates)
        return cls(order, starts, drawn.astype(np.float32))

    def auc(self, truth: np.ndarray, score: np.ndarray, used: np.ndarray) -> np.ndarray:
        """Area under the ROC curve of every label in every data set, replicates x C; NaN without both classes.

        For each label the wins of positives over negatives are counted once between every two patients; a data set only
        weights these counts. All arguments are N x C.
        """
        truth, score, used = truth[self.order], score[self.order], used[self.order]
        out = np.full((len(self.weights), score.shape[1]), np.nan)
        # Thousands of small products: on a busy machine, threads that wait for each other cost fifteen times the work.
        with threadpool_limits(1, "blas"):
            for label in range(score.shape[1]):
                out[:, label] = self._label_auc(truth[:, label], score[:, label], used[:, label])
        return out

    def _label_auc(self, truth: np.ndarray, score: np.ndarray, used: np.ndarray) -> np.ndarray:
        """The same for one label, lesions brought together by patient; shape (replicates,)."""
        positive, negative = truth & used, ~truth & used
        mine = score[positive][:, None]
        wins = np.zeros((len(mine), len(score)), np.float32)
        wins[:, negative] = (mine > score[negative]) + 0.5 * (mine == score[negative])
        by_patient = np.add.reduceat(wins, self.starts, axis=1)
        owner = np.searchsorted(self.starts, np.flatnonzero(positive), side="right") - 1
        won = ((self.weights[:, owner] @ by_patient) * self.weights).sum(axis=1, dtype=np.float64)
        negatives = self.weights @ np.add.reduceat(negative.astype(np.float32), self.starts)
        pairs = self.weights[:, owner].sum(axis=1, dtype=np.float64) * negatives
        return np.asarray(np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0))


def macro(replicates: np.ndarray) -> np.ndarray:
    """Mean over the labels defined in each data set, shape (replicates,)."""
    return np.array([mean(row) for row in replicates])


def interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """Percentile interval over data sets; at least half of them must be defined."""
    defined = values[~np.isnan(values)]
    if len(defined) < max(2, len(values) / 2):
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
