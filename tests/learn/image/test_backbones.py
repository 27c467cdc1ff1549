"""Backbones and trunks of other kinds under one head."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from learn.head import HiddenLayers, LabelNetwork, Trunk
from learn.image.backbones import STAGES, build_trunk
from learn.image.recipe import Backbone, ImageRecipe, RoiMode
from learn.image.taps import STRIDES, scaled

SMALL = ImageRecipe(width=1 / 8, features=16, embedding=8)


def lesions(count: int, size: int) -> tuple[Tensor, Tensor]:
    """Random patches, and one box for all."""
    draw = torch.Generator().manual_seed(count)
    box = torch.tensor([[size * 0.3, size * 0.4, size * 0.6, size * 0.7]])
    return torch.randn(count, 3, size, size, generator=draw), box.expand(count, -1)


def test_every_backbone_a_recipe_can_name_is_built() -> None:
    assert set(STAGES) == set(Backbone)


@pytest.mark.parametrize("backbone", list(Backbone))
@pytest.mark.parametrize("size", [60, 64, 120])
def test_every_backbone_has_five_maps_each_half_as_large_as_the_one_before(backbone: Backbone, size: int) -> None:
    stages = STAGES[backbone](1 / 16)
    maps = torch.zeros(1, 3, size, size)
    assert list(stages.channels) == scaled(1 / 16)
    for stage, channels, stride in zip(stages.modules, stages.channels, STRIDES, strict=True):
        maps = stage(maps)
        assert maps.shape[:2] == (1, channels)
        # An odd map is halved downwards or upwards.
        assert size // stride <= maps.shape[2] == maps.shape[3] <= -(-size // stride)


@pytest.mark.parametrize("backbone", list(Backbone))
@pytest.mark.parametrize(
    "mode", [RoiMode.OFFICIAL, *(pytest.param(m, marks=pytest.mark.slow) for m in RoiMode if m is not RoiMode.OFFICIAL)]
)
def test_every_backbone_learns_under_the_same_head(backbone: Backbone, mode: RoiMode) -> None:
    torch.manual_seed(0)
    trunk = build_trunk(replace(SMALL, backbone=backbone, roi=mode), 60)
    network = LabelNetwork(trunk, 7, 8)
    patch, box = lesions(4, 60)
    wanted = torch.eye(4, 7)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(15):
        out = network(patch, box)
        loss = nn.functional.binary_cross_entropy_with_logits(out.refined, wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    (network(patch, box).refined.sum() + network(patch, box).embedding.sum()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    assert losses[-1] < losses[0] / 3


def test_the_head_is_the_same_over_pixels_metadata_and_a_trunk_of_ones_own() -> None:
    class Box(Trunk):
        """Nothing but the corners of the box."""

        width = 4

        def forward(self, patch: Tensor, box: Tensor) -> Tensor:
            return box

    patch, box = lesions(3, 60)
    over_pixels = LabelNetwork(build_trunk(SMALL, 60), 7, 8)
    over_metadata = LabelNetwork(HiddenLayers(11, 32, 2, 0.0), 7, 8)
    over_box = LabelNetwork(Box(), 7, 8)
    heads = []
    for network, inputs in (
        (over_pixels, (patch, box)),
        (over_metadata, (torch.randn(3, 11),)),
        (over_box, (patch, box)),
    ):
        out = network(*inputs)
        assert [tuple(part.shape) for part in out] == [(3, 7), (3, 7), (3, 8)]
        heads.append({name for name, _ in network.named_parameters() if not name.startswith("trunk.")})
    assert heads[0] == heads[1] == heads[2]


def test_every_backbone_works_in_channels_last_order() -> None:
    patch, box = lesions(2, 60)
    for backbone in Backbone:
        trunk = build_trunk(replace(SMALL, backbone=backbone), 60).eval()
        plain = trunk(patch, box)
        trunk.to(memory_format=torch.channels_last)
        torch.testing.assert_close(trunk(patch.to(memory_format=torch.channels_last), box), plain, atol=1e-4, rtol=1e-4)
