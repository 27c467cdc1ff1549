"""Decided label sets break no relation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from kg import algebra
from kg.errors import MatrixError
from kg.matrices import RelationMatrices
from learn.decode import decode, threshold_and_expand
from learn.evaluation import coherence

SEEDS = st.integers(0, 2**31 - 1)
quick = settings(max_examples=25, deadline=None)


def small() -> RelationMatrices:
    """b and c are kinds of a; d excludes b; e stands alone."""
    ancestors = algebra.from_pairs(np.array([(1, 0), (2, 0)]), 5)
    exclusive = algebra.from_pairs(np.array([(3, 1)]), 5, symmetric=True)
    return RelationMatrices("small", tuple("abcde"), tuple("abcde"), ("type",) * 5, ancestors, exclusive)


def greedy(scores: np.ndarray, thresholds: np.ndarray, matrices: RelationMatrices) -> np.ndarray:
    """The rule in plain loops over one lesion at a time."""
    ancestors = [set(np.flatnonzero(row)) for row in matrices.ancestors.toarray()]
    exclusive = [set(np.flatnonzero(row)) for row in matrices.exclusive.toarray()]
    out = np.zeros(scores.shape, bool)
    for n, row in enumerate(scores):
        margin = logit(np.clip(row, 1e-7, 1 - 1e-7)) - logit(thresholds)
        accepted: set[int] = set()
        for c in sorted(np.flatnonzero(row >= thresholds), key=lambda c: (-margin[c], c)):
            group = {int(c)} | ancestors[c]
            if not any(exclusive[g] & accepted for g in group):
                accepted |= group
        out[n, list(accepted)] = True
    return out


def random_scores(seed: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    return draw.random((20, size)), draw.uniform(0.5, 0.95, size)


@quick
@given(SEEDS)
def test_no_relation_of_the_171_labels_is_broken(matrices: RelationMatrices, seed: int) -> None:
    decided = decode(*random_scores(seed, matrices.size), matrices)
    assert matrices.coherent(decided.positive).all()
    found = coherence(decided.positive, matrices)
    assert (found.lesions_incoherent, found.missing_ancestors, found.exclusive_pairs) == (0, 0, 0)


@quick
@given(SEEDS)
def test_all_lesions_at_once_decide_as_each_by_itself_in_plain_loops(matrices: RelationMatrices, seed: int) -> None:
    scores, thresholds = random_scores(seed, matrices.size)
    assert np.array_equal(decode(scores, thresholds, matrices).positive, greedy(scores, thresholds, matrices))


@quick
@given(SEEDS)
def test_an_expanded_label_missed_its_threshold_and_names_a_descendant_that_did_not(
    matrices: RelationMatrices, seed: int
) -> None:
    scores, thresholds = random_scores(seed, matrices.size)
    decided = decode(scores, thresholds, matrices)
    passed = scores >= thresholds
    expanded = decided.positive & ~passed
    assert np.array_equal(decided.expanded_from >= 0, expanded)
    lesion, label = np.nonzero(expanded)
    origin = decided.expanded_from[lesion, label]
    assert matrices.ancestors.toarray()[origin, label].all()
    assert (passed & decided.positive)[lesion, origin].all()


def test_the_surer_of_two_exclusive_labels_wins_with_its_ancestors() -> None:
    thresholds = np.full(5, 0.5)
    scores = np.array([[0.1, 0.8, 0.1, 0.7, 0.1], [0.1, 0.7, 0.1, 0.8, 0.6]])
    decided = decode(scores, thresholds, small())
    assert decided.positive.tolist() == [[True, True, False, False, False], [False, False, False, True, True]]
    assert decided.expanded_from[0].tolist() == [1, -1, -1, -1, -1]


def test_a_margin_is_measured_from_the_labels_own_threshold() -> None:
    scores = np.array([[0.0, 0.8, 0.0, 0.7, 0.0]])
    thresholds = np.array([0.5, 0.79, 0.5, 0.3, 0.5])
    assert decode(scores, thresholds, small()).positive[0].tolist() == [False, False, False, True, False]


def test_a_label_without_threshold_is_never_predicted_by_itself() -> None:
    thresholds = np.full(5, np.inf)
    assert not decode(np.ones((2, 5)), thresholds, small()).positive.any()


def test_the_papers_way_adds_ancestors_but_leaves_exclusive_pairs() -> None:
    decided = threshold_and_expand(np.array([[0.1, 0.9, 0.1, 0.9, 0.1]]), np.full(5, 0.5), small())
    assert decided[0].tolist() == [True, True, False, True, False]
    assert coherence(decided, small()).exclusive_pairs == 1


def test_scores_of_another_label_set_and_contradictory_relations_are_refused() -> None:
    with pytest.raises(MatrixError, match="do not fit the 5 labels"):
        decode(np.zeros((2, 4)), np.full(5, 0.5), small())
    relations = small()
    clash = algebra.from_pairs(np.array([(1, 0), (1, 1)]), 5, symmetric=True)
    broken = RelationMatrices("b", relations.label_ids, relations.names, relations.classes, relations.ancestors, clash)
    with pytest.raises(MatrixError, match="exclusive with itself"):
        decode(np.zeros((2, 5)), np.full(5, 0.5), broken)
