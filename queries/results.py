"""Results of queries, and the forms they leave in: a table to look at, CSV, JSON and Parquet."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from kg.errors import LesionKGError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Group

NOTICE = "Research use only; not for diagnosis."
"""Stands in every export: in JSON as ``notice``, in Parquet in the metadata, in CSV as the heading of a last column."""

_FORMULA = re.compile(r"[\t\r\n]|[\s\x00-\x1f\u200b-\u200f\u2060\ufeff'\"`]*[=+\-@\uff1d\uff0b\uff0d\uff20\u2212]")
"""How a text begins that some spreadsheet could run: also after blanks or quotes, which some take away, and in the wide
letters that some read like the narrow ones."""


class Format(StrEnum):
    """Forms of a result."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


@dataclass(frozen=True)
class Result:
    """Rows of a query.

    Attributes:
        columns: names of the columns; empty when a free query found no row.
        rows: one tuple a row: None, bool, int, float, text, or lists and mappings of these.
        truncated: whether there were more rows than were allowed.
        notes: what must be said beside the result, e.g. that its model saw no pixels.
        seconds: time from handing the query to the graph until its last row.
        memory_mb: most memory, in MB, that the process of the query held; 0 where it had no process of its own.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool = False
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    memory_mb: float = 0.0

    def as_dicts(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def as_table(result: Result, title: str = "") -> Group:
    """A table for the terminal with its number of rows; numbers to four significant digits, lists with commas."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for place, column in enumerate(result.columns):
        number = all(_is_number(row[place]) or row[place] is None for row in result.rows)
        table.add_column(Text(column), justify="right" if number and result.rows else "left", overflow="fold")
    for row in result.rows:
        table.add_row(*(Text(_shown(value)) for value in row))
    above = [Text(title, style="bold")] if title else []
    return Group(*above, *([table] if result.columns else []), Text(_summary(result)))


def write_csv(result: Result, stream: TextIO) -> None:
    """Write CSV (RFC 4180, UTF-8).

    A text that a spreadsheet could run as a formula (it begins with ``=``, ``+``, ``-``, ``@``, a tab or a line end,
    also after blanks or quotes and in wide letters) gets an apostrophe in front, the usual practice; numbers are left
    alone. Lists and mappings are JSON in one cell.

    CSV knows no comments. So the notice is the heading of one more column, the last, whose cells are empty: it travels
    with the file, also without a row, and every reader takes it. After it come the notes, and whether there are more
    rows.
    """
    said = " ".join(dict.fromkeys((NOTICE, *result.notes, *(["There are more rows."] if result.truncated else []))))
    writer = csv.writer(stream)
    writer.writerow([*(_cell(column) for column in result.columns), _cell(said)])
    writer.writerows([*(_cell(value) for value in row), ""] for row in result.rows)


def as_json(result: Result) -> dict[str, Any]:
    """The result as one JSON document; numbers that are not finite become null."""
    return {
        "notice": NOTICE,
        "columns": list(result.columns),
        "rows": [{name: _finite(value) for name, value in row.items()} for row in result.as_dicts()],
        "truncated": result.truncated,
        "notes": list(result.notes),
        "seconds": round(result.seconds, 3),
        "memory_mb": round(result.memory_mb),
    }


def as_arrow(result: Result) -> pa.Table:
    """The result as an Arrow table; notice, notes and whether it is cut off are in its metadata.

    Raises:
        UsageError: a column holds values of several types, which Arrow does not.
    """
    import pyarrow as pa

    columns = []
    for place, name in enumerate(result.columns):
        try:
            columns.append(pa.array([row[place] for row in result.rows]))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise UsageError(
                f"column {name!r}: holds values of several types, which Parquet cannot; use --format json"
            ) from error
    table = pa.Table.from_arrays(columns, names=list(result.columns))
    return table.replace_schema_metadata({
        "notice": NOTICE, "notes": json.dumps(result.notes), "truncated": json.dumps(result.truncated),
    })  # fmt: skip


def write(result: Result, form: Format, path: Path) -> None:
    """Write a result to a file, whole or not at all.

    Raises:
        UsageError: the form is the table, or does not fit the values.
        LesionKGError: the file cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        match form:
            case Format.CSV:
                with partial.open("w", encoding="utf-8", newline="") as stream:
                    write_csv(result, stream)
            case Format.JSON:
                partial.write_text(json.dumps(as_json(result), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            case Format.PARQUET:
                import pyarrow.parquet as pq

                pq.write_table(as_arrow(result), partial)
            case _:
                raise UsageError("a table is for looking at; give --format csv, json or parquet with --out")
        partial.replace(path)
    except OSError as error:
        raise LesionKGError(f"{path}: cannot be written ({error.strerror}); name another file") from error
    finally:
        partial.unlink(missing_ok=True)


def _summary(result: Result) -> str:
    rows = f"{len(result.rows)} row{'' if len(result.rows) == 1 else 's'}"
    more = ", and there are more" if result.truncated else ""
    memory = f", {result.memory_mb:.0f} MB" if result.memory_mb else ""
    return f"{rows}{more}, {result.seconds:.2f} s{memory}"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_shown(item)}" for key, item in value.items())
    return "".join(character if character.isprintable() or character == "\n" else " " for character in str(value))


def _cell(value: Any) -> Any:
    if isinstance(value, (list, Mapping)):
        value = json.dumps(_finite(value), ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and _FORMULA.match(value):
        return f"'{value}"
    return value


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return value
