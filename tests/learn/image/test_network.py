"""LesaNet's initial weights: from the recipe's seed alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from learn.image.network import image_network
from learn.image.recipe import Backbone, ImageRecipe

SMALL = ImageRecipe(width=1 / 16, features=8, embedding=8)


@pytest.mark.parametrize("backbone", list(Backbone))
def test_equal_seeds_give_equal_weights_and_others_do_not_whatever_the_process_drew_before(backbone: Backbone) -> None:
    recipe = replace(SMALL, backbone=backbone)
    torch.manual_seed(1)
    first = image_network(recipe, 7, 60).state_dict()
    torch.manual_seed(2)
    second = image_network(recipe, 7, 60).state_dict()
    other = image_network(replace(recipe, seed=5), 7, 60).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["score.weight"], other["score.weight"])


def test_the_random_state_of_the_process_is_left_as_it_was() -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    image_network(SMALL, 7, 60)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_score_propagation_starts_as_the_identity() -> None:
    network = image_network(SMALL, 7, 60)
    assert torch.equal(network.propagation.weight, torch.eye(7))
    assert (network.propagation.bias == 0).all()
