"""Where the slices of one CT series come from, whatever files they lie in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

import numpy as np

from kg.errors import InputError

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in 0-based pixels of a slice, x to the right and y down."""


class SliceSource(Protocol):
    """One axial CT series. Slice numbers rise from head to feet, one number a slice."""

    @property
    def name(self) -> str:
        """What messages call it; never an identifier of a patient."""
        ...

    @property
    def spacing_mm(self) -> float:
        """Pixel spacing in the slice, the same in x and y."""
        ...

    @property
    def slice_mm(self) -> float | None:
        """Distance of one slice from the next; None when unknown."""
        ...

    @property
    def numbers(self) -> Collection[int]:
        """Numbers of the slices that are there."""
        ...

    def hu(self, number: int) -> np.ndarray:
        """One slice in Hounsfield units, H x W float32; the patient's left is on the right of the image.

        Raises:
            InputError: the slice is not there, or cannot be decoded.
        """
        ...

    def oriented(self, box: Box) -> Box:
        """A box in pixels of the stored slice as a box in pixels of :meth:`hu`."""
        ...


def require_spacing(name: str, spacing_mm: float, slice_mm: float | None) -> tuple[float, float | None]:
    """Check and return the spacing of a series; a slice interval that is NaN or not positive is unknown.

    Raises:
        InputError: the spacing in the slice is no positive number.
    """
    if not 0 < spacing_mm < 100:
        raise InputError(f"{name}: pixel spacing {spacing_mm:g} mm is not a spacing; give the millimetres of a pixel")
    known = slice_mm is not None and 0 < slice_mm < 100
    return float(spacing_mm), float(slice_mm) if known and slice_mm is not None else None


def nearest_present(numbers: Collection[int], wanted: int, key: int) -> int:
    """The slice to use for ``wanted``: itself, or the first one present on the way to the key slice.

    Args:
        numbers: of the slices that are there, the key slice among them.
        wanted: a number.
        key: the key slice.
    """
    step = 1 if wanted < key else -1
    while wanted not in numbers and wanted != key:
        wanted += step
    return wanted
