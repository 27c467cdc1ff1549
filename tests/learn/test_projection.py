"""Embeddings on a plane."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from tiny_runs import Trained

from kg.cohort import Cohort
from kg.matrices import RelationMatrices
from learn.judged import Judged
from learn.projection import label_groups, project

quick = settings(max_examples=20, deadline=None)


@quick
@given(st.integers(0, 2**31 - 1))
def test_axes_are_scikit_learns_up_to_sign_and_explain_as_much(seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(30, 5)) * [5, 3, 1, 1, 1]
    found = project(points)
    oracle = PCA(2).fit(points)
    np.testing.assert_allclose(np.abs(found.points), np.abs(oracle.transform(points)), atol=1e-8)
    np.testing.assert_allclose(found.explained, oracle.explained_variance_ratio_)


@quick
@given(st.integers(0, 2**31 - 1))
def test_the_order_of_lesions_and_a_shift_do_not_move_the_picture(seed: int) -> None:
    draw = np.random.default_rng(seed)
    points = draw.normal(size=(20, 4)) * [4, 2, 1, 1]
    moved = draw.permutation(20)
    np.testing.assert_allclose(project(points[moved] + 7).points, project(points).points[moved], atol=1e-8)


def test_one_dimension_and_equal_points_are_no_trouble() -> None:
    line = project(np.arange(4.0)[:, None])
    np.testing.assert_allclose(line.points[:, 0], [-1.5, -0.5, 0.5, 1.5])
    assert line.explained == (1, 0)
    assert project(np.ones((3, 4))).explained == (0, 0)


def test_groups_are_the_most_general_labels_of_the_class_that_covers_most_lesions(
    trained: Trained, cohort: Cohort, matrices: RelationMatrices
) -> None:
    truth = Judged.of_split(trained.run, cohort, "test").truth
    found = label_groups(truth, matrices)
    assert len(found.columns) == 6
    assert all(matrices.classes[column] == found.label_class for column in found.columns)
    expanded = matrices.expand(truth).toarray()
    count = expanded.sum(axis=0)[list(found.columns)]
    assert (np.diff(count) <= 0).all()
    ancestors = matrices.ancestors.toarray()
    same = np.array([name == found.label_class for name in matrices.classes])
    assert not (ancestors[list(found.columns)] & same).any()
    has = expanded[:, list(found.columns)]
    np.testing.assert_array_equal(found.group >= 0, has.any(axis=1))
    for row in np.flatnonzero(found.group >= 0):
        assert found.group[row] == max(np.flatnonzero(has[row]))
    assert (found.group >= 0).mean() > 0.8


def test_lesions_without_a_label_have_no_group(matrices: RelationMatrices) -> None:
    assert label_groups(np.zeros((3, matrices.size), bool), matrices).group.tolist() == [-1, -1, -1]
    assert pytest.approx(0) == len(label_groups(np.zeros((3, matrices.size), bool), matrices).columns)
