"""Series as NIH publishes DeepLesion: a folder of 16-bit PNG slices, pixel value = Hounsfield units + 32,768."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from ingest.images.slice_source import Box, require_spacing
from kg.errors import InputError

HU_OFFSET = 32_768
_KEPT = 8
"""Decoded slices that a series keeps at hand: lesions on one slice follow each other."""


class PngSeries:
    """A folder ``000001_01_01`` with slices ``103.png``, ``104.png``, ... numbered from head to feet.

    Args:
        folder: of the series.
        spacing_mm: of a pixel; PNG files do not say.
        slice_mm: distance of slices; None when unknown.

    Raises:
        InputError: no such folder, no numbered PNG in it, or a spacing that is none.
    """

    def __init__(self, folder: Path | str, spacing_mm: float, slice_mm: float | None = None) -> None:
        where = Path(folder)
        self.name = where.name
        self.spacing_mm, self.slice_mm = require_spacing(self.name, spacing_mm, slice_mm)
        self._files = {int(path.stem): path for path in where.glob("*.png") if path.stem.isdecimal()}
        if not self._files:
            raise InputError(f"{self.name}: no slice such as 103.png in it; give the folder of one series")
        self.numbers = self._files.keys()
        self._decoded = lru_cache(_KEPT)(_decode)

    def hu(self, number: int) -> np.ndarray:
        """One slice, H x W float32.

        Raises:
            InputError: no such slice, truncated, or not a 16-bit greyscale PNG.
        """
        if number not in self._files:
            raise InputError(f"{self.name}: no slice {number}; there are {min(self.numbers)} to {max(self.numbers)}")
        return self._decoded(self._files[number])

    def oriented(self, box: Box) -> Box:
        """The same box: these slices are stored as they are shown."""
        return box


def open_png_series(folder: Path | str, spacing_mm: float, slice_mm: float | None = None) -> PngSeries:
    """See :class:`PngSeries`."""
    return PngSeries(folder, spacing_mm, slice_mm)


def _decode(path: Path) -> np.ndarray:
    shown = f"{path.parent.name}/{path.name}"
    try:
        with Image.open(path, formats=("PNG",)) as image:
            image.verify()  # the checksums, which decoding does not compare
        with Image.open(path, formats=("PNG",)) as image:
            mode = image.mode
            pixels = np.asarray(image, np.int32)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{shown}: cannot be decoded ({type(error).__name__}); it is damaged, truncated or no PNG; copy it again"
        ) from error
    if mode != "I;16" or pixels.ndim != 2:
        raise InputError(f"{shown}: {mode} pixels, not 16-bit greyscale; give the PNG files as NIH publishes them")
    hu = (pixels - HU_OFFSET).astype(np.float32)
    hu.flags.writeable = False
    return hu
