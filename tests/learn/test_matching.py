"""Matching lesions of a patient over studies: what must hold of any outcome, and small cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from kg.errors import TrainingError, UsageError
from learn.matching import (
    Matching,
    PairDecisions,
    Thresholds,
    choose_thresholds,
    judge,
    match_lesions,
    match_patient,
    patient_pairs,
    thresholds_without_truth,
)

Case = tuple[np.ndarray, list[str], list[str]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Up to 14 lesions of up to 3 patients with up to 4 studies each, somewhere on a plane; no two distances equal."""
    lesions = draw(st.integers(1, 14))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    patients = [f"p{n}" for n in random.integers(0, draw(st.integers(1, 3)), lesions)]
    studies = [f"{p}:s{n}" for p, n in zip(patients, random.integers(0, draw(st.integers(1, 4)), lesions), strict=True)]
    return random.normal(size=(lesions, 2)), studies, patients


thresholds = st.builds(Thresholds, st.floats(0, 2), st.floats(0, 4))


def as_sets(found: Matching) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(found.group == g).tolist()) for g in np.unique(found.group)}


@given(cases(), thresholds)
def test_groups_hold_every_lesion_once_and_never_two_patients(case: Case, limits: Thresholds) -> None:
    found = match_lesions(*case, limits)
    assert sorted(row for group in as_sets(found) for row in group) == list(range(len(case[0])))
    assert all(len({case[2][row] for row in group}) == 1 for group in as_sets(found))
    assert found.group.tolist()[0] == 0


@given(cases(), thresholds)
def test_a_group_holds_one_lesion_of_a_study(case: Case, limits: Thresholds) -> None:
    found = match_lesions(*case, limits)
    for group in as_sets(found):
        nodes = {(case[1][row], int(found.merged[row])) for row in group}
        assert len({study for study, _ in nodes}) == len(nodes)


@given(cases(), thresholds)
def test_a_lesion_has_at_most_one_edge_to_each_other_study_and_none_to_its_own(case: Case, limits: Thresholds) -> None:
    found = match_lesions(*case, limits)
    ends = [(int(found.merged[a]), case[1][b]) for a, b in [*found.pairs, *found.pairs[:, ::-1]]]
    assert len(ends) == len(set(ends))
    assert all(case[1][a] != case[1][b] and case[2][a] == case[2][b] for a, b in found.pairs)
    assert (found.distance <= limits.between).all()
    assert (found.group[found.pairs[:, 0]] == found.group[found.pairs[:, 1]]).all()


@given(cases(), thresholds, st.randoms(use_true_random=False))
def test_the_order_of_lesions_does_not_matter(case: Case, limits: Thresholds, random: object) -> None:
    order = list(range(len(case[0])))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = match_lesions(case[0][order], [case[1][n] for n in order], [case[2][n] for n in order], limits)
    back = {frozenset(order[row] for row in group) for group in as_sets(shuffled)}
    assert back == as_sets(match_lesions(*case, limits))


@given(cases(), st.floats(0, 4))
def test_nothing_is_merged_at_zero(case: Case, between: float) -> None:
    found = match_lesions(*case, Thresholds(0, between))
    assert found.merged.tolist() == list(range(len(case[0])))


@given(cases())
def test_every_lesion_is_alone_when_both_thresholds_are_zero(case: Case) -> None:
    found = match_lesions(*case, Thresholds(0, 0))
    assert found.group.tolist() == list(range(len(case[0])))
    assert len(found.pairs) == 0


@given(cases(), st.floats(0, 4), st.floats(0, 4))
def test_without_lesions_that_compete_edges_only_grow_with_the_threshold(case: Case, one: float, other: float) -> None:
    """Each lesion is its own study, so that exclusion has nothing to do."""
    alone = [f"{p}:s{row}" for row, p in enumerate(case[2])]
    low, high = (match_lesions(case[0], alone, case[2], Thresholds(0, t)).pairs for t in sorted((one, other)))
    assert {tuple(pair) for pair in low.tolist()} <= {tuple(pair) for pair in high.tolist()}


@given(cases(), thresholds)
def test_it_equals_the_algorithm_written_out_pair_by_pair(case: Case, limits: Thresholds) -> None:
    """Exclusion as in the talk, on lesions one patient at a time; chains are cut afterwards, which only removes."""
    found = match_lesions(*case, Thresholds(0, limits.between))
    distance = cdist(case[0], case[0])
    rows = range(len(case[0]))
    edges = {
        (i, j)
        for i in rows
        for j in rows
        if case[2][i] == case[2][j] and case[1][i] != case[1][j] and distance[i, j] <= limits.between
    }
    excluded = {
        (i, j)
        for i, j in edges
        for k in rows
        if k != j and (i, k) in edges and case[1][j] == case[1][k] and distance[i, j] >= distance[i, k]
    }
    kept = {(i, j) for i, j in edges if not {(i, j), (j, i)} & excluded and i < j}
    pairs = {(int(a), int(b)) for a, b in found.pairs}
    assert pairs <= kept
    study = {row: case[1][row] for row in rows}
    for i, j in kept - pairs:
        both = {row for row in rows if found.group[row] in (found.group[i], found.group[j])}
        assert len({study[row] for row in both}) < len(both), "an edge was left out that joins no study twice"


def test_merging_is_transitive_and_the_nearest_mark_counts() -> None:
    line = np.array([[0.0], [0.9], [1.8], [2.5]])
    found = match_lesions(line, ["a", "a", "a", "b"], ["p"] * 4, Thresholds(1.0, 0.8))
    assert found.merged.tolist() == [0, 0, 0, 1]
    assert found.group.tolist() == [0, 0, 0, 0]
    assert found.pairs.tolist() == [[2, 3]]
    assert found.distance == pytest.approx([0.7])


def test_of_two_equally_near_lesions_the_first_is_taken() -> None:
    points = np.array([[0.0], [1.0], [-1.0]])
    found = match_lesions(points, ["a", "b", "b"], ["p"] * 3, Thresholds(0, 2))
    assert found.pairs.tolist() == [[0, 1]]


def test_a_chain_to_a_second_lesion_of_a_study_is_cut_at_its_longest_edge() -> None:
    distance = np.full((4, 4), 9.0)
    for a, b, d in [(0, 1, 1.0), (1, 2, 2.0), (2, 3, 3.0)]:
        distance[a, b] = distance[b, a] = d
    np.fill_diagonal(distance, 0)
    found = match_patient(distance, np.array([0, 1, 2, 0]), Thresholds(0, 5))
    assert found.group.tolist() == [0, 0, 0, 1]
    assert found.pairs.tolist() == [[0, 1], [1, 2]]


def test_pair_decisions_count_groups_against_what_is_known() -> None:
    pairs = patient_pairs(["p", "p", "p", "q"])
    assert pairs.tolist() == [[0, 1], [0, 2], [1, 2]]
    found = judge(pairs, np.array([True, False, True]), np.array([0, 0, 0, 1]))
    assert found == PairDecisions(hits=2, false_alarms=1, misses=0, rest=0)
    assert (found.precision, found.recall, found.f1) == (2 / 3, 1.0, 0.8)


def test_chosen_thresholds_separate_what_can_be_separated() -> None:
    random = np.random.default_rng(0)
    centres = np.repeat(random.normal(0, 20, (12, 3)), 3, axis=0)
    points = centres + random.normal(0, 0.1, centres.shape)
    patients = [f"p{n // 9}" for n in range(36)]
    studies = [f"{p}:{n % 3}" for n, p in enumerate(patients)]
    pairs = patient_pairs(patients)
    same = pairs[:, 0] // 3 == pairs[:, 1] // 3
    chosen = choose_thresholds(points, studies, patients, pairs, same)
    assert judge(pairs, same, match_lesions(points, studies, patients, chosen).group).f1 == 1.0
    blind = thresholds_without_truth(points, studies, patients, 0.02)
    assert judge(pairs, same, match_lesions(points, studies, patients, blind).group).recall > 0.9


def test_what_cannot_be_matched_is_refused() -> None:
    points = np.zeros((2, 2))
    with pytest.raises(UsageError, match="must be 0 or more"):
        Thresholds(float("nan"), 1)
    with pytest.raises(UsageError, match="no number"):
        match_lesions(points * np.nan, ["a", "b"], ["p", "p"], Thresholds(0, 1))
    with pytest.raises(TrainingError, match="no known follow-up"):
        choose_thresholds(points, ["a", "b"], ["p", "p"], np.array([[0, 1]]), np.array([False]))
    with pytest.raises(TrainingError, match="one patient"):
        thresholds_without_truth(points, ["a", "b"], ["p", "p"])
