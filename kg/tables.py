"""The small reviewed tables that ship in ``ontologies`` as tab-separated text."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from importlib import resources

from kg.errors import InputError


def shipped_text(name: str) -> str:
    """Text of a file in ``ontologies``.

    Raises:
        InputError: the file is missing from this installation.
    """
    try:
        return resources.files("ontologies").joinpath(name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"ontologies/{name}: missing from this installation; install lesionkg again") from error


def read_tsv(text: str, columns: Sequence[str], name: str) -> list[dict[str, str]]:
    """Rows of a tab-separated table; lines that begin with ``#`` are comments.

    Args:
        text: the whole file.
        columns: columns that must be there; others are kept too.
        name: what to call the file in an error.

    Raises:
        InputError: a column is missing, or a row has too few or too many cells.
    """
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    header = next(reader, [])
    missing = [column for column in columns if column not in header]
    if missing:
        raise InputError(f"{name}: column {missing[0]!r} is missing; it needs {', '.join(columns)}")
    rows = []
    for number, cells in enumerate(reader, 1):
        if len(cells) != len(header):
            raise InputError(f"{name}: row {number} has {len(cells)} cells, not {len(header)}; separate them by tabs")
        rows.append(dict(zip(header, cells, strict=True)))
    return rows


def shipped_table(name: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a table in ``ontologies``.

    Raises:
        InputError: the file is missing or damaged.
    """
    return read_tsv(shipped_text(name), columns, f"ontologies/{name}")
