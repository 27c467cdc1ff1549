"""Which backbone is under the head. All are pooled and projected by one trunk; the head does not know which it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from learn.image.convnext import convnext_stages
from learn.image.recipe import Backbone, ImageRecipe
from learn.image.resnet import resnet_stages
from learn.image.taps import MultiScaleTrunk, Stages
from learn.image.vgg import vgg_stages

STAGES: Mapping[Backbone, Callable[[float], Stages]] = {
    Backbone.VGG16: vgg_stages,
    Backbone.RESNET: resnet_stages,
    Backbone.CONVNEXT: convnext_stages,
}
"""What builds the five stages of each backbone from a multiplier on its channels."""


def build_trunk(recipe: ImageRecipe, patch_size: int) -> MultiScaleTrunk:
    """The trunk of a recipe, with PyTorch's default initial weights from the process's random state.

    Args:
        recipe: backbone, width, features and mode of pooling.
        patch_size: pixels a side of the patches.
    """
    return MultiScaleTrunk(STAGES[recipe.backbone](recipe.width), recipe.features, recipe.roi, patch_size)
