"""Decided label sets break no relation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit
from small_ontologies import legal_sets, random_relations

from kg import algebra
from kg.errors import MatrixError, UsageError
from kg.matrices import RelationMatrices
from learn.decode import Decoder, decide, decode, threshold_and_expand
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


@quick
@given(SEEDS)
@pytest.mark.parametrize("decoder", [decoder for decoder in Decoder if decoder.coherent])
def test_coherent_decoders_break_no_relation_of_the_171_labels(
    matrices: RelationMatrices, decoder: Decoder, seed: int
) -> None:
    scores, thresholds = random_scores(seed, matrices.size)
    thresholds[:: 1 + seed % 7] = np.inf
    assert matrices.coherent(decide(decoder, scores, thresholds, matrices).positive).all()


@quick
@given(SEEDS)
def test_the_others_can_break_some(matrices: RelationMatrices, seed: int) -> None:
    scores, thresholds = random_scores(seed, matrices.size)
    for decoder in Decoder:
        if not decoder.coherent:
            assert not matrices.coherent(decide(decoder, scores, thresholds, matrices, top=60).positive).all()


@quick
@given(SEEDS)
def test_the_exact_decision_is_the_best_of_all_legal_label_sets(seed: int) -> None:
    relations = random_relations(seed)
    scores, thresholds = random_scores(seed, relations.size)
    margin, legal = logit(scores) - logit(thresholds), legal_sets(relations)
    decided = decide(Decoder.EXACT, scores, thresholds, relations).positive
    assert np.array_equal(decided, legal[(margin @ legal.T).argmax(axis=1)])
    for other in (Decoder.GREEDY, Decoder.MAX_CONSTRAINT):
        worth = (margin * decide(other, scores, thresholds, relations).positive).sum(axis=1)
        assert (worth <= (margin * decided).sum(axis=1) + 1e-9).all()


@quick
@given(SEEDS)
def test_without_relations_all_ways_that_use_thresholds_agree(seed: int) -> None:
    none = algebra.from_pairs(np.zeros((0, 2)), 5)
    relations = RelationMatrices("none", tuple("abcde"), tuple("abcde"), ("type",) * 5, none, none)
    scores, thresholds = random_scores(seed, 5)
    scores[0], thresholds[1] = thresholds, np.inf
    for decoder in set(Decoder) - {Decoder.TOP}:
        decided = decide(decoder, scores, thresholds, relations)
        assert np.array_equal(decided.positive, scores >= thresholds), decoder
        assert (decided.expanded_from == -1).all()


@quick
@given(SEEDS)
@pytest.mark.parametrize("decoder", [Decoder.PAPER, Decoder.GREEDY, Decoder.EXACT])
def test_whatever_decided_an_expanded_label_names_a_positive_descendant_that_passed(
    matrices: RelationMatrices, decoder: Decoder, seed: int
) -> None:
    scores, thresholds = random_scores(seed, matrices.size)
    thresholds[:: 1 + seed % 7] = np.inf
    decided = decide(decoder, scores, thresholds, matrices)
    passed = scores >= thresholds
    assert np.array_equal(decided.expanded_from >= 0, decided.positive & ~passed)
    lesion, label = np.nonzero(decided.expanded_from >= 0)
    origin = decided.expanded_from[lesion, label]
    assert matrices.ancestors.toarray()[origin, label].all()
    assert (passed & decided.positive)[lesion, origin].all()


@pytest.mark.parametrize(
    ("decoder", "expected"),
    [
        pytest.param(Decoder.THRESHOLDS, "bcd", id="b, c and d pass"),
        pytest.param(Decoder.PAPER, "abcd", id="a is the parent of b and c"),
        pytest.param(Decoder.GREEDY, "acd", id="d is surer than b, which it excludes"),
        pytest.param(Decoder.MAX_CONSTRAINT, "acd", id="a takes the score of c, then the same"),
        pytest.param(Decoder.EXACT, "acd", id="c and d outweigh b and c"),
        pytest.param(Decoder.TOP, "bd", id="the two best"),
    ],
)
def test_one_lesion_decided_each_way(decoder: Decoder, expected: str) -> None:
    scores = np.array([[0.4, 0.7, 0.65, 0.8, 0.1]])
    decided = decide(decoder, scores, np.full(5, 0.5), small(), top=2)
    assert "".join("abcde"[c] for c in np.flatnonzero(decided.positive[0])) == expected
    assert decided.expanded_from[0, 0] == {Decoder.PAPER: 1}.get(decoder, 2 if "a" in expected else -1)


def test_two_sure_labels_outweigh_a_surer_one_that_excludes_both_only_in_the_exact_decision() -> None:
    excludes = algebra.from_pairs(np.array([(0, 1), (0, 2)]), 3, symmetric=True)
    no_parents = algebra.from_pairs(np.zeros((0, 2)), 3)
    relations = RelationMatrices("v", tuple("abc"), tuple("abc"), ("type",) * 3, no_parents, excludes)
    scores, thresholds = np.array([[0.9, 0.8, 0.8]]), np.full(3, 0.5)
    assert decide(Decoder.GREEDY, scores, thresholds, relations).positive.tolist() == [[True, False, False]]
    assert decide(Decoder.EXACT, scores, thresholds, relations).positive.tolist() == [[False, True, True]]


def test_a_parent_far_below_its_threshold_speaks_against_its_child_only_in_the_exact_decision() -> None:
    scores, thresholds = np.array([[0.01, 0.6, 0.0, 0.0, 0.0]]), np.full(5, 0.5)
    assert decide(Decoder.GREEDY, scores, thresholds, small()).positive[0].tolist() == [True, True, False, False, False]
    assert not decide(Decoder.EXACT, scores, thresholds, small()).positive.any()


@pytest.mark.parametrize("decoder", [Decoder.GREEDY, Decoder.EXACT, Decoder.PAPER])
def test_a_label_without_threshold_comes_with_a_descendant_and_weighs_nothing(decoder: Decoder) -> None:
    thresholds = np.array([np.inf, 0.5, 0.5, 0.5, np.inf])
    scores = np.array([[1.0, 0.1, 0.1, 0.1, 1.0], [0.0, 0.6, 0.1, 0.1, 1.0]])
    decided = decide(decoder, scores, thresholds, small())
    assert decided.positive.tolist() == [[False] * 5, [True, True, False, False, False]]
    assert decided.expanded_from[1].tolist() == [1, -1, -1, -1, -1]


def test_a_label_that_reached_its_childs_smaller_threshold_stands_for_itself() -> None:
    thresholds = np.array([0.9, 0.5, 0.8, 0.5, 0.5])
    decided = decide(Decoder.MAX_CONSTRAINT, np.array([[0.6, 0.1, 0.1, 0.1, 0.1]]), thresholds, small())
    assert decided.positive.tolist() == [[True, False, False, False, False]]
    assert (decided.expanded_from == -1).all()


def test_a_label_without_threshold_does_not_bring_its_own_score_into_the_max_constraint() -> None:
    thresholds = np.array([np.inf, 0.5, 0.5, 0.5, 0.5])
    scores = np.array([[0.9, 0.1, 0.1, 0.1, 0.1], [0.9, 0.6, 0.1, 0.1, 0.1]])
    decided = decide(Decoder.MAX_CONSTRAINT, scores, thresholds, small())
    assert decided.positive.tolist() == [[False] * 5, [True, True, False, False, False]]
    assert decided.expanded_from[1, 0] == 1


def test_an_expanded_label_names_the_surest_descendant_by_margin_not_the_first_column_or_the_highest_score() -> None:
    scores, thresholds = np.array([[0.1, 0.9, 0.8, 0.1, 0.1]]), np.array([0.5, 0.85, 0.3, 0.5, 0.5])
    for decoder in (Decoder.PAPER, Decoder.GREEDY, Decoder.MAX_CONSTRAINT):
        assert decide(decoder, scores, thresholds, small()).expanded_from[0].tolist() == [2, -1, -1, -1, -1]


@pytest.mark.parametrize("decoder", list(Decoder))
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.1, 3.0])
def test_scores_that_are_no_probabilities_are_refused_and_name_the_label(decoder: Decoder, wrong: float) -> None:
    scores = np.full((3, 5), 0.4)
    scores[1, 2] = wrong
    with pytest.raises(MatrixError, match="scores of 'c' are not all between 0 and 1"):
        decide(decoder, scores, np.full(5, 0.5), small())


@pytest.mark.parametrize("wrong", [np.nan, -0.1, -np.inf])
def test_thresholds_that_are_none_are_refused_and_name_the_label(wrong: float) -> None:
    with pytest.raises(MatrixError, match="threshold 'd' is negative or no number"):
        decode(np.full((1, 5), 0.4), np.array([0.5, 0.5, 0.5, wrong, np.inf]), small())


@pytest.mark.parametrize("top", [0, 6])
def test_more_best_labels_than_labels_are_refused(top: int) -> None:
    with pytest.raises(UsageError, match="give 1 to 5"):
        decide(Decoder.TOP, np.zeros((2, 5)), np.full(5, 0.5), small(), top=top)


@pytest.mark.parametrize("decoder", list(Decoder))
def test_no_lesion_and_lesions_of_another_label_set(decoder: Decoder) -> None:
    assert decide(decoder, np.zeros((0, 5)), np.full(5, 0.5), small()).positive.shape == (0, 5)
    with pytest.raises(MatrixError, match="do not fit the 5 labels"):
        decide(decoder, np.zeros((2, 4)), np.full(5, 0.5), small())


def test_scores_in_single_precision_decide_alike(matrices: RelationMatrices) -> None:
    scores, thresholds = random_scores(1, matrices.size)
    scores = scores.astype(np.float32)
    for decoder in Decoder:
        one = decide(decoder, scores, thresholds, matrices).positive
        other = decide(decoder, scores.astype(np.float64), thresholds, matrices).positive
        assert np.array_equal(one, other), decoder
