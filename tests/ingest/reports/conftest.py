"""Real reports for the tests of reading them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.reports.columns import Columns
from ingest.reports.read import read_reports
from ingest.reports.report import Report


@pytest.fixture(scope="session")
def indiana(shared_data: Path) -> Path:
    """The public chest x-ray reports."""
    return shared_data / "reports" / "indiana_reports.csv"


@pytest.fixture(scope="session")
def indiana_texts(indiana: Path) -> list[str]:
    """Their texts."""
    columns = Columns(id="uid", text=("findings", "impression"))
    return [item.text for item in read_reports(indiana, columns) if isinstance(item, Report)]
