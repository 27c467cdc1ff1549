"""Calibration: scores become probabilities that can be taken at their word.

Platt scaling for each label, shrunk towards one common curve: the logit of the probability is ``slope * logit(score) +
intercept``, fitted on validation lesions by penalised maximum likelihood. A label with few positives stays close to the
common curve, one with many moves to its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

METHOD = "Platt scaling for each label, shrunk towards a common curve, fitted on validation lesions"

_EDGE = 1e-7
_STEPS = 60


@dataclass(frozen=True, eq=False)
class Calibration:
    """Slope and intercept of each label, each shape (C,)."""

    slope: np.ndarray
    intercept: np.ndarray

    @classmethod
    def fit(
        cls, score: np.ndarray, truth: np.ndarray, used: np.ndarray, slope_sd: float = 0.25, intercept_sd: float = 0.5
    ) -> Calibration:
        """Fit on N lesions.

        Args:
            score: N x C in (0, 1).
            truth: N x C bool.
            used: N x C bool.
            slope_sd: how far labels' slopes are expected to lie from the common one (prior standard deviation).
            intercept_sd: the same for intercepts.
        """
        x = _logit(score)
        common_slope, common_intercept = _newton(
            x.reshape(-1, 1), truth.reshape(-1, 1), used.reshape(-1, 1), (1.0, 0.0), (10.0, 10.0)
        )
        own = _newton(x, truth, used, (float(common_slope[0]), float(common_intercept[0])), (slope_sd, intercept_sd))
        return cls(*own)

    def apply(self, score: np.ndarray) -> np.ndarray:
        """Probabilities of N x C scores, float32. Rising in the score for every label."""
        return np.asarray(expit(self.slope * _logit(score) + self.intercept), np.float32)


def _logit(score: np.ndarray) -> np.ndarray:
    return np.asarray(logit(np.clip(score.astype(np.float64), _EDGE, 1 - _EDGE)))


def _newton(
    x: np.ndarray,
    truth: np.ndarray,
    used: np.ndarray,
    centre: tuple[float, float],
    sd: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Penalised logistic regression with one input for each of C columns at once, by damped Newton steps."""
    weight = used.astype(np.float64)
    a = np.full(x.shape[1], centre[0])
    b = np.full(x.shape[1], centre[1])
    penalty = (1 / sd[0] ** 2, 1 / sd[1] ** 2)

    def loss(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        z = a * x + b
        fit = (weight * (np.logaddexp(0, z) - truth * z)).sum(axis=0)
        return np.asarray(fit + penalty[0] * (a - centre[0]) ** 2 / 2 + penalty[1] * (b - centre[1]) ** 2 / 2)

    now = loss(a, b)
    for _ in range(_STEPS):
        p = expit(a * x + b)
        error, curve = weight * (p - truth), weight * p * (1 - p)
        ga = (error * x).sum(axis=0) + penalty[0] * (a - centre[0])
        gb = error.sum(axis=0) + penalty[1] * (b - centre[1])
        haa = (curve * x * x).sum(axis=0) + penalty[0]
        hab = (curve * x).sum(axis=0)
        hbb = curve.sum(axis=0) + penalty[1]
        determinant = haa * hbb - hab**2
        da, db = (hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant
        step = np.ones_like(a)
        # The loss is convex: halving a step that overshoots always ends in one that does not.
        for _ in range(20):
            worse = loss(a - step * da, b - step * db) > now + 1e-9
            if not worse.any():
                break
            step = np.where(worse, step / 2, step)
        # A slope must stay positive, or a higher score would mean a lower probability.
        a, b = np.maximum(a - step * da, 1e-3), b - step * db
        before, now = now, loss(a, b)
        if np.abs(before - now).max() < 1e-9 * max(1.0, float(np.abs(now).max())):
            break
    return a, b
