"""LesaNet's VGG-16: its parameters, its scales, and the same network in torch's own layers, one lesion at a time."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kg.errors import UsageError
from learn.head import LabelNetwork
from learn.image.network import image_network
from learn.image.recipe import ImageRecipe, RoiMode
from learn.image.roi import roi_pool
from learn.image.taps import MultiScaleTrunk, scaled
from learn.image.vgg import vgg_stages

SMALL = ImageRecipe(width=1 / 8, features=16, embedding=8)


def lesions(count: int, size: int) -> tuple[Tensor, Tensor]:
    """Random patches, and boxes inside them."""
    draw = torch.Generator().manual_seed(count + size)
    centre = size / 2 + torch.randn(count, 2, generator=draw)
    half = torch.rand(count, 2, generator=draw) * size / 4 + 2
    return torch.randn(count, 3, size, size, generator=draw), torch.cat([centre - half, centre + half], 1)


def test_lesanet_has_as_many_parameters_as_the_released_network() -> None:
    network = image_network(ImageRecipe(), labels=171, patch_size=120)
    assert sum(p.numel() for p in network.parameters()) == 24_721_615
    stages = network.trunk.stages
    assert isinstance(stages, nn.ModuleList)
    convolutions = [m for m in stages.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 13
    assert sum(p.numel() for m in convolutions for p in m.parameters()) == 14_714_688
    assert network.trunk.width == 1280


@pytest.mark.parametrize("size", [60, 64, 120])
def test_stages_halve_the_patch_four_times(size: int) -> None:
    maps, shapes = torch.zeros(1, 3, size, size), []
    stages = vgg_stages(1 / 16)
    for stage in stages.modules:
        maps = stage(maps)
        shapes.append(tuple(maps.shape[1:]))
    assert list(stages.channels) == scaled(1 / 16) == [4, 8, 16, 32, 32]
    assert shapes == [(n, size >> k, size >> k) for k, n in enumerate(stages.channels)]


@pytest.mark.parametrize("size", [60, 64, 120])
@pytest.mark.parametrize("mode", list(RoiMode))
def test_a_small_network_takes_small_patches_and_learns_from_them(size: int, mode: RoiMode) -> None:
    recipe = ImageRecipe(width=1 / 8, features=16, embedding=8, roi=mode)
    network = image_network(recipe, labels=7, patch_size=size)
    out = network(*lesions(3, size))
    assert [tuple(part.shape) for part in out] == [(3, 7), (3, 7), (3, 8)]
    assert torch.equal(out.score, out.refined)
    torch.testing.assert_close(out.embedding.norm(dim=1), torch.ones(3))
    (out.refined.square().sum() + out.embedding[:, 0].sum()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


def test_the_network_is_what_the_paper_draws() -> None:
    network = image_network(SMALL, labels=7, patch_size=60).eval()
    patch, box = lesions(4, 60)
    whole = torch.tensor([[0.0, 0.0, 60.0, 60.0]]).expand(4, -1)
    state = dict(network.state_dict())
    maps, features = patch, []
    layers = iter(sorted({n.rsplit(".", 1)[0] for n in state if n.startswith("trunk.stages")}, key=_places))
    for stage, convolutions in enumerate((2, 2, 3, 3, 3)):
        if stage:
            maps = F.max_pool2d(maps, 2)
        for _ in range(convolutions):
            name, norm = next(layers), next(layers)
            maps = F.conv2d(maps, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)
            statistics = (state[f"{norm}.running_mean"], state[f"{norm}.running_var"])
            maps = torch.relu(F.batch_norm(maps, *statistics, state[f"{norm}.weight"], state[f"{norm}.bias"]))
        pooled = roi_pool(maps, box if stage < 3 else whole, 0.5**stage).flatten(1)
        name = f"trunk.projections.{stage}"
        features.append(F.linear(pooled, state[f"{name}.weight"], state[f"{name}.bias"]))
    torch.testing.assert_close(network.trunk(patch, box), torch.cat(features, 1))
    assert next(layers, None) is None


def _places(name: str) -> list[int]:
    return [int(part) for part in name.split(".") if part.isdigit()]


def test_coarse_stages_see_the_whole_patch_and_fine_ones_the_lesion() -> None:
    network = image_network(SMALL, labels=7, patch_size=64).eval()
    patch, box = lesions(1, 64)
    moved = box + torch.tensor([[-8.0, 4.0, -8.0, 4.0]])
    changed = (network.trunk(patch, box) != network.trunk(patch, moved)).view(5, -1).any(1)
    assert changed.tolist() == [True, True, True, False, False]


def test_a_lesion_is_judged_the_same_whatever_else_is_in_its_batch() -> None:
    network = image_network(SMALL, labels=7, patch_size=60).eval()
    patch, box = lesions(5, 60)
    box[1] = torch.tensor([0.0, 0.0, 150.0, 90.0])  # larger than the patch
    together = network(patch, box).refined
    alone = torch.cat([network(patch[i : i + 1], box[i : i + 1]).refined for i in range(5)])
    torch.testing.assert_close(together, alone)


def test_no_patch_size_enters_the_weights_but_another_one_than_said_is_refused() -> None:
    network = image_network(SMALL, labels=7, patch_size=60)
    image_network(SMALL, labels=7, patch_size=64).load_state_dict(network.state_dict())
    with pytest.raises(UsageError, match="3 x 64 x 64: this network takes 3 x 60 x 60"):
        network(*lesions(2, 64))


@pytest.mark.parametrize("width", [1 / 64, 0.3, 1.5])
def test_a_multiplier_scales_every_stage_and_leaves_four_channels_at_least(width: float) -> None:
    channels = scaled(width)
    assert min(channels) >= 4
    assert all(a <= b for a, b in pairwise(channels))
    assert channels[-1] == round(512 * width)


def test_bfloat16_autocast_stays_near_float32() -> None:
    network = image_network(SMALL, labels=7, patch_size=60).eval()
    assert isinstance(network, LabelNetwork)
    assert isinstance(network.trunk, MultiScaleTrunk)
    patch, box = lesions(2, 60)
    with torch.autocast("cpu", torch.bfloat16):
        half = network(patch, box).refined
    torch.testing.assert_close(half.float(), network(patch, box).refined, atol=0.05, rtol=0.05)


@pytest.mark.parametrize("mode", list(RoiMode))
def test_the_network_compiles_in_one_piece(mode: RoiMode) -> None:
    network = image_network(
        ImageRecipe(width=1 / 16, features=8, embedding=8, roi=mode), labels=7, patch_size=32
    ).eval()
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    patch, box = lesions(3, 32)
    box[2] = torch.tensor([0.0, 0.0, 70.0, 33.0])
    torch.testing.assert_close(compiled(patch, box).refined, network(patch, box).refined)
