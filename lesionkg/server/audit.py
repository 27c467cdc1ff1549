"""The audit log: a row for every query, lesion view, read of a report text, export and change."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, Text, insert

from kg.relational import Database
from lesionkg.server.people import User

METADATA = MetaData()

AUDIT = Table(
    "audit",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("moment", Text, nullable=False, comment="ISO 8601, UTC."),
    Column("person", Text, nullable=False, comment="Name of the user."),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False, comment="What it was done to: an id or a name."),
    Column("details", Text, nullable=False, comment="Further facts, JSON."),
    sqlite_autoincrement=True,
    comment="Who did what when; rows are never changed.",
)


class Action(StrEnum):
    """What the audit log tells apart."""

    QUERY = "query"
    LESION = "lesion"
    TEXT = "report text"
    EXPORT = "export"
    CHANGE = "change"
    RUN = "run"
    USER = "user"
    ERASURE = "erasure"
    REFUSED = "refused"


class Audit:
    """The log in the curation store; its threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.write() as connection:
            METADATA.create_all(connection)

    def record(self, user: User, action: Action, subject: str, **details: Any) -> None:
        """Add a row; what it tells of has not happened when this fails.

        Args:
            user: who.
            action: what.
            subject: an id or a name; never a patient's identifier or report text.
            details: further facts, as plain values.

        Raises:
            StoreError: the row could not be stored.
        """
        row = {
            "moment": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "person": user.name,
            "action": action.value,
            "subject": subject,
            "details": json.dumps(details, ensure_ascii=False),
        }
        with self._database.write() as connection:
            connection.execute(insert(AUDIT), row)
