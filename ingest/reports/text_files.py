"""Reports as plain text files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ingest.reports.check import LONGEST_REPORT, checked
from ingest.reports.lines import encoding_of
from ingest.reports.report import Report, ReportProblem


def read_text_file(path: Path, report: str, encoding: str = "utf-8") -> Iterator[Report | ReportProblem]:
    """One report.

    Args:
        path: the file.
        report: id of the report.
        encoding: its encoding where it has no byte order mark.
    """
    try:
        if path.stat().st_size > 4 * LONGEST_REPORT:
            yield ReportProblem(report, f"is longer than {LONGEST_REPORT:,} characters; divide it")
            return
        raw = path.read_bytes()
    except OSError as error:
        yield ReportProblem(report, f"cannot be read: {error.strerror}")
        return
    try:
        text = raw.decode(encoding_of(raw, encoding))
    except UnicodeDecodeError:
        yield ReportProblem(report, f"is not valid {encoding}; name its encoding")
        return
    yield from checked(report, report, [("text", text)], encoding=encoding)
