"""Asymmetric loss, soft bootstrapping and WARP: the identities of the specification, section 6."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from kg.matrices import RelationMatrices
from kg.shipped import load_shipped
from learn.image.recipe import ImageRecipe, Objective
from learn.losses import weighted_cross_entropy
from learn.objectives import asymmetric_loss, bootstrap_loss, classification_loss, warp_loss

SEEDS = st.integers(0, 2**31 - 1)
quick = settings(max_examples=40, deadline=None)

CHAIN = torch.tensor([[0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 1, 0]])
"""Ancestors of five labels: 2 under 1 under 0, and 4 under 3."""


def batch(seed: int, lesions: int = 6, labels: int = 5) -> tuple[Tensor, Tensor, Tensor, torch.Generator]:
    """Random logits, positives and used pairs."""
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(lesions, labels, generator=draw, dtype=torch.float64) * 3
    positive = (torch.rand(lesions, labels, generator=draw) < 0.4).double()
    used = (torch.rand(lesions, labels, generator=draw) < 0.8).double()
    return logits, positive, used, draw


def gradient(loss: Tensor, logits: Tensor) -> Tensor:
    return torch.autograd.grad(loss, logits)[0]


def warp_by_loop(logits: Tensor, positive: Tensor, ancestors: Tensor, used: Tensor) -> float:
    """The definition, one pair of labels at a time."""
    total, count = 0.0, 0
    for s, y, u in zip(logits.tolist(), positive.tolist(), used.tolist(), strict=True):
        for p in (c for c in range(len(s)) if y[c] and u[c]):
            rivals = [n for n in range(len(s)) if u[n] and (not y[n] or ancestors[p, n])]
            rank = sum(s[n] > s[p] - 1 for n in rivals)
            short = sum(max(0.0, 1 - s[p] + s[n]) for n in rivals)
            total += sum(1 / k for k in range(1, rank + 1)) / max(rank, 1) * short
            count += 1
    return total / max(count, 1)


@quick
@given(SEEDS)
def test_the_asymmetric_loss_with_all_settings_at_zero_is_cross_entropy(seed: int) -> None:
    logits, positive, used, _ = batch(seed)
    one = torch.ones(5, dtype=torch.float64)
    assert torch.isclose(
        asymmetric_loss(logits, positive, 0, 0, 0, used),
        weighted_cross_entropy(logits, positive, one, one, used, "sum") / len(logits),
    )


@quick
@given(SEEDS, st.floats(0, 4), st.floats(0, 4), st.floats(0, 0.5))
def test_the_asymmetric_loss_is_what_its_formula_says(seed: int, up: float, down: float, shift: float) -> None:
    logits, positive, _, _ = batch(seed)
    p = torch.sigmoid(logits)
    q = (p - shift).clamp_min(0)
    plain = -(positive * (1 - p) ** up * p.log() + (1 - positive) * q**down * (1 - q).log()).sum() / len(logits)
    assert torch.isclose(asymmetric_loss(logits, positive, up, down, shift), plain)


@pytest.mark.parametrize("focus", [pytest.param(f, id=f"exponent {f}") for f in (0.0, 0.5, 1.0, 4.0)])
@pytest.mark.parametrize("shift", [pytest.param(s, id=f"shift {s}") for s in (0.0, 0.05)])
def test_the_asymmetric_loss_is_finite_however_sure_the_network_is(focus: float, shift: float) -> None:
    logits = torch.tensor([[-2000.0, -60.0, 0.0, 60.0, 2000.0]] * 2, requires_grad=True)
    positive = torch.tensor([[0.0] * 5, [1.0] * 5])
    loss = asymmetric_loss(logits, positive, focus, focus, shift)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient(loss, logits)).all()


def test_a_negative_below_the_shift_costs_nothing_and_one_above_it_is_pushed_down() -> None:
    logits = torch.logit(torch.tensor([[0.04, 0.06, 0.9]])).requires_grad_()
    pull = gradient(asymmetric_loss(logits, torch.zeros(1, 3), 1, 4, 0.05), logits)[0]
    assert pull[0] == 0
    assert 0 < pull[1] < pull[2]


@quick
@given(SEEDS)
def test_bootstrapping_with_the_given_label_only_is_weighted_cross_entropy(seed: int) -> None:
    logits, positive, used, draw = batch(seed)
    weights = torch.rand(2, 5, generator=draw, dtype=torch.float64) + 0.5
    assert torch.isclose(
        bootstrap_loss(logits, positive, *weights, 1.0, used), weighted_cross_entropy(logits, positive, *weights, used)
    )


@quick
@given(SEEDS, st.floats(0.1, 1))
def test_bootstrapping_is_cross_entropy_and_the_entropy_of_the_belief(seed: int, share: float) -> None:
    logits, positive, _, _ = batch(seed)
    logits.requires_grad_()
    one = torch.ones(5, dtype=torch.float64)
    loss = bootstrap_loss(logits, positive, one, one, share)
    belief = torch.sigmoid(logits)
    entropy = F.binary_cross_entropy(belief, belief)
    assert torch.isclose(loss, share * F.binary_cross_entropy(belief, positive) + (1 - share) * entropy)
    expected = share * (belief - positive) - (1 - share) * logits * belief * (1 - belief)
    torch.testing.assert_close(gradient(loss, logits), expected / logits.numel())


def test_without_a_gradient_through_the_target_nothing_but_a_smaller_cross_entropy_would_be_left() -> None:
    logits, positive, _, _ = batch(8)
    logits.requires_grad_()
    one = torch.ones(5, dtype=torch.float64)
    plain = gradient(weighted_cross_entropy(logits, positive, one, one), logits)
    target = (0.9 * positive + 0.1 * torch.sigmoid(logits)).detach()
    held = gradient(F.binary_cross_entropy_with_logits(logits, target), logits)
    torch.testing.assert_close(held, 0.9 * plain)
    assert not torch.allclose(gradient(bootstrap_loss(logits, positive, one, one, 0.9), logits), 0.9 * plain)


@quick
@given(SEEDS)
def test_warp_equals_the_loop_over_pairs_of_labels(seed: int) -> None:
    logits, positive, used, _ = batch(seed)
    expected = warp_by_loop(logits, positive, CHAIN, used)
    assert float(warp_loss(logits, positive, CHAIN, used)) == pytest.approx(expected)
    everything = torch.ones_like(used)
    expected = warp_by_loop(logits, positive, CHAIN, everything)
    assert float(warp_loss(logits, positive, CHAIN)) == pytest.approx(expected)


def test_warp_on_the_relations_of_the_real_labels_equals_the_loop() -> None:
    matrices = RelationMatrices.from_ontology(load_shipped("lesanet-repaired"), "lesanet-171")
    ancestors = torch.from_numpy(matrices.ancestors.toarray())
    draw = np.random.default_rng(0)
    positive = torch.from_numpy(matrices.expand(draw.random((4, matrices.size)) < 0.02).toarray()).double()
    assert (positive @ ancestors.T.double() * positive).any()
    logits = torch.from_numpy(draw.normal(size=positive.shape))
    expected = warp_by_loop(logits, positive, ancestors, torch.ones_like(positive))
    assert float(warp_loss(logits, positive, ancestors)) == pytest.approx(expected)


@quick
@given(SEEDS, st.floats(-50, 50))
def test_warp_does_not_feel_a_shift_of_all_scores(seed: int, shift: float) -> None:
    logits, positive, used, _ = batch(seed)
    moved = warp_loss(logits + shift, positive, CHAIN, used)
    assert torch.isclose(moved, warp_loss(logits, positive, CHAIN, used))


def test_warp_is_zero_exactly_when_every_margin_holds() -> None:
    positive = torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.0]])
    held = torch.tensor([[1.0, 2.0, 0.0, 0.0, -3.0]])
    assert warp_loss(held, positive, CHAIN) == 0
    for label, broken in ((0, 0.99), (1, 1.99), (2, 0.01), (4, 0.01)):
        logits = held.clone()
        logits[0, label] = broken
        assert warp_loss(logits, positive, CHAIN) > 0


def test_warp_counts_the_first_violation_in_full_and_later_ones_as_a_harmonic_series() -> None:
    positive = torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0]])
    losses = [
        float(warp_loss(torch.tensor([[0.0] + [0.0] * n + [-5.0] * (4 - n)]), positive, torch.zeros(5, 5)))
        for n in range(5)
    ]
    assert losses == pytest.approx([0, 1, 3 / 2, 11 / 6, 25 / 12])


def test_a_child_is_pushed_above_its_positive_ancestor_and_no_other_positive() -> None:
    logits = torch.zeros(1, 5, requires_grad=True)
    positive = torch.tensor([[1.0, 1.0, 0.0, 1.0, 0.0]])
    used = torch.tensor([[1.0, 1.0, 0.0, 1.0, 0.0]])
    pull = gradient(warp_loss(logits, positive, CHAIN, used), logits)[0]
    torch.testing.assert_close(pull, torch.tensor([1 / 3, -1 / 3, 0, 0, 0]))


@pytest.mark.parametrize("objective", list(Objective))
def test_an_ignored_pair_gets_no_gradient_whatever_the_objective(objective: Objective) -> None:
    logits, positive, used, draw = batch(4)
    logits.requires_grad_()
    weights = torch.rand(2, 5, generator=draw, dtype=torch.float64) + 0.5
    recipe = replace(ImageRecipe(), objective=objective)
    loss = classification_loss(recipe, logits, positive, used, (weights[0], weights[1]), CHAIN)
    pull = gradient(loss, logits)
    assert (pull[used == 0] == 0).all()
    assert (pull[used > 0] != 0).any()


@pytest.mark.parametrize("objective", list(Objective))
def test_gradients_of_every_objective_agree_with_finite_differences(objective: Objective) -> None:
    logits, positive, used, draw = batch(12)
    logits.requires_grad_()
    weights = torch.rand(2, 5, generator=draw, dtype=torch.float64) + 0.5
    recipe = replace(ImageRecipe(), objective=objective)
    assert torch.autograd.gradcheck(
        lambda z: classification_loss(recipe, z, positive, used, (weights[0], weights[1]), CHAIN), logits
    )


@pytest.mark.parametrize("objective", list(Objective))
def test_every_objective_is_zero_on_a_batch_with_nothing_used(objective: Objective) -> None:
    logits, positive, used, _ = batch(4)
    logits.requires_grad_()
    one = torch.ones(5, dtype=torch.float64)
    recipe = replace(ImageRecipe(), objective=objective)
    loss = classification_loss(recipe, logits, positive, 0 * used, (one, one), CHAIN)
    assert float(loss.detach()) == 0
    assert (gradient(loss, logits) == 0).all()
