"""Reports in a CSV file: one row each."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ingest.reports.check import LONGEST_REPORT, checked
from ingest.reports.columns import Columns
from ingest.reports.lines import LONGEST_LINE, opened
from ingest.reports.report import Report, ReportProblem
from kg.errors import InputError, UsageError

_DELIMITERS = ",\t;|"
_ID = re.compile(r"\S{0,64}\d\S{0,64}")


class _LongLine(Exception):
    pass


def read_csv(path: Path, columns: Columns, encoding: str = "utf-8") -> Iterator[Report | ReportProblem]:
    """Stream a CSV file with a header row: comma, tab, semicolon or bar between the columns, whichever the header uses.

    Rows are counted as spreadsheets count them: the header is row 1. Python's limit on the length of a CSV field is
    raised to that of a report, for the whole process.

    Raises:
        InputError: the file cannot be read, or has no header.
        UsageError: a column that is needed or asked for does not exist.
    """
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_REPORT))
    with opened(path, encoding) as file:
        first = file.readline(LONGEST_LINE)
        if not first.strip():
            raise InputError(f"{path}: has no header row; the first line must name the columns")
        delimiter = max(_DELIMITERS, key=first.count)
        file.seek(0)
        rows = csv.reader(_lines(file), delimiter=delimiter, strict=True)
        try:
            names = next(rows)
        except (csv.Error, _LongLine, UnicodeDecodeError) as error:
            raise InputError(f"{path}: its header row cannot be read; is it a CSV file?") from error
        found = columns.found_in(names, path.name)
        twice = sorted({name for name in names if names.count(name) > 1} & {found.id, *found.text, found.patient})
        if twice:
            raise UsageError(f"{path}: has two columns {twice[0]!r}; give each a name of its own")
        number = 1
        is_sure = True
        while True:
            number += 1
            where = f"{path.name}, row {number}"
            line = rows.line_num
            try:
                row = next(rows)
            except StopIteration:
                return
            except (_LongLine, UnicodeDecodeError):
                yield ReportProblem(where, "is too long a line or cannot be decoded; the rest of the file was not read")
                return
            except csv.Error:
                swallowed = f" in {rows.line_num - line} lines" if rows.line_num > line + 1 else ""
                yield ReportProblem(where, f"has a wrong quotation mark, or a field that is too long{swallowed}")
                is_sure = False
                continue
            if not row:
                number -= 1
                continue
            if len(row) != len(names):
                yield ReportProblem(
                    where, f"has {len(row)} fields, the header {len(names)}; quote text that holds {delimiter!r}"
                )
                continue
            values = dict(zip(names, row, strict=True))
            # Behind a wrong quotation mark a line may be the middle of a text: wait for what looks like an id.
            is_sure = is_sure or _ID.fullmatch(values[found.id]) is not None
            if not is_sure:
                yield ReportProblem(where, "was not read: a wrong quotation mark stands before it")
                continue
            yield from checked(
                where,
                values[found.id],
                [(name, values[name]) for name in found.text],
                values.get(found.patient, ""),
                values.get(found.study, ""),
                values.get(found.date, ""),
                encoding,
            )


def _lines(file: TextIO) -> Iterator[str]:
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise _LongLine
        yield line
