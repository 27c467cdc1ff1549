"""The lesion table: where lesions were measured, so that the bookmarks of reports find them.

A table (CSV) names patient, study, series and image of each lesion as the DICOM headers do, and optionally the id of a
lesion that the graph holds already (``lesion``), the id that hyperlinks to it carry (``bookmark``) and its two
diameters (``long_mm``, ``short_mm``). The numbers stay in the vault; the graph gets patients, studies, series and
lesions under random surrogates. A later run needs no table.

One row is one lesion on one image. The same image, bookmark and size is the same lesion in every later table; a row
that names the lesion corrects what is known of it on that image.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ingest.graph_lesions import known_lesions, write_lesions
from ingest.vault import Mark, Vault
from kg.errors import InputError
from kg.store import GraphStore

NEEDED = ("patient", "study", "series", "image")
OPTIONAL = ("lesion", "bookmark", "long_mm", "short_mm")

MOST_NUMBER = 2**31 - 1
"""Greatest value of a DICOM integer string."""
_MOST_MM = 2000.0
_LONGEST = 200
"""Characters of an id."""


@dataclass(frozen=True, slots=True)
class MarkRow:
    """One row of a lesion table, read but not yet stored.

    Attributes:
        row: its number, counted as spreadsheets count: the header is row 1.
        patient: real id.
        study: real id.
        series: series number.
        image: image number.
        lesion: id of a lesion in the graph, "" when the row makes one.
        bookmark: id that hyperlinks carry, "" for none.
        long_mm: long diameter, None when unknown.
        short_mm: short diameter, None when unknown.
    """

    row: int
    patient: str
    study: str
    series: int
    image: int
    lesion: str = ""
    bookmark: str = ""
    long_mm: float | None = None
    short_mm: float | None = None


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that was left out.

    Attributes:
        row: its number, counted as spreadsheets count: the header is row 1.
        reason: what is wrong with it, without its values.
    """

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class MarksSummary:
    """What a lesion table brought.

    Attributes:
        rows: rows read.
        stored: rows whose lesion is known now.
        problems: rows left out; the first hundred.
        left_out: how many were left out.
        written: nodes and relationships written.
    """

    rows: int
    stored: int
    problems: tuple[RowProblem, ...]
    left_out: int
    written: int


def read_marks(path: Path) -> Iterator[MarkRow | RowProblem]:
    """Stream the rows of a lesion table.

    Raises:
        InputError: it cannot be read, is no UTF-8, or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines, strict=True)
            missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
            if missing:
                raise InputError(f"{path}: column {missing[0]} is missing; it needs {', '.join(NEEDED)}")
            for number, row in enumerate(rows, 2):
                yield _parsed(number, row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); give a CSV file in UTF-8") from None


def load_marks(
    store: GraphStore,
    vault: Vault,
    path: Path,
    batch: int = 1000,
    on_problem: Callable[[RowProblem], None] = lambda problem: None,
) -> MarksSummary:
    """Bring the lesions of a table into the graph, and remember in the vault where they are.

    The vault is written before the graph, batch by batch; loading again finishes what was interrupted.

    Args:
        store: a graph.
        vault: gives the surrogates and keeps the numbers.
        path: the table.
        batch: rows in one transaction.
        on_problem: told of each row that is left out.

    Raises:
        InputError: as for :func:`read_marks`.
        StoreError: this batch was not stored.
    """
    read = stored = written = left_out = 0
    problems: list[RowProblem] = []
    rows = read_marks(path)
    while part := list(islice(rows, batch)):
        marks, wrong = _resolved(store, vault, part)
        vault.add_marks(marks)
        written += _write(store, vault, marks)
        for problem in wrong:
            on_problem(problem)
        problems += wrong[: 100 - len(problems)]
        read, stored, left_out = read + len(part), stored + len(marks), left_out + len(wrong)
    return MarksSummary(read, stored, tuple(problems), left_out, written)


def lesion_mark(vault: Vault, row: MarkRow, origin: str = "table") -> Mark:
    """The mark of one row, under surrogates; a lesion that the row does not name gets one."""
    return _marks(vault, [row], origin)[0]


def _write(store: GraphStore, vault: Vault, marks: Sequence[Mark]) -> int:
    """Write the lesions of marks as all their marks say, those of earlier tables too."""
    lesions = {mark.lesion for mark in marks}
    known = [
        mark
        for study in vault.marks({mark.study for mark in marks}).values()
        for mark in study
        if mark.lesion in lesions
    ]
    return store.write_transaction(lambda tx: write_lesions(tx, known))


def _resolved(
    store: GraphStore, vault: Vault, part: Sequence[MarkRow | RowProblem]
) -> tuple[list[Mark], list[RowProblem]]:
    problems = [row for row in part if isinstance(row, RowProblem)]
    good = [row for row in part if isinstance(row, MarkRow)]
    there = known_lesions(store, {row.lesion for row in good if row.lesion})
    unknown = [row for row in good if row.lesion and row.lesion not in there]
    problems += [
        RowProblem(row.row, "the graph holds no such lesion; correct the id, or leave it empty for a new lesion")
        for row in unknown
    ]
    kept = [row for row in good if not row.lesion or row.lesion in there]
    return _marks(vault, kept), sorted(problems, key=lambda problem: problem.row)


def _marks(vault: Vault, rows: Sequence[MarkRow], origin: str = "table") -> list[Mark]:
    patients = vault.surrogates("patient", {(row.patient,) for row in rows})
    studies = vault.surrogates("study", {(row.patient, row.study) for row in rows})
    series = vault.surrogates("series", {(row.patient, row.study, str(row.series)) for row in rows})
    lesions = vault.surrogates("lesion", {_place(row) for row in rows if not row.lesion})
    own = vault.given({row.lesion for row in rows if row.lesion})
    marks = (
        Mark(
            lesion=row.lesion or lesions[_place(row)],
            patient=patients[row.patient,],
            study=studies[row.patient, row.study],
            series=series[row.patient, row.study, str(row.series)],
            series_number=row.series,
            image=row.image,
            bookmark=row.bookmark,
            long_mm=row.long_mm,
            short_mm=row.short_mm,
            origin=origin,
            outside=bool(row.lesion) and row.lesion not in own,
        )
        for row in rows
    )
    # Of rows for one lesion, image and bookmark the last one counts.
    return list({(mark.lesion, mark.series, mark.image, mark.bookmark): mark for mark in marks}.values())


def _place(row: MarkRow) -> tuple[str, ...]:
    """What tells one lesion from another: on one image its bookmark, and without one its size."""
    place = (row.patient, row.study, str(row.series), str(row.image))
    return (*place, "bookmark", row.bookmark) if row.bookmark else (*place, "size", repr((row.long_mm, row.short_mm)))


def _parsed(number: int, row: Mapping[str | None, str | None]) -> MarkRow | RowProblem:
    if None in row or None in row.values():
        return RowProblem(number, "it has more or fewer cells than the header")
    cells = {name: (row.get(name) or "").strip() for name in (*NEEDED, *OPTIONAL)}
    for name in ("patient", "study"):
        if not cells[name]:
            return RowProblem(number, f"{name} is empty")
    for name in ("patient", "study", "lesion", "bookmark"):
        if len(cells[name]) > _LONGEST or not cells[name].isprintable():
            return RowProblem(number, f"{name} is longer than {_LONGEST} characters or holds control characters")
    numbers = {name: _number(cells[name]) for name in ("series", "image")}
    for name, value in numbers.items():
        if value is None:
            return RowProblem(number, f"{name} is not a whole number")
    sizes = {name: _size(cells[name]) for name in ("long_mm", "short_mm")}
    for name, size in sizes.items():
        if cells[name] and size is None:
            return RowProblem(number, f"{name} is not a length in mm")
    return MarkRow(
        number,
        cells["patient"],
        cells["study"],
        numbers["series"] or 0,
        numbers["image"] or 0,
        cells["lesion"],
        cells["bookmark"],
        sizes["long_mm"],
        sizes["short_mm"],
    )


def _number(cell: str) -> int | None:
    if not (cell.isascii() and cell.isdigit() and len(cell) <= len(str(MOST_NUMBER))):
        return None
    return int(cell) if int(cell) <= MOST_NUMBER else None


def _size(cell: str) -> float | None:
    try:
        size = float(cell)
    except ValueError:
        return None
    return size if math.isfinite(size) and 0 < size <= _MOST_MM else None
