"""RoI pooling in plain PyTorch: one box for each image, no compiled extension, no loop over lesions.

Three ways (:class:`learn.image.recipe.RoiMode`), n = 5 bins a side by default, for a box x1, y1, x2, y2 in pixels of
the patch and a feature map that is ``scale`` times as large as the patch:

* ``OFFICIAL``, RoIPool as the released network used it. Corners are ``coordinate * scale`` rounded, halves away from
  0. The box has ``w = max(end - start + 1, 1)`` columns, its end included; bin i covers columns
  ``start + floor(i w / n)`` to ``start + ceil((i + 1) w / n)``, end excluded, as far as they lie on the map. Each bin
  gives its largest value, and 0 when nothing of it lies on the map.
* ``TIGHT``: the same on the part of the box that lies on the map, its end excluded, so that no bin is empty.
* ``ALIGN``, RoIAlign on the part of the box that lies on the map: nothing is rounded, and each bin gives the mean of
  :data:`SAMPLES` x :data:`SAMPLES` evenly spaced bilinear samples, whatever its size. Pixel x of the patch, whose
  centre is x, lies at ``(x + 0.5) * scale - 0.5`` on the map.
"""

from __future__ import annotations

import torch
from torch import Tensor

from learn.image.recipe import RoiMode

SAMPLES = 4
"""Samples of a bin in x and in y, in the mode ``ALIGN``."""


def roi_pool(features: Tensor, boxes: Tensor, scale: float, size: int = 5, mode: RoiMode = RoiMode.OFFICIAL) -> Tensor:
    """Pool the box of each image to a grid of one fixed size.

    Args:
        features: B x C x H x W, map of a patch.
        boxes: B x 4, x1, y1, x2, y2 in pixels of the patch, x1 <= x2 and y1 <= y2; they may reach beyond the map.
        scale: pixels of the map for a pixel of the patch, for example 1/4.
        size: n, bins a side.
        mode: how.

    Returns:
        B x C x n x n, rows before columns.
    """
    if mode is RoiMode.ALIGN:
        columns = _sample_weights(boxes[:, 0], boxes[:, 2], scale, features.shape[3], size).to(features.dtype)
        rows = _sample_weights(boxes[:, 1], boxes[:, 3], scale, features.shape[2], size).to(features.dtype)
        return rows[:, None] @ (features @ columns[:, None].mT)
    columns_from, columns_to = _bins(boxes[:, 0], boxes[:, 2], scale, features.shape[3], size, mode)
    rows_from, rows_to = _bins(boxes[:, 1], boxes[:, 3], scale, features.shape[2], size, mode)
    value = features.flatten(2).gather(2, _largest(features.detach(), rows_from, rows_to, columns_from, columns_to))
    empty = (rows_to <= rows_from)[:, :, None] | (columns_to <= columns_from)[:, None, :]
    return value.view(*features.shape[:2], size, size).masked_fill(empty[:, None], 0)


def _bins(low: Tensor, high: Tensor, scale: float, length: int, size: int, mode: RoiMode) -> tuple[Tensor, Tensor]:
    """First and one past the last index of each bin along an axis of ``length``, each B x n; equal where empty."""
    start, end = _rounded(low * scale), _rounded(high * scale)
    if mode is RoiMode.OFFICIAL:
        end = end + 1
    else:
        start, end = start.clamp(0, length - 1), end.clamp(0, length)
    width = (end - start).clamp_min(1)[:, None]
    bin_ = torch.arange(size, device=low.device)
    first = start[:, None] + torch.div(bin_ * width, size, rounding_mode="floor")
    past = start[:, None] + torch.div((bin_ + 1) * width + size - 1, size, rounding_mode="floor")
    return first.clamp(0, length), past.clamp(0, length)


def _rounded(value: Tensor) -> Tensor:
    """Nearest integer, halves away from 0."""
    whole = value.abs().floor()
    return (torch.sign(value) * (whole + (value.abs() - whole >= 0.5).to(value.dtype))).long()


def _largest(features: Tensor, rows_from: Tensor, rows_to: Tensor, columns_from: Tensor, columns_to: Tensor) -> Tensor:
    """Where the largest value of each bin is: B x C x (n * n) positions on the flattened map; anywhere where empty.

    Two passes: the rows of each bin are gathered and their maximum taken, then the columns of each bin. No gradient
    flows here; the caller gathers the found values, so that training keeps n * n positions of each map and no copies
    of it.
    """
    batch, channels, height, width = features.shape
    size = rows_from.shape[1]
    # A compiled or exported network needs one length for every batch, and bins are as long as the map at worst.
    fixed = torch.compiler.is_compiling()
    longest = max(height, width) if fixed else int(torch.maximum(rows_to - rows_from, columns_to - columns_from).max())
    longest = max(longest, 1)
    rows, columns = _members(rows_from, rows_to, height, longest), _members(columns_from, columns_to, width, longest)
    # Whole lines of the map are copied, which is far quicker than one element at a time.
    line = torch.arange(batch * channels, device=features.device).view(batch, channels, 1) * height
    across = (line + rows.view(batch, 1, -1)).flatten()
    lines = features.reshape(-1, width).index_select(0, across)
    highest = lines.view(batch, channels, size, longest, width).amax(3)
    along = columns.view(batch, 1, 1, -1).expand(-1, channels, size, -1)
    best = highest.gather(3, along).view(batch, channels, size, size, longest).argmax(4, keepdim=True)
    column = columns.view(batch, 1, 1, size, longest).expand(-1, channels, size, -1, -1).gather(4, best)
    # The row is looked for in the winning column only: far fewer than the rows of the whole map.
    positions = rows.view(batch, 1, size, 1, longest) * width + column
    values = features.flatten(2).gather(2, positions.flatten(2)).view_as(positions)
    return positions.gather(4, values.argmax(4, keepdim=True)).flatten(2)


def _members(first: Tensor, past: Tensor, length: int, longest: int) -> Tensor:
    """B x n x ``longest`` indices of each bin; a shorter bin repeats its last one, an empty one holds any."""
    offset = torch.arange(longest, device=first.device)
    return torch.minimum(first[..., None] + offset, past[..., None] - 1).clamp(0, length - 1)


def _sample_weights(low: Tensor, high: Tensor, scale: float, length: int, size: int) -> Tensor:
    """What each of ``length`` indices adds to each bin, B x n x ``length``: the mean of its samples' linear weights."""
    low, high = low.clamp(0.0, length / scale), high.clamp(0.0, length / scale)
    share = (torch.arange(size * SAMPLES, dtype=low.dtype, device=low.device) + 0.5) / (size * SAMPLES)
    pixel = low[:, None] + (high - low)[:, None] * share
    place = ((pixel + 0.5) * scale - 0.5).clamp(0, length - 1)
    distance = (place[..., None] - torch.arange(length, device=low.device)).abs()
    return (1 - distance).clamp_min(0).view(-1, size, SAMPLES, length).mean(2)
