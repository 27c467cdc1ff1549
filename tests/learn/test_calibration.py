"""Calibration of scores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from learn.calibration import Calibration
from learn.metrics import auc, calibration_error


def made(lesions: int = 4000, labels: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores that are far too high: the true logit is 0.8 of theirs less 2, less for later labels."""
    draw = np.random.default_rng(seed)
    score = expit(draw.normal(0, 1.5, (lesions, labels)))
    probability = expit(0.8 * logit(score) - 2 - 0.3 * np.arange(labels))
    return score, draw.random((lesions, labels)) < probability, np.ones((lesions, labels), bool)


def test_with_enough_data_every_label_finds_its_own_curve() -> None:
    score, truth, used = made()
    found = Calibration.fit(score, truth, used, slope_sd=100, intercept_sd=100)
    for c in range(3):
        oracle = LogisticRegression(C=1e9, tol=1e-10).fit(logit(score[:, [c]]), truth[:, c])
        assert found.slope[c] == pytest.approx(oracle.coef_[0, 0], abs=1e-3)
        assert found.intercept[c] == pytest.approx(oracle.intercept_[0], abs=1e-3)


def test_calibration_mends_scores_and_keeps_the_ranking() -> None:
    score, truth, used = made()
    probability = Calibration.fit(score, truth, used).apply(score)
    assert calibration_error(score, truth, used) > 0.2
    assert calibration_error(probability, truth, used) < 0.02
    np.testing.assert_allclose(auc(truth, probability), auc(truth, score), atol=1e-4)


def test_a_label_with_one_positive_stays_near_the_common_curve() -> None:
    score, truth, used = made()
    truth[:, 2] = False
    truth[score[:, 2].argmin(), 2] = True  # its own best curve would fall
    found, alone = Calibration.fit(score, truth, used), Calibration.fit(score, truth, used, slope_sd=100)
    assert found.slope[2] > 0.1 > alone.slope[2]
    assert np.isfinite(found.intercept).all()


def test_ignored_pairs_do_not_count() -> None:
    score, truth, used = made(lesions=500)
    used[250:] = False
    altered = truth.copy()
    altered[250:] = ~altered[250:]
    first, second = Calibration.fit(score, truth, used), Calibration.fit(score, altered, used)
    assert np.array_equal(first.slope, second.slope)


def test_scores_of_zero_and_one_are_survived() -> None:
    score = np.array([[0.0], [1.0], [0.5], [1.0]])
    truth = np.array([[False], [True], [True], [True]])
    probability = Calibration.fit(score, truth, np.ones_like(truth)).apply(score)
    assert np.isfinite(probability).all()
