"""Ablation tables that ``lesionkg ablate --csv HOME/ablation/NAME.csv`` left in the data folder."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from kg.errors import InputError

_BEGIN = ["row", "name", "runs"]
_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class AblationRow:
    """One way of training.

    Attributes:
        name: what was taken out.
        runs: ids of its runs, one a seed.
        figures: mean and standard deviation over seeds of each figure; None where not defined.
    """

    name: str
    runs: tuple[str, ...]
    figures: tuple[tuple[float | None, float | None], ...]


@dataclass(frozen=True, slots=True)
class AblationTable:
    """Attributes:
    name: of its file, without ``.csv``.
    figures: names of the columns.
    rows: in the order of the file.
    """

    name: str
    figures: tuple[str, ...]
    rows: tuple[AblationRow, ...]


def read_ablations(folder: Path) -> list[AblationTable]:
    """The tables in a folder, by name; CSV files of another shape are passed over.

    Raises:
        InputError: a table cannot be read.
    """
    paths = sorted(folder.glob("*.csv")) if folder.is_dir() else []
    return [table for path in paths if path.is_file() and (table := _read(path)) is not None]


def _read(path: Path) -> AblationTable | None:
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None
        with path.open(encoding="utf-8", newline="") as stream:
            lines = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name}: cannot be read as a table ({type(error).__name__}); remove it") from error
    if not lines or lines[0][:3] != _BEGIN:
        return None
    figures = tuple(name.removesuffix(", mean") for name in lines[0][3::2])
    if any(len(line) != 3 + 2 * len(figures) for line in lines):
        raise InputError(f"{path.name}: a line has not as many cells as the first; make it anew")
    rows = tuple(
        AblationRow(
            line[1], tuple(line[2].split()), tuple(zip(map(_number, line[3::2]), map(_number, line[4::2]), strict=True))
        )
        for line in lines[1:]
    )
    return AblationTable(path.stem, figures, rows)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
