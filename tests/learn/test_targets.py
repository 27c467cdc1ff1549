"""What training takes as positive, reliably negative and neither, on the real label lists."""

from __future__ import annotations

import numpy as np
import pytest

from kg import algebra
from kg.cohort import Cohort
from kg.matrices import RelationMatrices
from learn.recipe import Relations
from learn.targets import training_targets


@pytest.fixture(scope="module")
def train(cohort: Cohort) -> Cohort:
    return cohort.subset("train")


@pytest.mark.parametrize("labels", list(Relations))
def test_no_label_is_two_things_at_once(train: Cohort, matrices: RelationMatrices, labels: Relations) -> None:
    found = training_targets(train.relevant_matrix(), train.uncertain_matrix(), matrices, labels)
    assert not (found.positive & found.reliable).any()
    assert not (found.positive & found.ignored).any()
    assert not (found.reliable & found.ignored).any()


@pytest.mark.parametrize("labels", list(Relations))
def test_no_reliable_negative_is_an_ancestor_of_a_positive(
    train: Cohort, matrices: RelationMatrices, labels: Relations
) -> None:
    found = training_targets(train.relevant_matrix(), train.uncertain_matrix(), matrices, labels)
    assert not (matrices.expand(found.positive).toarray() & found.reliable).any()


def test_expanded_positives_hold_every_ancestor_and_leave_nothing_unsure(
    train: Cohort, matrices: RelationMatrices
) -> None:
    found = training_targets(train.relevant_matrix(), train.uncertain_matrix(), matrices, Relations.EXPANDED)
    assert np.array_equal(matrices.expand(found.positive).toarray(), found.positive)
    assert not found.ignored.any()


def test_released_positives_are_the_81430_listed_ones(train: Cohort, matrices: RelationMatrices) -> None:
    found = training_targets(train.relevant_matrix(), train.uncertain_matrix(), matrices, Relations.RELEASED)
    assert int(found.positive.sum()) == 81_430
    assert int(found.ignored.sum()) > 0


def test_most_specific_positives_imply_nothing_of_each_other_and_expand_to_the_same(
    train: Cohort, matrices: RelationMatrices
) -> None:
    lists = train.relevant_matrix(), train.uncertain_matrix()
    specific = training_targets(*lists, matrices, Relations.MOST_SPECIFIC)
    assert not (algebra.product(specific.positive, matrices.ancestors).toarray() & specific.positive).any()
    expanded = training_targets(*lists, matrices, Relations.EXPANDED)
    assert np.array_equal(matrices.expand(specific.positive).toarray(), expanded.positive)
    assert np.array_equal(specific.reliable, expanded.reliable)
