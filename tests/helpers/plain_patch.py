"""A slow, plain patch: every step of the released pre-processing, pixel by pixel, on whole slices."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np


def plain_patch(
    slices: Mapping[int, np.ndarray],
    key: int,
    box: tuple[float, float, float, float],
    spacing_mm: float,
    slice_mm: float | None,
    size: int = 120,
    patch_mm: float = 1.0,
    longest: int = 800,
) -> tuple[np.ndarray, np.ndarray]:
    """Patch in HU (3 x size x size float64) and box of a lesion.

    Args:
        slices: whole slices in HU by number, every one that is needed.
        key: number of the key slice.
        box: 0-based pixels.
        spacing_mm: of a pixel.
        slice_mm: interval; None for three copies of the key slice.
        size: pixels a side.
        patch_mm: millimetres of a patch pixel.
        longest: cap on the resized image's longer side.
    """
    neighbours = []
    for side in (-1, 0, 1):
        if side == 0 or slice_mm is None:
            neighbours.append(slices[key].astype(np.float64))
            continue
        steps = 2.0 / slice_mm
        share = steps - math.floor(steps)
        if share == 0:
            neighbours.append(slices[key + side * int(steps)].astype(np.float64))
        else:
            far, near = slices[key + side * math.ceil(steps)], slices[key + side * math.floor(steps)]
            neighbours.append(share * far.astype(np.float64) + (1 - share) * near.astype(np.float64))
    clipped = [np.clip(plane, -1024, 3071) for plane in neighbours]

    height, width = clipped[0].shape
    scale = min(spacing_mm / patch_mm, longest / max(height, width))
    new_height, new_width = round(height * scale), round(width * scale)
    resized = [_resized(plane, scale, new_height, new_width) for plane in clipped]

    scaled = [value * scale for value in box]
    centre_x, centre_y = round((scaled[0] + scaled[2]) / 2), round((scaled[1] + scaled[3]) / 2)
    out = np.zeros((3, size, size))
    for channel, plane in enumerate(resized):
        for y in range(size):
            for x in range(size):
                row = min(max(centre_y - size // 2 + y, 0), new_height - 1)
                column = min(max(centre_x - size // 2 + x, 0), new_width - 1)
                out[channel, y, x] = plane[row, column]
    centre = (centre_x, centre_y, centre_x, centre_y)
    moved = [max(0.0, value - middle + size / 2) for value, middle in zip(scaled, centre, strict=True)]
    return out, np.array(moved)


def _resized(plane: np.ndarray, scale: float, new_height: int, new_width: int) -> np.ndarray:
    """Bilinear, half-pixel centres, the border repeated."""
    height, width = plane.shape
    out = np.zeros((new_height, new_width))
    for y in range(new_height):
        at_y = min(max((y + 0.5) / scale - 0.5, 0), height - 1)
        y0 = math.floor(at_y)
        y1 = min(y0 + 1, height - 1)
        above = plane[y0] * (1 - (at_y - y0)) + plane[y1] * (at_y - y0)
        for x in range(new_width):
            at_x = min(max((x + 0.5) / scale - 0.5, 0), width - 1)
            x0 = math.floor(at_x)
            x1 = min(x0 + 1, width - 1)
            out[y, x] = above[x0] * (1 - (at_x - x0)) + above[x1] * (at_x - x0)
    return out
