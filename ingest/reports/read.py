"""Read reports, one at a time, from whatever holds them.

What is wrong with one report is a :class:`ReportProblem` that names it by its id, or by its file and row; the others go
on. An error is raised only where nothing can be read at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ingest.reports.check import SeenIds
from ingest.reports.columns import Columns
from ingest.reports.csv_table import read_csv
from ingest.reports.dicom_sr import is_dicom, read_dicom
from ingest.reports.json_lines import read_json_lines
from ingest.reports.lines import require_encoding
from ingest.reports.report import Report, ReportProblem
from ingest.reports.text_files import read_text_file
from kg.errors import InputError, UsageError

TABLES = frozenset({".csv", ".tsv"})
JSON_LINES = frozenset({".jsonl", ".ndjson", ".json"})
TEXTS = frozenset({".txt", ".text", ".rpt", ".rtf", ".html", ".htm"})

_ANY = Columns()


def read_reports(source: Path, columns: Columns = _ANY, encoding: str = "utf-8") -> Iterator[Report | ReportProblem]:
    """Stream reports, and what is wrong with them, from a file or a folder.

    A CSV or TSV file (:func:`read_csv`), JSON lines, a text file, a DICOM structured report, or a folder of text files
    and structured reports, subfolders included: a text file's id is its path in the folder without the suffix. Only one
    report is in memory at a time, and 8 bytes for each id. The first report of an id counts, later ones are problems.

    Args:
        source: file or folder.
        columns: names of the columns or keys.
        encoding: of text files without a byte order mark; what does not decode is a problem, nothing is replaced.

    Raises:
        InputError: nothing is there, or it is no source of reports, or it holds nothing.
        UsageError: a column that is needed or asked for does not exist; the encoding is unknown.
    """
    require_encoding(encoding)
    if not source.exists():
        raise InputError(f"{source}: does not exist; give a file or folder of reports")
    return _unique(_read(source, columns, encoding), source)


def _read(source: Path, columns: Columns, encoding: str) -> Iterator[Report | ReportProblem]:
    suffix = source.suffix.lower()
    if source.is_dir():
        return _read_folder(source, encoding)
    if is_dicom(source):
        return read_dicom(source, source.name)
    if suffix in TABLES:
        return read_csv(source, columns, encoding)
    if suffix in JSON_LINES:
        return read_json_lines(source, columns, encoding)
    if suffix in TEXTS:
        return read_text_file(source, source.stem, encoding)
    kinds = ", ".join(sorted(TABLES | JSON_LINES | TEXTS))
    raise UsageError(f"{source}: cannot tell what it is; give a folder, a DICOM file, or one of {kinds}")


def _read_folder(folder: Path, encoding: str) -> Iterator[Report | ReportProblem]:
    """Files in the order of their names; a folder that cannot be entered is a problem."""
    refused: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=refused.append):
        folders.sort()
        for name in sorted(files):
            path = Path(parent, name)
            relative = path.relative_to(folder)
            where = str(relative).encode("utf-8", "backslashreplace").decode()
            if name.startswith("."):
                continue
            if is_dicom(path):
                yield from read_dicom(path, where)
            elif path.suffix.lower() in TEXTS:
                yield from read_text_file(path, relative.with_suffix("").as_posix(), encoding)
            else:
                yield ReportProblem(where, "is neither a text file nor DICOM; in a folder only these are read")
    for error in refused:
        name = os.path.relpath(error.filename or folder, folder).encode("utf-8", "backslashreplace").decode()
        yield ReportProblem(name, f"cannot be entered: {error.strerror}")


def _unique(items: Iterator[Report | ReportProblem], source: Path) -> Iterator[Report | ReportProblem]:
    seen = SeenIds()
    is_empty = True
    for item in items:
        is_empty = False
        if isinstance(item, Report) and not seen.add(item.id):
            yield ReportProblem(item.id, "another report had this id before; only the first one counts")
        else:
            yield item
    if is_empty:
        raise InputError(f"{source}: holds no report")
