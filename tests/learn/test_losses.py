"""Losses of LesaNet: the identities of the specification, section 4."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from learn.losses import hardness, rhem_expected, rhem_sampled, triplet_loss, weighted_cross_entropy
from learn.targets import class_weights

SEEDS = st.integers(0, 2**31 - 1)
quick = settings(max_examples=40, deadline=None)


def batch(seed: int, lesions: int = 6, labels: int = 5) -> tuple[Tensor, Tensor, Tensor, torch.Generator]:
    """Random logits, positives and reliable negatives."""
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(lesions, labels, generator=draw, dtype=torch.float64) * 3
    positive = (torch.rand(lesions, labels, generator=draw) < 0.3).double()
    reliable = (torch.rand(lesions, labels, generator=draw) < 0.4).double() * (1 - positive)
    return logits, positive, reliable, draw


@quick
@given(SEEDS)
def test_weighted_cross_entropy_with_weights_of_one_is_plain_cross_entropy(seed: int) -> None:
    logits, positive, _, _ = batch(seed)
    one = torch.ones(5, dtype=torch.float64)
    assert torch.isclose(
        weighted_cross_entropy(logits, positive, one, one), F.binary_cross_entropy_with_logits(logits, positive)
    )


def test_each_reduction_divides_the_same_sum() -> None:
    logits, positive, reliable, _ = batch(3)
    weights = torch.rand(5, dtype=torch.float64), torch.rand(5, dtype=torch.float64)
    used = 1 - reliable
    total = weighted_cross_entropy(logits, positive, *weights, used, "sum")
    assert torch.isclose(weighted_cross_entropy(logits, positive, *weights, used), total / 30)
    assert torch.isclose(weighted_cross_entropy(logits, positive, *weights, used, "used"), total / used.sum())


def test_an_ignored_pair_gets_no_gradient() -> None:
    logits, positive, reliable, _ = batch(4)
    logits.requires_grad_()
    one = torch.ones(5, dtype=torch.float64)
    weighted_cross_entropy(logits, positive, one, one, 1 - reliable).backward()
    assert logits.grad is not None
    assert (logits.grad[reliable > 0] == 0).all()
    assert (logits.grad[reliable == 0] != 0).all()


@quick
@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(2, 5))
def test_class_weights_balance_positives_and_negatives_and_do_not_feel_the_size_of_the_data(
    counts: list[int], times: int
) -> None:
    positive = np.arange(50)[:, None] < np.array(counts)[None]
    of_positive, of_negative = class_weights(positive, limit=300)
    actual = positive.sum(axis=0)
    np.testing.assert_allclose(actual * of_positive, 25, rtol=1e-5)
    np.testing.assert_allclose((50 - actual) * of_negative, 25, rtol=1e-5)
    again = class_weights(np.tile(positive, (times, 1)), limit=300)
    np.testing.assert_allclose(again, (of_positive, of_negative), rtol=1e-5)


def test_class_weights_are_clamped_for_positives_only_and_defined_at_the_ends() -> None:
    positive = np.zeros((1000, 3), bool)
    positive[0, 0] = True
    positive[:, 2] = True
    of_positive, of_negative = class_weights(positive, limit=300)
    assert of_positive.tolist() == [300, 300, 0.5]
    assert of_negative.tolist() == pytest.approx([1000 / 1998, 0.5, 0.5])
    assert np.isfinite(class_weights(positive, 300, power=0.5)).all()
    assert class_weights(positive, 300, power=0)[0].tolist() == [1, 1, 1]


@quick
@given(SEEDS)
def test_rhem_gives_no_gradient_outside_the_reliable_pairs(seed: int) -> None:
    logits, positive, reliable, draw = batch(seed)
    for loss in (rhem_expected, lambda *a: rhem_sampled(*a, pairs=500, generator=draw)):
        given_logits = logits.clone().requires_grad_()
        loss(given_logits, positive, reliable).backward()
        assert given_logits.grad is not None
        assert (given_logits.grad[(positive + reliable) == 0] == 0).all()


@quick
@given(SEEDS)
def test_rhem_does_not_depend_on_the_order_of_lesions_or_labels(seed: int) -> None:
    logits, positive, reliable, draw = batch(seed)
    rows, columns = torch.randperm(6, generator=draw), torch.randperm(5, generator=draw)
    moved = [m[rows][:, columns] for m in (logits, positive, reliable)]
    assert torch.isclose(rhem_expected(logits, positive, reliable), rhem_expected(*moved))


def test_closed_form_is_the_expectation_of_the_sampled_loss_and_of_its_gradient() -> None:
    logits, positive, reliable, draw = batch(11, lesions=16, labels=12)
    logits.requires_grad_()
    (expected_gradient,) = torch.autograd.grad(rhem_expected(logits, positive, reliable), logits)
    losses, gradient = [], torch.zeros_like(logits)
    for _ in range(200):
        loss = rhem_sampled(logits, positive, reliable, pairs=2000, generator=draw)
        losses.append(float(loss.detach()))
        gradient += torch.autograd.grad(loss, logits)[0] / 200
    closed = float(rhem_expected(logits, positive, reliable).detach())
    error = np.std(losses, ddof=1) / np.sqrt(200)
    assert abs(np.mean(losses) - closed) < 4 * error
    assert float((gradient - expected_gradient).norm() / expected_gradient.norm()) < 0.02


def test_pairs_are_drawn_in_proportion_to_how_wrong_they_are() -> None:
    logits, positive, reliable, draw = batch(5, lesions=4, labels=3)
    logits.requires_grad_()
    pairs = 200_000
    rhem_sampled(logits, positive, reliable, pairs=pairs, generator=draw).backward()
    assert logits.grad is not None
    # The gradient of one drawn pair is (sigmoid - y) / pairs, so it tells how often the pair was drawn.
    error = torch.sigmoid(logits.detach()) - positive
    drawn = torch.where((positive + reliable) > 0, logits.grad / error * pairs, 0.0)
    share = hardness(logits, positive, reliable)
    expected = share / share.sum() * pairs
    assert float(drawn.sum()) == pytest.approx(pairs)
    assert (torch.abs(drawn - expected) < 5 * expected.sqrt() + 1).all()


@pytest.mark.parametrize("positives", [pytest.param(0.0, id="nothing reliable"), pytest.param(1.0, id="nothing wrong")])
def test_rhem_is_zero_when_there_is_nothing_to_draw_from(positives: float) -> None:
    logits = torch.full((3, 4), 2000.0, requires_grad=True)
    positive, reliable = torch.full((3, 4), positives), torch.zeros(3, 4)
    for loss in (rhem_expected(logits, positive, reliable), rhem_sampled(logits, positive, reliable, pairs=10)):
        loss.backward()
        assert float(loss.detach()) == 0
    assert logits.grad is not None
    assert (logits.grad == 0).all()


def test_gradients_agree_with_finite_differences() -> None:
    logits, positive, _, draw = batch(7)
    logits.requires_grad_()
    weights = torch.rand(2, 5, generator=draw, dtype=torch.float64) + 0.5
    assert torch.autograd.gradcheck(lambda z: weighted_cross_entropy(z, positive, *weights), logits)
    points = torch.randn(6, 4, generator=draw, dtype=torch.float64, requires_grad=True)
    triplets = torch.tensor([[0, 1, 2], [3, 4, 5], [2, 0, 5], [1, 3, 4]])
    assert torch.autograd.gradcheck(lambda e: triplet_loss(F.normalize(e, dim=1), triplets, 2.0), points)


@quick
@given(SEEDS)
def test_triplet_loss_from_all_distances_equals_pytorchs_from_gathered_rows(seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    points = F.normalize(torch.randn(8, 5, generator=draw, dtype=torch.float64), dim=1)
    triplets = torch.stack([torch.randperm(8, generator=draw)[:3] for _ in range(20)])
    anchor, near, far = points[triplets].unbind(1)
    oracle = F.triplet_margin_loss(anchor, near, far, margin=0.1, eps=0)
    assert torch.isclose(triplet_loss(points, triplets, 0.1), oracle, atol=1e-6)


def test_triplet_loss_of_no_triplet_is_zero_and_of_equal_points_the_margin() -> None:
    points = F.normalize(torch.ones(4, 3), dim=1).requires_grad_()
    assert float(triplet_loss(points, torch.zeros((0, 3), dtype=torch.long)).detach()) == 0
    loss = triplet_loss(points, torch.tensor([[0, 1, 2]]), 0.1)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.1)
    assert points.grad is not None
    assert torch.isfinite(points.grad).all()
