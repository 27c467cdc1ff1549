"""Thresholds: the released grid and the exact search."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from learn.metrics import Counts
from learn.thresholds import GRID, exact_thresholds, grid_thresholds, pooled_prior

SEEDS = st.integers(0, 2**31 - 1)
quick = settings(max_examples=40, deadline=None)


def made(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    truth = draw.random((50, 5)) < np.array([0.3, 0.1, 0.05, 0.5, 0.0])
    score = np.clip(0.4 * truth + draw.random((50, 5)) * 0.6, 0, 1).round(2)
    return truth, score, draw.random((50, 5)) < 0.9


def f1_at(truth: np.ndarray, score: np.ndarray, used: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    return Counts.of(truth, score >= thresholds, used).f1()


@quick
@given(SEEDS)
def test_no_threshold_has_a_larger_f1_than_the_exact_one(seed: int) -> None:
    truth, score, used = made(seed)
    best = f1_at(truth, score, used, exact_thresholds(truth, score, used))
    for threshold in (*np.unique(score), *GRID):
        other = f1_at(truth, score, used, np.full(5, threshold))
        assert not (other > best + 1e-12).any()


@quick
@given(SEEDS)
def test_the_grid_takes_its_first_best_threshold(seed: int) -> None:
    truth, score, used = made(seed)
    chosen = grid_thresholds(truth, score, used)
    all_f1 = np.array([f1_at(truth, score, used, np.full(5, t)) for t in GRID])
    for c in range(4):
        if np.nanmax(all_f1[:, c], initial=0) > 0:
            assert chosen[c] == GRID[int(np.nanargmax(all_f1[:, c]))]
        else:
            assert chosen[c] == np.inf
    assert chosen[4] == np.inf


def test_a_label_without_positives_is_never_predicted_unless_a_prior_speaks_for_it() -> None:
    truth, score, used = made(1)
    assert exact_thresholds(truth, score, used)[4] == np.inf
    prior = pooled_prior(truth, score, used, strength=5)
    found = exact_thresholds(truth, score, used, prior)
    assert np.isfinite(found).all()
    assert 0.2 < found[4] < 0.8


def test_the_prior_counts_as_many_positives_as_it_is_worth() -> None:
    truth, score, used = made(2)
    true, predicted = pooled_prior(truth, score, used, strength=7)
    assert np.isclose(true.max(), 7)
    assert (predicted >= true - 1e-9).all()
    highest = score == score[used].max()
    share = truth[used & highest].sum() / truth[used].sum()
    assert np.allclose(true[highest], 7 * share)


def test_a_strong_prior_moves_every_threshold_to_the_common_one() -> None:
    truth, score, used = made(3)
    found = exact_thresholds(truth, score, used, pooled_prior(truth, score, used, strength=1e6))
    assert np.ptp(found) < 0.05
