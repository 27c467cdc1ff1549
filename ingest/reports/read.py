"""Read reports, one at a time, from whatever holds them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from ingest.reports.columns import Columns
from ingest.reports.report import Report, ReportProblem
from kg.errors import InputError


def read_reports(source: Path, columns: Columns = Columns()) -> Iterator[Report | ReportProblem]:  # noqa: B008
    """Stream the reports of a source and what is wrong with them."""
    if not source.exists():
        raise InputError(f"{source}: does not exist; give a file or folder of reports")
    with source.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        found = columns.found_in(rows.fieldnames or (), source.name)
        for row in rows:
            text = "\n".join(f"{name}:\n{row[name]}" if len(found.text) > 1 else row[name] for name in found.text)
            yield Report(
                row[found.id], text, *(row[name] if name else "" for name in (found.patient, found.study, found.date))
            )
