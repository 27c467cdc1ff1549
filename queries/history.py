"""What somebody asked: the last queries of each user, in the curation store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text, delete, insert, select

from kg.relational import Database, settings_table

MOST = 100
"""Queries that are kept of each user."""

METADATA = MetaData()

SETTINGS = settings_table("query_settings", METADATA)

HISTORY = Table(
    "query_history",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("person", Text, nullable=False, comment="Name of the user."),
    Column("moment", Text, nullable=False, comment="ISO 8601, UTC."),
    Column("name", Text, nullable=False, comment="Name of a named query, or empty."),
    Column("cypher", Text, nullable=False, comment="Free Cypher, or empty."),
    Column("given", Text, nullable=False, comment="Parameters as they were typed, JSON."),
    Column("outcome", Text, nullable=False, comment="Rows and seconds, or why there are none."),
    Index("query_history_by_person", "person"),
    sqlite_autoincrement=True,
    comment="The last queries of each user.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that was asked.

    Attributes:
        number: counts up.
        moment: when, ISO 8601, UTC.
        name: name of a named query; empty for free Cypher.
        cypher: free Cypher; empty for a named query.
        given: parameters as they were typed.
        outcome: rows and seconds, or why there are none.
    """

    number: int
    moment: str
    name: str
    cypher: str
    given: Mapping[str, str]
    outcome: str


class QueryHistory:
    """The last queries of each user; its threads may share it.

    Args:
        database: the curation store.

    Raises:
        StoreError: the store cannot be written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.make_tables(METADATA, SETTINGS, 1, {})

    def add(self, person: str, name: str, cypher: str, given: Mapping[str, str], outcome: str) -> None:
        """Keep a query; the oldest beyond :data:`MOST` of its user go.

        Raises:
            StoreError: the store cannot be written.
        """
        row: dict[str, Any] = {
            "person": person,
            "moment": datetime.now(UTC).isoformat(timespec="seconds"),
            "name": name,
            "cypher": cypher,
            "given": json.dumps(dict(given), ensure_ascii=False),
            "outcome": outcome,
        }
        with self._database.write() as connection:
            connection.execute(insert(HISTORY), row)
            mine = select(HISTORY.c.number).where(HISTORY.c.person == person).order_by(HISTORY.c.number.desc())
            last = connection.execute(mine.offset(MOST - 1).limit(1)).scalar()
            if last is not None:
                connection.execute(delete(HISTORY).where(HISTORY.c.person == person, HISTORY.c.number < last))

    def of(self, person: str) -> list[Asked]:
        """The last queries of a user, newest first.

        Raises:
            StoreError: the store cannot be read.
        """
        columns = (HISTORY.c[name] for name in ("number", "moment", "name", "cypher", "given", "outcome"))
        wanted = select(*columns).where(HISTORY.c.person == person).order_by(HISTORY.c.number.desc())
        with self._database.read() as connection:
            rows = connection.execute(wanted).all()
        return [Asked(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5]) for row in rows]

    def clear(self, person: str) -> None:
        """Forget what a user asked.

        Raises:
            StoreError: the store cannot be written.
        """
        with self._database.write() as connection:
            connection.execute(delete(HISTORY).where(HISTORY.c.person == person))
