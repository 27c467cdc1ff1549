"""Which patches to cut: one job a lesion, from DeepLesion's table or from a table of marks on DICOM series."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.images.dicom_series import DicomSeries, open_dicom_series
from ingest.images.png_series import PngSeries
from ingest.images.slice_source import Box, SliceSource
from ingest.release import Release, lesion_ids
from kg.errors import InputError

MARK_COLUMNS = ("lesion", "series", "slice", "x1", "y1", "x2", "y2")
"""Columns of a table of marks on DICOM series: id of the lesion in the graph, folder of the series (or one of its
files; relative to the table), instance number of the slice, and the box in 0-based pixels of it."""


@dataclass(frozen=True)
class PatchJob:
    """One lesion to cut.

    Attributes:
        lesion: its id in the graph.
        path: folder of its series (or a DICOM file of it); never shown.
        dicom: whether the series is DICOM; the slice is then an instance number.
        key_slice: the slice it was marked on.
        box: in stored pixels of that slice.
        spacing_mm: of a pixel, for PNG series, which do not say.
        slice_mm: distance of slices, for PNG series; None when unknown.
    """

    lesion: str
    path: str = field(repr=False)
    dicom: bool
    key_slice: int
    box: Box
    spacing_mm: float = 0.0
    slice_mm: float | None = None

    @property
    def series(self) -> tuple[object, ...]:
        """Equal for lesions that can share an opened series."""
        return self.path, self.dicom, self.spacing_mm, self.slice_mm

    def open(self) -> SliceSource:
        """Open its series.

        Raises:
            InputError: it cannot be opened.
        """
        if self.dicom:
            return open_dicom_series(self.path)
        return PngSeries(self.path, self.spacing_mm, self.slice_mm)

    def number(self, source: SliceSource) -> int:
        """The slice's number in the opened series.

        Raises:
            InputError: no slice has the instance number.
        """
        return source.number_of_instance(self.key_slice) if isinstance(source, DicomSeries) else self.key_slice


@dataclass(frozen=True)
class Listed:
    """Jobs, and how many lesions have none.

    Attributes:
        jobs: in order of lesion index.
        unknown: lesions of which no file is known.
        absent: lesions whose series is not on this disk.
    """

    jobs: tuple[PatchJob, ...]
    unknown: int = 0
    absent: int = 0


def deeplesion_jobs(release: Release, images: Path | str) -> Listed:
    """One job for each lesion whose series folder is there.

    Args:
        release: lesions.
        images: folder of the series folders ``000001_01_01``; ``Images_png`` folders on the way to them are found.

    Raises:
        InputError: no such folder, or none of the lesions' series is in it.
    """
    root = Path(images).absolute()  # workers elsewhere have another working folder
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the folder that DeepLesion's archives were unpacked to")
    while not any(root.glob("[0-9]*_[0-9]*_[0-9]*")) and (root / "Images_png").is_dir():
        root = root / "Images_png"
    lesions = release.lesions
    columns = ("index", "file", "key_slice", "box", "spacing_mm", "slice_mm")
    jobs, unknown, absent = [], 0, 0
    present = {path.name for path in root.iterdir() if path.is_dir()}
    for row in lesions.select(columns).to_pylist():
        if row["file"] is None:
            unknown += 1
            continue
        series = row["file"].rsplit("_", 1)[0]
        if series not in present:
            absent += 1
            continue
        (lesion,) = lesion_ids([row["index"]], release.origin.prefix)
        jobs.append(
            PatchJob(
                lesion,
                str(root / series),
                False,
                row["key_slice"],
                tuple(row["box"]),
                row["spacing_mm"],
                row["slice_mm"],
            )
        )
    if not jobs:
        raise InputError(f"{root}: holds the series of no known lesion; give the folder with 000001_01_01 and so on")
    return Listed(tuple(jobs), unknown, absent)


def marked_jobs(table: Path | str) -> Listed:
    """Jobs of a table of marks on DICOM series (CSV with :data:`MARK_COLUMNS`).

    Raises:
        InputError: no such file, a column is missing, or a row is malformed (named by its number).
    """
    where = Path(table)
    try:
        with where.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{where}: cannot be read ({type(error).__name__}); give a CSV with {','.join(MARK_COLUMNS)}"
        ) from error
    missing = [name for name in MARK_COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise InputError(f"{where}: no row, or no column {missing[0]}; give a CSV with {','.join(MARK_COLUMNS)}")
    jobs = [_marked(where, number, row) for number, row in enumerate(rows, 2)]
    lesions = [job.lesion for job in jobs]
    if len(set(lesions)) != len(lesions):
        twice = next(i for i, lesion in enumerate(lesions) if lesion in lesions[:i])
        raise InputError(f"{where}: row {twice + 2} names a lesion that an earlier row names; give each lesion once")
    return Listed(tuple(jobs))


def _marked(where: Path, number: int, row: dict[str, str]) -> PatchJob:
    try:
        x1, y1, x2, y2 = (float(row[name]) for name in MARK_COLUMNS[3:])
        lesion, key = row["lesion"].strip(), int(row["slice"])
        if not lesion or not row["series"]:
            raise ValueError("empty")
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: row {number} is malformed; see the columns {','.join(MARK_COLUMNS)}") from error
    return PatchJob(lesion, str(where.parent.absolute() / row["series"]), True, key, (x1, y1, x2, y2))


def in_series(jobs: Sequence[PatchJob], most: int) -> list[tuple[int, ...]]:
    """Places of jobs, those of one series together, ``most`` at most in one task."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for place, job in enumerate(jobs):
        groups.setdefault(job.series, []).append(place)
    return [tuple(places[i : i + most]) for places in groups.values() for i in range(0, len(places), most)]
