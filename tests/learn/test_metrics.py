"""Figures of merit against scikit-learn, one label at a time, and the invariants of the specification, section 5."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from learn.bootstrap import Resampling, interval, macro
from learn.metrics import Counts, Undefined, auc, by_class, calibration_error, mean

SEEDS = st.integers(0, 2**31 - 1)
quick = settings(max_examples=15, deadline=None)


def made(seed: int, lesions: int = 40, labels: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, scores with many ties, and used pairs; the first label has no positive."""
    draw = np.random.default_rng(seed)
    truth = draw.random((lesions, labels)) < 0.25
    truth[:, 0] = False
    score = draw.integers(0, 12, (lesions, labels)) / 12
    return truth, score, draw.random((lesions, labels)) < 0.85


def oracle_auc(truth: np.ndarray, score: np.ndarray, used: np.ndarray) -> np.ndarray:
    out = np.full(truth.shape[1], np.nan)
    for c in range(truth.shape[1]):
        t, s = truth[used[:, c], c], score[used[:, c], c]
        if 0 < t.sum() < len(t):
            out[c] = roc_auc_score(t, s)
    return out


@quick
@given(SEEDS)
def test_area_under_the_curve_equals_scikit_learns_with_ties_and_ignored_pairs(seed: int) -> None:
    truth, score, used = made(seed)
    np.testing.assert_allclose(auc(truth, score, used), oracle_auc(truth, score, used), atol=1e-12)
    np.testing.assert_allclose(auc(truth, score), oracle_auc(truth, score, np.ones_like(used)), atol=1e-12)


@quick
@given(SEEDS)
def test_area_under_the_curve_feels_neither_a_rising_map_nor_the_order_of_lesions(seed: int) -> None:
    truth, score, used = made(seed)
    expected = auc(truth, score, used)
    np.testing.assert_allclose(auc(truth, np.exp(3 * score), used), expected)
    moved = np.random.default_rng(seed).permutation(len(truth))
    np.testing.assert_allclose(auc(truth[moved], score[moved], used[moved]), expected)
    np.testing.assert_allclose(auc(truth, -score, used), 1 - expected)


@quick
@given(SEEDS)
def test_ignoring_a_lesion_for_all_labels_is_the_same_as_deleting_it(seed: int) -> None:
    truth, score, used = made(seed)
    gone = np.arange(len(truth)) % 3 == 0
    used[gone] = False
    np.testing.assert_allclose(auc(truth, score, used), auc(truth[~gone], score[~gone], used[~gone]))


@quick
@given(SEEDS)
def test_precision_recall_and_f1_equal_scikit_learns(seed: int) -> None:
    truth, score, used = made(seed)
    decided = score > 0.6
    decided[:, 1] = False
    counts = Counts.of(truth, decided, used)
    for c in range(truth.shape[1]):
        t, d = truth[used[:, c], c], decided[used[:, c], c]
        for undefined, otherwise in ((Undefined.ONE, 1), (Undefined.ZERO, 0)):
            assert counts.precision(undefined)[c] == pytest.approx(precision_score(t, d, zero_division=otherwise))
        if t.any():
            assert counts.recall()[c] == pytest.approx(recall_score(t, d))
            assert counts.f1()[c] == pytest.approx(f1_score(t, d, zero_division=0))
        else:
            assert np.isnan(counts.recall()[c])
            assert np.isnan(counts.f1()[c])
    assert np.isnan(counts.precision(Undefined.NAN)[1])
    pooled = counts.sum()
    assert pooled.f1()[0] == pytest.approx(f1_score(truth[used], decided[used]))


@quick
@given(SEEDS)
def test_adding_predictions_never_lowers_recall(seed: int) -> None:
    truth, score, used = made(seed)
    few, more = Counts.of(truth, score > 0.7, used), Counts.of(truth, score > 0.4, used)
    defined = few.actual > 0
    assert (more.recall()[defined] >= few.recall()[defined]).all()


def test_means_leave_out_what_is_not_defined() -> None:
    values = np.array([1.0, np.nan, 0.0, 0.5])
    assert mean(values) == 0.5
    assert by_class(values, ["a", "b", "a", "c"]) == {"a": 0.5, "b": pytest.approx(np.nan, nan_ok=True), "c": 0.5}
    assert np.isnan(mean(np.array([np.nan])))


def test_calibration_error_is_zero_for_frequencies_and_the_gap_for_a_constant() -> None:
    truth = np.zeros((100, 1), bool)
    truth[:20] = True
    used = np.ones_like(truth)
    assert calibration_error(np.full((100, 1), 0.2), truth, used) == pytest.approx(0)
    assert calibration_error(np.full((100, 1), 0.9), truth, used) == pytest.approx(0.7)
    used[20:] = False
    assert calibration_error(np.full((100, 1), 1.0), truth, used) == pytest.approx(0)


@quick
@given(SEEDS)
def test_a_resampled_area_under_the_curve_is_that_of_the_repeated_lesions(seed: int) -> None:
    truth, score, used = made(seed, lesions=30)
    patients = np.array([f"p{n}" for n in np.random.default_rng(seed).integers(0, 9, 30)])
    resampled = Resampling.of(patients, replicates=5, seed=seed)
    found = resampled.auc(truth, score, used)
    names = np.unique(patients)
    for weights, row in zip(resampled.weights, found, strict=True):
        times = weights[np.searchsorted(names, patients)].astype(int)
        again = np.repeat(np.arange(30), times)
        np.testing.assert_allclose(row, oracle_auc(truth[again], score[again], used[again]), atol=1e-6)
        assert weights.sum() == len(names)


def test_intervals_cover_the_middle_of_the_replicates_and_need_half_of_them() -> None:
    found = interval(np.arange(1001) / 1000)
    assert (found.low, found.high) == (pytest.approx(0.025), pytest.approx(0.975))
    assert np.isnan(interval(np.array([np.nan, np.nan, np.nan, 0.5])).low)
    assert macro(np.array([[1.0, np.nan], [0.5, 0.0]])).tolist() == [1.0, 0.25]


def test_lesions_of_one_patient_stay_together() -> None:
    truth = np.array([[True], [False], [True], [False]])
    score = np.array([[0.9], [0.1], [0.1], [0.9]])
    found = Resampling.of(np.array(["a", "a", "b", "b"]), 200).auc(truth, score, np.ones_like(truth))
    assert set(found[:, 0]) == {0.0, 0.5, 1.0}  # never a positive without its patient's negative
