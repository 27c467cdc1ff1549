"""Reports as JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ingest.reports.check import checked
from ingest.reports.columns import Columns
from ingest.reports.lines import LONGEST_LINE, opened
from ingest.reports.report import Report, ReportProblem
from kg.errors import InputError


def read_json_lines(path: Path, columns: Columns, encoding: str = "utf-8") -> Iterator[Report | ReportProblem]:
    """Stream a file of JSON lines. The first object shows which keys there are; a key may be absent further on.

    Raises:
        InputError: the file cannot be read, or is one JSON array.
        UsageError: a key that is needed or asked for does not exist.
    """
    first: list[str] | None = None
    resolved: dict[tuple[str, ...], Columns] = {}
    number = 0
    with opened(path, encoding) as file:
        while line := file.readline(LONGEST_LINE):
            number += 1
            where = f"{path.name}, line {number}"
            if len(line) == LONGEST_LINE:
                while line and not line.endswith("\n"):
                    line = file.readline(LONGEST_LINE)
                yield ReportProblem(where, f"is longer than {LONGEST_LINE:,} characters")
                continue
            if not line.strip():
                continue
            if number == 1 and line.lstrip().startswith("["):
                raise InputError(f"{path}: is a JSON array; write one object a line")
            row = _object(line)
            if row is None:
                yield ReportProblem(where, "is not one JSON object with plain values; write one object a line")
                continue
            keys = tuple(row)
            if keys not in resolved:
                first = first if first is not None else list(keys)
                resolved = resolved if len(resolved) < 1000 else {}
                resolved[keys] = columns.found_in(dict.fromkeys([*first, *keys]), path.name)
            found = resolved[keys]
            yield from checked(
                where,
                row.get(found.id, ""),
                [(name, row.get(name, "")) for name in found.text],
                row.get(found.patient, ""),
                row.get(found.study, ""),
                row.get(found.date, ""),
                encoding,
            )


def _object(line: str) -> dict[str, str] | None:
    """The strings and whole numbers of an object; None when the line is none, or nests beyond measure."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    return {name: str(value) for name, value in row.items() if isinstance(value, str | int)}
