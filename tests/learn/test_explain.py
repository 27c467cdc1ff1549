"""Explanations follow from relations, decision and weights, and from nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_patches import NAMES, made_matrices
from scipy.special import expit

from learn.decode import decode
from learn.explain import Explanation, explain
from learn.run import Run

MATRICES = made_matrices()
IDENTITY = np.eye(len(NAMES))[None]
NO_BIAS = np.zeros((1, len(NAMES)))


def explained(scores: dict[str, float], weight: np.ndarray = IDENTITY, bias: np.ndarray = NO_BIAS) -> Explanation:
    score = np.full((1, len(NAMES)), 0.1)
    for name, value in scores.items():
        score[0, NAMES.index(name)] = value
    thresholds = np.full(len(NAMES), 0.5)
    run = SimpleNamespace(
        matrices=MATRICES, thresholds=thresholds, seeds=(0,) * len(weight), spl_weight=weight, spl_bias=bias
    )
    return explain(cast(Run, run), score, score, decode(score, thresholds, MATRICES))


def test_the_most_specific_label_comes_first_and_ancestors_name_what_brought_them() -> None:
    found = explained({"lingula": 0.9, "nodule": 0.95})
    assert [label.name for label in found.labels] == ["lingula", "nodule", "left lung", "chest"]
    assert [label.specific for label in found.labels] == [True, True, False, False]
    assert [label.expanded_from for label in found.labels] == ["", "", "lingula", "lingula"]


def test_a_suppressed_label_names_what_blocks_it_and_where_the_exclusion_is_stated() -> None:
    found = explained({"lingula": 0.9, "right middle lobe": 0.8})
    (lost,) = found.suppressed
    assert lost.name == "right middle lobe"
    assert lost.by == "lingula"
    assert lost.stated == ("right lung", "left lung")


def test_influences_are_weights_times_the_scores_before_propagation() -> None:
    """A nodule whose score heart (logit -2) lowers, and mass (logit -2) raises through a negative weight."""
    nodule, heart, mass = (NAMES.index(name) for name in ("nodule", "heart", "mass"))
    weight = np.eye(8)
    weight[nodule, heart], weight[nodule, mass] = 0.5, -0.75
    before = np.full(8, -2.0)
    before[nodule] = 3.0
    after = expit(weight @ before)
    found = explained(dict(zip(NAMES, after.tolist(), strict=True)), weight[None])
    (label,) = found.labels
    assert [i.name for i in label.influences] == ["mass", "heart"]
    assert [i.amount for i in label.influences] == pytest.approx([1.5, -1.0])


def test_several_networks_have_no_one_score_before_propagation() -> None:
    weight = np.repeat(IDENTITY + 0.1, 2, axis=0)
    found = explained({"nodule": 0.9}, weight, np.zeros((2, 8)))
    assert [label.influences for label in found.labels] == [()]


@given(st.lists(st.floats(0.01, 0.99), min_size=8, max_size=8))
def test_every_passed_label_is_decided_or_suppressed_by_a_decided_one(values: list[float]) -> None:
    found = explained(dict(zip(NAMES, values, strict=True)))
    decided = {label.name for label in found.labels}
    lost = {label.name for label in found.suppressed}
    assert {name for name, value in zip(NAMES, values, strict=True) if value >= 0.5} <= decided | lost
    assert not decided & lost
    exclusive = MATRICES.exclusive.toarray()
    for label in found.suppressed:
        assert label.by in decided
        assert exclusive[NAMES.index(label.name), NAMES.index(label.by)]
        assert not label.stated or exclusive[NAMES.index(label.stated[0]), NAMES.index(label.stated[1])]
