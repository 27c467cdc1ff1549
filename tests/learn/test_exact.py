"""Exact inference in batches: the same numbers as by trying all label sets, and no relation ever broken."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.special import logsumexp
from small_ontologies import legal_sets, random_relations

from kg import algebra, exact
from kg.cohort import Cohort
from kg.errors import MatrixError
from kg.junction_tree import JunctionTree
from kg.matrices import RelationMatrices
from learn.exact import ExactInference

SEEDS = st.integers(0, 2**31 - 1)
quick = settings(max_examples=40, deadline=None)


@pytest.fixture(scope="module")
def inference(matrices: RelationMatrices) -> ExactInference:
    return ExactInference(JunctionTree.compile(matrices))


def drawn(seed: int, shape: tuple[int, int], spread: float = 4.0) -> torch.Tensor:
    return spread * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def realistic(cohort: Cohort, count: int, spread: float) -> torch.Tensor:
    """Noisy logits around the label sets of real lesions, ``count`` x C."""
    labels = torch.from_numpy(cohort.relevant_matrix()[:count].toarray())
    return torch.where(labels, 2.0, -3.0) + drawn(0, tuple(labels.shape), spread)


def broken(probability: torch.Tensor, matrices: RelationMatrices, slack: float = 0.0) -> int:
    """How many of the closed relations do not hold."""
    p = probability.detach().numpy()
    child, parent = matrices.ancestors.nonzero()
    one, other = algebra.to_pairs(matrices.exclusive, symmetric=True).T
    return int((p[:, child] > p[:, parent] + slack).sum() + (p[:, one] + p[:, other] > 1 + slack).sum())


@quick
@given(SEEDS)
def test_small_ontologies_agree_with_all_their_label_sets(seed: int) -> None:
    relations = random_relations(seed)
    inference, legal = ExactInference(JunctionTree.compile(relations)), legal_sets(relations)
    logits = drawn(seed, (5, relations.size))
    weights = logits.numpy() @ legal.T
    total = logsumexp(weights, axis=1)
    independent = np.logaddexp(0, logits.numpy()).sum(axis=1)
    assert inference.marginals(logits).numpy() == pytest.approx(np.exp(weights - total[:, None]) @ legal)
    assert inference.log_legal(logits).numpy() == pytest.approx(total - independent, abs=1e-9)
    assert np.array_equal(inference.most_probable(logits).numpy(), legal[weights.argmax(axis=1)])


@quick
@given(SEEDS)
def test_ties_are_broken_as_in_the_reference(seed: int) -> None:
    relations = random_relations(seed)
    tree = JunctionTree.compile(relations)
    logits = np.random.default_rng(seed).integers(-1, 2, (8, relations.size)).astype(float)
    found = ExactInference(tree).most_probable(torch.from_numpy(logits)).numpy()
    assert np.array_equal(found, exact.most_probable(tree, logits))


@pytest.mark.parametrize("spread", [0.5, 4.0, 20.0])
def test_the_171_labels_agree_with_the_reference(inference: ExactInference, spread: float) -> None:
    logits = drawn(1, (40, inference.tree.size), spread)
    tree, z = inference.tree, logits.numpy()
    assert inference.marginals(logits.float()).numpy() == pytest.approx(
        exact.marginals(tree, logits.float().numpy()), abs=1e-6
    )
    assert inference.marginals(logits).numpy() == pytest.approx(exact.marginals(tree, z), abs=1e-12)
    assert inference.log_legal(logits).numpy() == pytest.approx(exact.log_legal(tree, z), rel=1e-12)
    assert np.array_equal(inference.most_probable(logits).numpy(), exact.most_probable(tree, z))


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("spread", [0.1, 3.0, 30.0, 1000.0])
def test_probabilities_break_none_of_the_closed_relations(
    inference: ExactInference, matrices: RelationMatrices, kind: torch.dtype, spread: float
) -> None:
    logits = drawn(2, (200, matrices.size), spread).to(kind)
    found = inference.marginals(logits)
    assert found.dtype == kind
    assert broken(torch.sigmoid(logits), matrices, 1e-6) > 0
    assert broken(found, matrices, 1e-6) == 0
    # Not even in the last bit.
    assert broken(found, matrices) == 0


@quick
@given(SEEDS, st.floats(0, 100))
def test_no_ontology_and_no_logits_break_a_relation(seed: int, spread: float) -> None:
    relations = random_relations(seed)
    inference = ExactInference(JunctionTree.compile(relations))
    logits = drawn(seed, (10, relations.size), spread)
    assert broken(inference.marginals(logits), relations) == 0
    assert relations.coherent(inference.most_probable(logits).numpy()).all()


def test_real_label_sets_that_are_legal_are_their_own_most_probable(
    inference: ExactInference, cohort: Cohort, matrices: RelationMatrices
) -> None:
    labels = matrices.expand(cohort.relevant_matrix()[:3000])
    legal = labels.toarray()[matrices.coherent(labels)]
    assert len(legal) > 2500
    logits = torch.where(torch.from_numpy(legal), 1.0, -1.0)
    assert np.array_equal(inference.most_probable(logits).numpy(), legal)


@pytest.mark.parametrize("spread", [1.5, 4.0])
def test_no_integer_programme_finds_a_better_label_set(
    inference: ExactInference, cohort: Cohort, matrices: RelationMatrices, spread: float
) -> None:
    weights = realistic(cohort, 25, spread)
    child, parent = matrices.parents.nonzero()
    one, other = algebra.to_pairs(matrices.exclusive_minimal, symmetric=True).T
    count = len(child) + len(one)
    row = np.arange(count)
    signs = np.concatenate([np.ones(count), np.where(row < len(child), -1.0, 1.0)])
    columns = np.concatenate([child, one, parent, other])
    a = csr_array((signs, (np.tile(row, 2), columns)), shape=(count, matrices.size))
    upper = np.where(row < len(child), 0.0, 1.0)
    found = inference.most_probable(weights).numpy()
    assert matrices.coherent(found).all()
    for z, labels in zip(weights.numpy(), found, strict=True):
        best = milp(
            -z, integrality=np.ones(len(z)), bounds=Bounds(0, 1), constraints=LinearConstraint(a, -np.inf, upper)
        )
        assert best.success
        assert np.array_equal(np.round(best.x).astype(bool), labels)


def test_probabilities_are_the_gradient_of_the_log_partition(inference: ExactInference) -> None:
    logits = drawn(3, (10, inference.tree.size)).requires_grad_()
    log_partition = inference.log_legal(logits) - torch.nn.functional.logsigmoid(-logits).sum(1)
    (gradient,) = torch.autograd.grad(log_partition.sum(), logits)
    torch.testing.assert_close(gradient, inference.marginals(logits).detach(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", [3, 4, 5, 8])
def test_gradients_are_those_of_finite_differences(seed: int) -> None:
    inference = ExactInference(JunctionTree.compile(random_relations(seed)))
    logits = drawn(seed, (2, inference.tree.size), 1.5).requires_grad_()
    assert torch.autograd.gradcheck(inference.marginals, logits)
    assert torch.autograd.gradcheck(inference.log_legal, logits)


def test_gradients_of_the_171_labels_are_those_of_finite_differences(inference: ExactInference) -> None:
    logits = drawn(6, (1, inference.tree.size), 1.5).requires_grad_()
    assert torch.autograd.gradcheck(inference.marginals, logits, fast_mode=True)
    assert torch.autograd.gradcheck(inference.log_legal, logits, fast_mode=True)


def test_the_semantic_loss_teaches_the_relations(inference: ExactInference, matrices: RelationMatrices) -> None:
    logits = drawn(7, (8, matrices.size), 1.0).requires_grad_()
    optimiser = torch.optim.Adam([logits], lr=0.3)
    first = -inference.log_legal(logits).mean().item()
    for _ in range(60):
        optimiser.zero_grad()
        loss = -inference.log_legal(logits).mean()
        torch.autograd.backward(loss)
        optimiser.step()
    assert first > 10
    assert loss.item() < first / 20
    start = broken(torch.sigmoid(drawn(7, (8, matrices.size), 1.0)), matrices, 0.1)
    assert broken(torch.sigmoid(logits), matrices, 0.1) < start / 20


@pytest.mark.parametrize("size", [50.0, 1000.0])
def test_extreme_logits_give_no_nan(inference: ExactInference, size: float) -> None:
    signs = torch.sign(drawn(8, (30, inference.tree.size)))
    logits = (size * torch.cat([signs, torch.ones_like(signs[:1]), -torch.ones_like(signs[:1])])).requires_grad_()
    probability, legal = inference.marginals(logits), inference.log_legal(logits)
    torch.autograd.backward(probability.sum() + legal.sum())
    assert logits.grad is not None
    for values in (probability, legal, logits.grad):
        assert torch.isfinite(values).all()
    assert (legal <= 0).all()
    assert not inference.most_probable(logits.detach())[-1].any()


def test_under_autocast_and_in_half_precision_nothing_is_lost(inference: ExactInference) -> None:
    logits = drawn(9, (5, inference.tree.size)).to(torch.bfloat16)
    expected = inference.marginals(logits.double())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, legal = inference.marginals(logits), inference.log_legal(logits)
    assert found.dtype == legal.dtype == torch.float32
    torch.testing.assert_close(found, expected.float())


def test_no_lesion_is_no_trouble(inference: ExactInference) -> None:
    logits = torch.zeros(0, inference.tree.size, requires_grad=True)
    assert inference.marginals(logits).shape == (0, inference.tree.size)
    assert inference.log_legal(logits).shape == (0,)
    assert inference.most_probable(logits).shape == (0, inference.tree.size)


def test_logits_of_another_number_of_labels_are_refused(inference: ExactInference) -> None:
    with pytest.raises(MatrixError, match="do not fit the 171 labels"):
        inference.marginals(torch.zeros(2, 170))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_finds_the_same(inference: ExactInference) -> None:
    logits = drawn(10, (50, inference.tree.size)).float()
    on_gpu = logits.cuda()
    torch.testing.assert_close(inference.marginals(on_gpu).cpu(), inference.marginals(logits))
    torch.testing.assert_close(inference.log_legal(on_gpu).cpu(), inference.log_legal(logits))
    assert torch.equal(inference.most_probable(on_gpu).cpu(), inference.most_probable(logits))
