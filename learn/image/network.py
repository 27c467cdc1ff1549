"""LesaNet over CT patches."""

from __future__ import annotations

import torch

from learn.head import LabelNetwork
from learn.image.backbones import build_trunk
from learn.image.recipe import ImageRecipe


def image_network(recipe: ImageRecipe, labels: int, patch_size: int) -> LabelNetwork:
    """A network as training starts from it: random weights (no ImageNet), score propagation the identity.

    Equal recipes give equal weights, bit for bit; the process's random state is left as it was.

    Args:
        recipe: backbone, sizes, mode of pooling and seed.
        labels: C.
        patch_size: P, pixels a side of the patches; 120 in the paper.

    Returns:
        A network whose ``forward`` takes patches B x 3 x P x P and boxes B x 4, both float32.
    """
    with torch.random.fork_rng(devices=[]):
        # The CPU's generator alone: torch.manual_seed would set those of every GPU too.
        torch.default_generator.manual_seed(recipe.seed)
        return LabelNetwork(build_trunk(recipe, patch_size), labels, recipe.embedding)
