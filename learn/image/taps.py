"""Multi-scale features of a patch: five stages of a convolutional network, each pooled and projected (LesaNet, 4.1).

The first three stages see the lesion through its box; the last two, whose pixels are coarse, see the whole patch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from kg.errors import UsageError
from learn.head import Trunk
from learn.image.recipe import RoiMode
from learn.image.roi import roi_pool

STRIDES = (1, 2, 4, 8, 16)
"""Pixels of the patch for a pixel of each stage's map."""

LESION_STAGES = 3
"""The first stages, which are pooled over the lesion's box; the others over the whole patch."""

CHANNELS = (64, 128, 256, 512, 512)
"""Channels of the stages at full width."""

GRID = 5
"""Bins a side of a pooled map."""


class Stages(NamedTuple):
    """A backbone without its classifier.

    Attributes:
        modules: five stages; stage k turns the map of the one before into one of stride ``STRIDES[k]``.
        channels: of each stage's map.
    """

    modules: Sequence[nn.Module]
    channels: Sequence[int]


def scaled(width: float) -> list[int]:
    """:data:`CHANNELS` times ``width``, at least 4 each."""
    return [max(4, round(channels * width)) for channels in CHANNELS]


class MultiScaleTrunk(Trunk):
    """Five stages; each map is pooled to 5 x 5 and fully connected to ``features`` numbers, which are put together.

    Nothing follows the projection, neither a non-linearity nor dropout: the head is linear in the pooled maps.

    Args:
        stages: the backbone.
        features: dimensions each stage is projected to; :attr:`width` is five times as many.
        mode: how maps are pooled.
        patch_size: pixels a side of the patches.
    """

    whole: Tensor

    def __init__(self, stages: Stages, features: int, mode: RoiMode, patch_size: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages.modules)
        self.projections = nn.ModuleList(nn.Linear(GRID * GRID * n, features) for n in stages.channels)
        self.width = len(STRIDES) * features
        self.mode = mode
        self.patch_size = patch_size
        whole = torch.tensor([[0.0, 0.0, patch_size, patch_size]])
        self.register_buffer("whole", whole, persistent=False)

    def forward(self, patch: Tensor, box: Tensor) -> Tensor:
        """Features of B lesions.

        Args:
            patch: B x 3 x P x P, neighbour towards the head, key slice, neighbour towards the feet
                (:class:`ingest.images.patch.Patch`), as :func:`learn.image.inputs.as_input` gives.
            box: B x 4, x1, y1, x2, y2 of the lesion in patch pixels.

        Returns:
            B x :attr:`width`.

        Raises:
            UsageError: patches of another size than the network was built for.
        """
        size = self.patch_size
        if tuple(patch.shape[1:]) != (3, size, size):
            found = " x ".join(str(n) for n in patch.shape[1:])
            raise UsageError(
                f"patches of {found}: this network takes 3 x {size} x {size}; build the cache to that size"
            )
        whole = self.whole.expand_as(box)
        found_features, maps = [], patch
        for place, (stage, projection) in enumerate(zip(self.stages, self.projections, strict=True)):
            maps = stage(maps)
            seen = box if place < LESION_STAGES else whole
            pooled = roi_pool(maps, seen, 1 / STRIDES[place], GRID, self.mode)
            found_features.append(projection(pooled.flatten(1)))
        return torch.cat(found_features, 1)
