"""No label scores more than its ancestors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_ontologies import random_relations

from kg.matrices import RelationMatrices
from learn.max_constraint import MaxConstraint

SEEDS = st.integers(0, 2**31 - 1)
quick = settings(max_examples=40, deadline=None)


@quick
@given(SEEDS)
def test_each_label_takes_the_best_of_itself_and_its_descendants(seed: int) -> None:
    relations = random_relations(seed)
    scores = np.random.default_rng(seed).random((5, relations.size))
    at_or_below = relations.ancestors.toarray().T | np.eye(relations.size, dtype=bool)
    expected = [[max(row[at_or_below[c]]) for c in range(relations.size)] for row in scores]
    assert MaxConstraint(relations)(torch.from_numpy(scores)).tolist() == expected


def test_no_child_of_the_171_labels_scores_above_its_parent(matrices: RelationMatrices) -> None:
    scores = torch.rand(64, matrices.size)
    out = MaxConstraint(matrices)(scores).numpy()
    child, parent = matrices.parents.nonzero()
    assert (scores.numpy()[:, child] > scores.numpy()[:, parent]).any()
    assert (out[:, child] <= out[:, parent]).all()
    assert (out >= scores.numpy()).all()


def test_its_gradient_reaches_the_descendant_that_has_the_maximum(matrices: RelationMatrices) -> None:
    scores = torch.randn(3, matrices.size, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(MaxConstraint(matrices), scores)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_scores_keep_their_type_and_are_not_changed_in_place(matrices: RelationMatrices, kind: torch.dtype) -> None:
    scores = torch.rand(2, matrices.size).to(kind)
    before = scores.clone()
    assert MaxConstraint(matrices)(scores).dtype == kind
    assert torch.equal(scores, before)


def test_no_lesion_is_no_trouble(matrices: RelationMatrices) -> None:
    assert MaxConstraint(matrices)(torch.zeros(0, matrices.size)).shape == (0, matrices.size)
