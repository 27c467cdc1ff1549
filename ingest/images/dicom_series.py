"""CT series in DICOM files: sorted by geometry, checked, and read slice by slice.

Only tags of geometry and pixels are read, and of the identifying ones none but the series UID, which tells series apart
and stays in memory. Refused, each with its reason: what is no CT, several series, orientations, sizes or
spacings, two slices at one place, gaps, a tilted gantry, several frames in a file.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError

from ingest.images.slice_source import Box, require_spacing
from kg.errors import InputError

_GEOMETRY_TAGS = (
    *("Modality", "SeriesInstanceUID", "InstanceNumber", "NumberOfFrames"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns"),
    *("RescaleSlope", "RescaleIntercept", "RescaleType", "SamplesPerPixel"),
)
_PIXEL_TAGS = (
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel"),
    *("PhotometricInterpretation", "NumberOfFrames", "PixelData", "RescaleSlope", "RescaleIntercept"),
)
_AXIAL = 1e-2
"""Largest deviation of a direction cosine from that of an axial slice."""
_SAME_PLACE_MM = 1e-2
_UNEVEN = 0.1
"""Largest deviation of a slice interval from the middle one, as a share of it."""
_TILT = 0.02
"""Largest sideways step from slice to slice, as a share of the step along the normal."""
_HOUNSFIELD = ("HU", "US")
"""Rescale types (C.11.1.1.2) of Hounsfield units: said, or unspecified as older scanners have it."""
_KEPT = 8


@dataclass(frozen=True)
class _Slice:
    """One file; its path and the series UID are never shown."""

    path: Path = field(repr=False)
    series: str = field(repr=False)
    instance: int | None
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]
    size: tuple[int, int]


class DicomSeries:
    """An axial CT series; slice numbers are 1, 2, 3, ... from head to feet.

    Slices stored mirrored or upside down (a patient lying prone, or scanned feet first) are turned, so that the
    patient's left is on the right of the image and the front is above.

    Args:
        files: all files of the series, in any order.
        name: what messages call it.

    Raises:
        InputError: it is no usable CT series; the message says why.
    """

    def __init__(self, files: Iterable[Path], name: str = "DICOM series") -> None:
        self.name = name
        slices = [_read(path, name) for path in files]
        if not slices:
            raise InputError(f"{name}: no DICOM file in it; give the folder of one CT series, or one of its files")
        _require_one(name, "series", {s.series for s in slices}, "name a file of the one that is meant")
        _require_one(name, "sizes of slices", {s.size for s in slices}, "leave out the slices of another size")
        _require_close(name, "orientations", [s.orientation for s in slices], 1e-3)
        _require_close(name, "pixel spacings", [s.spacing for s in slices], 1e-3)
        down, right = slices[0].spacing
        if abs(down - right) > 1e-2 * right:
            raise InputError(f"{name}: pixels of {right:g} x {down:g} mm are not square; resample the series first")
        self._flip_x, self._flip_y = _flips(name, slices[0].orientation)
        # With rows along x and columns along y the normal is z, which points to the head: descending is head to feet.
        slices.sort(key=lambda s: -s.position[2])
        interval = _interval(name, slices)
        self.spacing_mm, self.slice_mm = require_spacing(name, right, interval)
        self._slices = dict(enumerate(slices, 1))
        self.numbers = self._slices.keys()
        self._decoded = lru_cache(_KEPT)(self._decode)

    def number_of_instance(self, instance: int) -> int:
        """The slice number of a DICOM instance number.

        Raises:
            InputError: no slice has it, or several have.
        """
        found = [number for number, s in self._slices.items() if s.instance == instance]
        if len(found) != 1:
            known = [s.instance for s in self._slices.values() if s.instance is not None]
            there = f"there are {min(known)} to {max(known)}" if known else "its slices have no instance numbers"
            raise InputError(f"{self.name}: {len(found)} slices with instance number {instance}; {there}")
        return found[0]

    def number_of_file(self, path: Path) -> int:
        """The slice number of one of the series' files.

        Raises:
            InputError: it is none of them.
        """
        for number, s in self._slices.items():
            if s.path == path:
                return number
        raise InputError(f"{self.name}: the file is no slice of it; give one of its files")

    def hu(self, number: int) -> np.ndarray:
        """One slice, H x W float32: stored values times the slice's own rescale slope plus its intercept (C.11.1).

        Raises:
            InputError: no such slice, or its pixels cannot be decoded.
        """
        if number not in self._slices:
            raise InputError(f"{self.name}: no slice {number}; there are 1 to {len(self._slices)}")
        return self._decoded(number)

    def oriented(self, box: Box) -> Box:
        """A box in pixels as stored, turned as :meth:`hu` turns the slice."""
        x1, y1, x2, y2 = box
        rows, columns = self._slices[1].size
        if self._flip_x:
            x1, x2 = columns - 1 - x2, columns - 1 - x1
        if self._flip_y:
            y1, y2 = rows - 1 - y2, rows - 1 - y1
        return x1, y1, x2, y2

    def _decode(self, number: int) -> np.ndarray:
        try:
            with _no_warnings():
                data = pydicom.dcmread(self._slices[number].path, specific_tags=list(_PIXEL_TAGS))
                slope, intercept = float(data.RescaleSlope), float(data.RescaleIntercept)
                hu = (data.pixel_array.astype(np.float64) * slope + intercept).astype(np.float32)
        except Exception as error:  # decoders raise whatever they like, and their messages may quote the file
            raise InputError(
                f"{self.name}: slice {number} cannot be decoded ({type(error).__name__}); it is truncated, or its "
                "compression needs another decoder"
            ) from error
        if self._flip_x:
            hu = hu[:, ::-1]
        if self._flip_y:
            hu = hu[::-1]
        hu.flags.writeable = False
        return hu


def open_dicom_series(path: Path | str, name: str = "DICOM series") -> DicomSeries:
    """Open the series in a folder, or the series that a file belongs to (the files beside it with its series UID).

    Args:
        path: folder, or one file.
        name: what messages call it; the path may name a patient.

    Raises:
        InputError: no such path, or see :class:`DicomSeries`.
    """
    where = Path(path)
    folder = where if where.is_dir() else where.parent
    if not where.exists():
        raise InputError(f"{name}: no such file or folder; give a DICOM file, or the folder of a series")
    found = series_in(folder, name)
    if where.is_dir():
        return DicomSeries([file for files in found.values() for file in files], name)
    own = [files for files in found.values() if where in files]
    if not own:
        raise InputError(f"{name}: not a DICOM file; give one of a CT series")
    return DicomSeries(own[0], name)


def series_in(folder: Path, name: str = "DICOM series") -> Mapping[str, Sequence[Path]]:
    """Files of a folder by series UID; files that are no DICOM objects with one are left out."""
    found: dict[str, list[Path]] = {}
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        try:
            with _no_warnings():
                data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SeriesInstanceUID"])
                uid = str(data.SeriesInstanceUID)
            found.setdefault(uid, []).append(path)
        except (InvalidDicomError, AttributeError):
            continue
        except (OSError, ValueError, EOFError) as error:
            raise InputError(
                f"{name}: a file of it cannot be read ({type(error).__name__}); copy the series again"
            ) from error
    return found


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Silence the reader: its warnings quote values of tags, which may name a patient."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _read(path: Path, name: str) -> _Slice:
    with _no_warnings():
        return _checked(path, name)


def _checked(path: Path, name: str) -> _Slice:
    try:
        data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_GEOMETRY_TAGS))
    except (OSError, ValueError, EOFError, InvalidDicomError) as error:
        raise InputError(
            f"{name}: a file of it cannot be read ({type(error).__name__}); copy the series again"
        ) from error
    try:
        modality, frames = str(data.get("Modality", "")), int(data.get("NumberOfFrames") or 1)
        if modality != "CT":
            raise InputError(f"{name}: modality {modality or 'unknown'!r}, not CT; give a CT series")
        if frames != 1 or int(data.get("SamplesPerPixel") or 1) != 1:
            raise InputError(f"{name}: several frames or colours in one file; give single-frame CT images")
        missing = [tag for tag in (*_NEEDED, "Rows", "Columns", "SeriesInstanceUID") if data.get(tag) in (None, "")]
        if missing:
            raise InputError(f"{name}: a slice has no {missing[0]}; without it there is no geometry, export it again")
        position, orientation, spacing = (_floats(data[tag].value) for tag in _NEEDED[:3])
        if (len(position), len(orientation), len(spacing)) != (3, 6, 2) or not np.isfinite(
            [*position, *orientation, *spacing]
        ).all():
            raise InputError(f"{name}: a slice has geometry that is no number (NaN); export the series again")
        if not min(spacing) > 0:
            raise InputError(f"{name}: a pixel spacing is not positive; export the series again")
        slope, intercept = _floats((data.RescaleSlope, data.RescaleIntercept))
        if not np.isfinite([slope, intercept]).all() or slope == 0:
            raise InputError(
                f"{name}: a slice's rescale slope or intercept is no usable number; export the series again"
            )
        if str(data.get("RescaleType") or "HU") not in _HOUNSFIELD:
            raise InputError(
                f"{name}: its values are not Hounsfield units (a map of a spectral CT); give the CT images"
            )
        instance = data.get("InstanceNumber")
        return _Slice(
            path,
            str(data.SeriesInstanceUID),
            None if instance in (None, "") else int(instance),
            position,
            orientation,
            spacing,
            (int(data.Rows), int(data.Columns)),
        )
    except (ValueError, TypeError) as error:
        raise InputError(f"{name}: a slice has a malformed tag of geometry; export the series again") from error


_NEEDED = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept")


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _require_one(name: str, what: str, found: set[Any], advice: str) -> None:
    if len(found) > 1:
        raise InputError(f"{name}: {len(found)} {what} in it; {advice}")


def _require_close(name: str, what: str, found: Sequence[Sequence[float]], most: float) -> None:
    if np.ptp(np.array(found), axis=0).max() > most:
        raise InputError(f"{name}: mixed {what}; leave out the slices that differ (localisers, reformats)")


def _flips(name: str, orientation: tuple[float, ...]) -> tuple[bool, bool]:
    """Whether columns run to the patient's right, and rows to the front (C.7.6.2.1.1)."""
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    axial = np.abs(np.abs(row) - [1, 0, 0]).max() < _AXIAL and np.abs(np.abs(column) - [0, 1, 0]).max() < _AXIAL
    if not axial:
        raise InputError(f"{name}: the slices are not axial; give the axial series, not a reformat or a localiser")
    return bool(row[0] < 0), bool(column[1] < 0)


def _interval(name: str, slices: Sequence[_Slice]) -> float | None:
    """The distance of neighbouring slices; None for a single one."""
    if len(slices) == 1:
        return None
    steps = -np.diff(np.array([s.position for s in slices]), axis=0)
    along = steps[:, 2]
    if along.min() < _SAME_PLACE_MM:
        first = int(np.argmin(along)) + 1
        raise InputError(
            f"{name}: two slices at one place (slices {first} and {first + 1} from the head); leave one of them out"
        )
    middle = float(np.median(along))
    if np.abs(along - middle).max() > _UNEVEN * middle:
        first = int(np.argmax(np.abs(along - middle))) + 1
        raise InputError(
            f"{name}: a gap, or uneven slices: {along[first - 1]:g} mm between slices {first} and {first + 1} from the "
            f"head, {middle:g} mm elsewhere; give the whole series"
        )
    if (np.abs(steps[:, :2]).max(axis=1) > _TILT * along + 1e-3).any():
        raise InputError(f"{name}: the slices are shifted sideways (a tilted gantry); resample the series first")
    return float(along.mean())
