"""The patch around a lesion: three slices of one size and resolution, in Hounsfield units.

The steps are those of the released LesaNet code: neighbours interpolated at a fixed distance above and below the key
slice, one intensity window, bilinear resizing to a fixed resolution, a fixed window around the centre of the lesion's
box, the image's edge repeated beyond it. Only the pixels that the window needs are computed; the result is that of
resizing the whole slice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ingest.images.geometry import STEPS_PER_HU, WINDOW_HU, PatchGeometry
from ingest.images.slice_source import Box, SliceSource, nearest_present
from kg.errors import InputError

_WHOLE = 1e-6
"""A distance this near to a whole number of slices needs no interpolation."""


@dataclass(frozen=True, eq=False)
class Patch:
    """One lesion.

    Attributes:
        hu: 3 x P x P float32, Hounsfield units clipped to the window: the neighbour towards the head, the key slice,
            the neighbour towards the feet.
        box: the lesion's box in patch pixels, shape (4,) float64; not below 0, and beyond P where the lesion overflows.
        substituted: numbers of slices that are missing, where a nearer one was taken.
    """

    hu: np.ndarray
    box: np.ndarray
    substituted: tuple[int, ...] = ()


def extract_patch(source: SliceSource, key_slice: int, box: Box, geometry: PatchGeometry | None = None) -> Patch:
    """Cut the patch of a lesion (LesaNet, section 5.2; DeepLesion's 2018 talk for the slices).

    Args:
        source: the series.
        key_slice: number of the slice that the lesion was marked on.
        box: of the lesion, in stored pixels of that slice.
        geometry: size and resolution; the paper's when None.

    Raises:
        InputError: the key slice is missing, a slice cannot be decoded, or the box is no box on it.
    """
    geometry = geometry or PatchGeometry()
    if key_slice not in source.numbers:
        raise InputError(f"{source.name}: no slice {key_slice}; name the slice that the lesion was marked on")
    key = source.hu(key_slice)
    height, width = key.shape
    x1, y1, x2, y2 = source.oriented(require_box(source.name, box, width, height))
    scale = source.spacing_mm / geometry.spacing_mm
    scale = min(scale, geometry.longest_side / max(height, width))
    scaled = np.array([x1, y1, x2, y2]) * scale
    # The centre is a whole pixel of the resized image; halves go to the even one.
    centre_x, centre_y = round((scaled[0] + scaled[2]) / 2), round((scaled[1] + scaled[3]) / 2)
    columns = _line(centre_x, scale, width, geometry.size)
    rows = _line(centre_y, scale, height, geometry.size)
    cut = (slice(rows.low, rows.high), slice(columns.low, columns.high))

    substituted: list[int] = []
    planes = []
    for side in (-1, 0, 1):
        plane = np.zeros((rows.high - rows.low, columns.high - columns.low))
        for step, weight in _steps(source.slice_mm, geometry.neighbour_mm) if side else ((0, 1.0),):
            wanted = key_slice + side * step
            used = nearest_present(source.numbers, wanted, key_slice)
            if used != wanted:
                substituted.append(wanted)
            found = key if used == key_slice else source.hu(used)
            if found.shape != key.shape:
                raise InputError(f"{source.name}: slice {used} is of another size than slice {key_slice}")
            plane += weight * found[cut]
        planes.append(rows.weights @ np.clip(plane, *WINDOW_HU) @ columns.weights.T)
    middle = np.array([centre_x, centre_y, centre_x, centre_y])
    patch_box = np.maximum(scaled - middle + geometry.size / 2, 0)
    return Patch(np.stack(planes).astype(np.float32), patch_box, tuple(sorted(set(substituted))))


def stored(patch: Patch) -> np.ndarray:
    """The patch as the cache keeps it, 3 x P x P int16 (:data:`ingest.images.geometry.STEPS_PER_HU`)."""
    return np.rint((patch.hu.astype(np.float64) - WINDOW_HU[0]) * STEPS_PER_HU).astype(np.int16)


def require_box(name: str, box: Box, width: int, height: int) -> Box:
    """Check a box against its image. A box may reach over the edge; its centre may not.

    Raises:
        InputError: it is not four numbers, has no area, is upside down, or lies outside.
    """
    x1, y1, x2, y2 = box
    if not all(math.isfinite(value) for value in box):
        raise InputError(f"{name}: the box has a value that is no number; give x1,y1,x2,y2 in pixels")
    if not (x1 < x2 and y1 < y2):
        raise InputError(f"{name}: the box {_shown(box)} has no area or is inverted; give x1 < x2 and y1 < y2")
    if not (0 <= (x1 + x2) / 2 <= width - 1 and 0 <= (y1 + y2) / 2 <= height - 1):
        raise InputError(f"{name}: the box {_shown(box)} lies outside the image of {width} x {height} pixels")
    return box


def _shown(box: Box) -> str:
    return ",".join(f"{value:g}" for value in box)


def _steps(slice_mm: float | None, neighbour_mm: float) -> tuple[tuple[int, float], ...]:
    """Slices away from the key slice, and their weights, that make up a neighbour."""
    if slice_mm is None:
        return ((0, 1.0),)
    distance = neighbour_mm / slice_mm
    if abs(distance - round(distance)) < _WHOLE:
        return ((round(distance), 1.0),)
    share = distance - math.floor(distance)
    return ((math.ceil(distance), share), (math.floor(distance), 1 - share))


@dataclass(frozen=True, eq=False)
class _Line:
    """Along one axis: the source pixels ``low`` to ``high``, and what each adds to each of P patch pixels."""

    low: int
    high: int
    weights: np.ndarray


def _line(centre: int, scale: float, length: int, size: int) -> _Line:
    # Beyond the edge of the resized image its last pixel is repeated; half-pixel centres map back to the source.
    resized = max(1, round(length * scale))
    place = np.clip(np.arange(centre - size // 2, centre + size // 2), 0, resized - 1)
    at = np.clip((place + 0.5) / scale - 0.5, 0, length - 1)
    first = np.minimum(np.floor(at).astype(np.int64), max(length - 2, 0))
    second = np.minimum(first + 1, length - 1)
    low, high = int(first.min()), int(second.max()) + 1
    weights = np.zeros((size, high - low))
    pixel = np.arange(size)
    share = at - first
    np.add.at(weights, (pixel, first - low), 1 - share)
    np.add.at(weights, (pixel, second - low), share)
    return _Line(low, high, weights)
