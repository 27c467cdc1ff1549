"""Metadata features: what is known of a lesion without looking at a pixel.

Location in the body, size, the shape of the two measured diameters, how the scan was made and displayed, sex and age.
All of it is there when a lesion is marked, before anybody labels it. The coarse lesion type of DeepLesion is not: it
was given by hand to official validation and test lesions only, and no cohort carries it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg.errors import TrainingError

REQUIRED = ("x", "y", "z", "long_mm", "short_mm")
"""Columns without which nothing is predicted."""

_CLIP = 5.0


@dataclass(frozen=True, eq=False)
class MetadataFeatures:
    """The map from lesion rows to a matrix of features, fitted on training lesions only.

    Attributes:
        frequencies: of the sine and cosine features of location.
        midline: whether features of the distance from the midline are added.
        centre: mean of each raw column over training lesions, shape (R,).
        scale: standard deviation of each raw column, 1 where the column is constant, shape (R,).
        fill: median of each raw column, taken where a value is unknown, shape (R,).
    """

    frequencies: tuple[float, ...]
    midline: bool
    centre: np.ndarray
    scale: np.ndarray
    fill: np.ndarray

    @classmethod
    def fit(cls, table: pa.Table, frequencies: Sequence[float], midline: bool) -> MetadataFeatures:
        """Means, deviations and medians of training lesions.

        Raises:
            TrainingError: no lesion, or one without location or size.
        """
        if table.num_rows == 0:
            raise TrainingError("metadata features: no training lesion has metadata; load DL_info.csv and freeze again")
        raw = raw_columns(table)
        known = ~np.isnan(raw)
        # A column that no training lesion has is constant: zero everywhere.
        fill = np.array([np.median(c[k]) if k.any() else 0.0 for c, k in zip(raw.T, known.T, strict=True)])
        filled = np.where(known, raw, fill)
        scale = filled.std(axis=0)
        return cls(tuple(frequencies), midline, filled.mean(axis=0), np.where(scale > 1e-12, scale, 1.0), fill)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the F features, in column order."""
        coordinates = (*LOCATION, "midline") if self.midline else LOCATION
        waves = [f"{w} {f:g} {c}" for f in self.frequencies for w in ("sin", "cos") for c in coordinates]
        return (*RAW_NAMES, *(("midline",) if self.midline else ()), *waves)

    def transform(self, table: pa.Table) -> np.ndarray:
        """Features of N lesions, N x F float32.

        Raw columns are standardised and clipped to 5 deviations; an unknown value becomes the training median. Location
        enters once more through sines and cosines, so that a smooth network can draw the sharp borders between organs.

        Raises:
            TrainingError: a lesion has no location or size.
        """
        raw = raw_columns(table)
        raw = np.where(np.isnan(raw), self.fill, raw)
        parts = [np.clip((raw - self.centre) / self.scale, -_CLIP, _CLIP)]
        location = raw[:, : len(LOCATION)]
        if self.midline:
            off = np.abs(location[:, :1] - 0.5)
            parts.append((off - 0.125) / 0.1)
            location = np.concatenate([location, off], axis=1)
        for frequency in self.frequencies:
            angle = 2 * np.pi * frequency * location
            parts += [np.sin(angle), np.cos(angle)]
        return np.concatenate(parts, axis=1).astype(np.float32)


LOCATION = ("x", "y", "z")
RAW_NAMES = (
    *LOCATION,
    "log long diameter",
    "log short diameter",
    "log diameter ratio",
    "cos 2 angle",
    "sin 2 angle",
    "log box aspect",
    "window low",
    "window high",
    "log window width",
    "pixel spacing",
    "log slice interval",
    "field of view",
    "log slices shown",
    "place in slices shown",
    "log extent shown",
    "depth in series",
    "log key slice",
    "offset from image centre, x",
    "offset from image centre, y",
    "male",
    "age",
)
"""Raw columns, R in all. The angle is that of the long diameter in the slice; doubled, as an axis has no direction."""


def raw_columns(table: pa.Table) -> np.ndarray:
    """Raw columns of N lesions, N x R float64, NaN where unknown.

    Args:
        table: rows with the columns of :data:`kg.cohort.COHORT_SCHEMA`; only metadata columns are read.

    Raises:
        TrainingError: a column is missing, or a lesion has no location or size.
    """
    for name in REQUIRED:
        lacking = _column(table, name).null_count
        if lacking:
            raise TrainingError(
                f"metadata features: {lacking} of {table.num_rows} lesions have no {name}; "
                "leave out lesions whose location or size is unknown"
            )
    x, y, z, long_mm, short_mm, spacing, interval, key, age = (
        _numbers(table, name)
        for name in ("x", "y", "z", "long_mm", "short_mm", "spacing_mm", "slice_mm", "key_slice", "age")
    )
    left, top, right, bottom = _elements(table, "box", 4)
    x1, y1, x2, y2 = _elements(table, "measurement", 8)[:4]
    low, high = _elements(table, "window", 2)
    first, last = _elements(table, "slice_range", 2)
    image_width, image_height = _elements(table, "image_size", 2)
    angle = 2 * np.arctan2(y2 - y1, x2 - x1)
    sex = np.array([{"M": 1.0, "F": 0.0}.get(s, np.nan) for s in _column(table, "sex").to_pylist()])
    # Boxes end 5 px beyond the diameters on each side (spec of the data set); the aspect is that of the diameters.
    box_width, box_height = right - left - 10, bottom - top - 10
    shown = last - first
    columns = (
        x,
        y,
        z,
        _log(long_mm),
        _log(short_mm),
        _log(long_mm) - _log(short_mm),
        np.cos(angle),
        np.sin(angle),
        _log(np.maximum(box_width, 1)) - _log(np.maximum(box_height, 1)),
        low,
        high,
        _log(high - low),
        spacing,
        _log(interval),
        spacing * image_width,
        _log(shown + 1),
        np.divide(key - first, shown, out=np.full(len(x), np.nan), where=shown > 0),
        _log(shown * interval),
        key * interval,
        _log(key + 1),
        ((left + right) / 2 - image_width / 2) * spacing,
        ((top + bottom) / 2 - image_height / 2) * spacing,
        sex,
        age,
    )
    return np.stack(columns, axis=1)


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise TrainingError(f"metadata features: the lesion table has no column {name}; freeze the cohort again")
    return table[name]


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    return np.asarray(_column(table, name).cast(pa.float64()).to_numpy(), np.float64)


def _elements(table: pa.Table, name: str, size: int) -> list[np.ndarray]:
    column = _column(table, name)
    lengths = pc.unique(pc.list_value_length(column)).to_pylist()
    if any(length not in (None, size) for length in lengths):
        raise TrainingError(f"metadata features: {name} must have {size} numbers for each lesion; load the file again")
    return [np.asarray(pc.list_element(column, k).cast(pa.float64()).to_numpy(), np.float64) for k in range(size)]


def _log(values: np.ndarray) -> np.ndarray:
    """Natural logarithm; NaN, that is unknown, where a length is not positive."""
    return np.asarray(np.log(values, out=np.full(len(values), np.nan), where=values > 0))
