"""Changes to patches while training: another window, another intensity, the mirror image.

Every draw is a function of seed, epoch and lesion alone, so that a training that was interrupted repeats none and
skips none. A mirror image has other labels: :class:`learn.image.examples.Examples` holds those too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional as F

from ingest.images.geometry import WINDOW_HU
from learn.image.inputs import WINDOW_WIDTH, as_input
from learn.image.seeds import generator

SHIFT = 0.06
"""Largest shift of the window in x and in y, as a share of its side: 7 mm of 120."""

SCALE = 1.1
"""Largest factor by which the window grows or shrinks. Small: some labels speak of size."""

OFFSET_HU = 10.0
"""Largest change of all intensities, in HU. Small: fat, fluid and soft tissue are told apart by tens of HU."""

CONTRAST = 0.03
"""Largest relative change of the distance from water (0 HU)."""


@dataclass(frozen=True, eq=False)
class Draws:
    """One set of changes for each of B lesions.

    Attributes:
        flip: B bool, mirror the patch left to right.
        shift: B x 2, of the window's centre in x and y, in shares of its side.
        scale: B, side of the new window relative to the old one.
        offset: B, added to intensities, in HU.
        contrast: B, factor on HU.
    """

    flip: Tensor
    shift: Tensor
    scale: Tensor
    offset: Tensor
    contrast: Tensor

    @classmethod
    def of_epoch(cls, lesions: int, seed: int, epoch: int) -> Draws:
        """Draws for all N lesions of an epoch; row n belongs to lesion n."""
        drawn = torch.rand((lesions, 6), generator=generator(seed, "augmentation", epoch)) * 2 - 1
        return cls(
            flip=drawn[:, 0] > 0,
            shift=drawn[:, 1:3] * SHIFT,
            scale=SCALE ** drawn[:, 3],
            offset=drawn[:, 4] * OFFSET_HU,
            contrast=1 + drawn[:, 5] * CONTRAST,
        )

    def take(self, rows: Tensor, may_flip: Tensor) -> Draws:
        """The draws of some lesions; those that may not be flipped (``may_flip``, N bool) are not."""
        flip = self.flip[rows] & may_flip[rows]
        return Draws(flip, self.shift[rows], self.scale[rows], self.offset[rows], self.contrast[rows])

    def to(self, device: torch.device) -> Draws:
        """The same on a device."""
        return Draws(*(getattr(self, part.name).to(device, non_blocking=True) for part in fields(self)))


def augment(patches: Tensor, boxes: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """Resample patches and move their boxes with them.

    Beyond the edge the patch's last pixel is repeated, as in pre-processing.

    Args:
        patches: B x 3 x P x P network input (:func:`learn.image.inputs.as_input`).
        boxes: B x 4, x1, y1, x2, y2 in pixel centres: 0 is the centre of the first pixel.
        draws: of the B lesions.

    Returns:
        Patches and boxes of the same shapes; boxes not below 0, as pre-processing leaves them.
    """
    sign = 1 - 2 * draws.flip.to(patches.dtype)
    # A pixel of the result is `step` pixels of the patch from the next one, and the flip walks x backwards.
    step = torch.stack([draws.scale * sign, draws.scale], dim=1)
    theta = torch.diag_embed(step)
    grid = F.affine_grid(torch.cat([theta, 2 * draws.shift[:, :, None]], dim=2), list(patches.shape), False)
    moved = F.grid_sample(patches, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return _with_intensity(moved, draws), _moved_boxes(boxes, step, draws.shift, patches.shape[-1])


def _moved_boxes(boxes: Tensor, step: Tensor, shift: Tensor, size: int) -> Tensor:
    middle = (size - 1) / 2
    corners = (boxes.view(-1, 2, 2) - middle - shift[:, None] * size) / step[:, None] + middle
    moved: Tensor = torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)
    return moved.clamp_min(0)


def _with_intensity(patches: Tensor, draws: Draws) -> Tensor:
    low, high = as_input(torch.tensor([0, 32760], dtype=torch.int16)).tolist()
    # Input is linear in HU: water lies a share -WINDOW_HU[0] / WINDOW_WIDTH above the low end.
    water = low - WINDOW_HU[0] / WINDOW_WIDTH * (high - low)
    offset = draws.offset / WINDOW_WIDTH * (high - low)
    changed: Tensor = (patches - water) * draws.contrast[:, None, None, None] + water + offset[:, None, None, None]
    return changed.clamp(low, high)
