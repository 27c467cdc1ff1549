"""Curation stores for tests: SQLite and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest

from kg.curation.proposal_tables import open_curation_at
from kg.relational import Database


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server."""
    try:
        with postgres.running() as url:
            yield url
    except postgres.NoPostgresError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "postgresql"])
def curation_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty curation store on each engine in turn."""
    if request.param == "sqlite":
        return str(tmp_path / "curation.sqlite")
    return postgres.new_database(request.getfixturevalue("postgres_server"))


@pytest.fixture
def database(curation_address: str) -> Iterator[Database]:
    """An empty curation store on each engine in turn."""
    with open_curation_at(curation_address) as opened:
        yield opened
