"""The audit log: a row for every query, lesion view, read of a report text, export and change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select

from kg.errors import UsageError
from kg.relational import Database
from lesionkg.server.people import User
from lesionkg.server.tables import AUDIT, make_server_tables

MOST_ENTRIES = 1000
"""Entries of one answer, unless fewer are asked for."""


class Action(StrEnum):
    """What the audit log tells apart."""

    QUERY = "query"
    LESION = "lesion"
    TEXT = "report text"
    EXPORT = "export"
    CHANGE = "change"
    RUN = "run"
    USER = "user"
    SIGN_IN = "sign in"
    SIGN_OUT = "sign out"
    ERASURE = "erasure"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log.

    Attributes:
        number: counts up; numbers may be missing, never used twice.
        moment: when, ISO 8601, UTC.
        person: name of the user.
        action: what was done.
        subject: to what: an id or a name.
        details: further facts.
    """

    number: int
    moment: str
    person: str
    action: str
    subject: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries; an empty field asks for all.

    Attributes:
        person: name of the user.
        action: one of :class:`Action`.
        subject: id or name.
        since: earliest moment, ISO 8601; without zone it is UTC.
        before: entries with smaller numbers only; 0 for the newest.
        most: number of entries.
    """

    person: str = ""
    action: str = ""
    subject: str = ""
    since: str = ""
    before: int = 0
    most: int = MOST_ENTRIES


class Audit:
    """The log in the curation store; threads and processes may share it."""

    def __init__(self, database: Database) -> None:
        """Make the tables that are absent.

        Raises:
            StoreError: the store cannot be written, or is that of a newer program.
        """
        make_server_tables(database)
        self._database = database

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
        with self._database.write() as connection:
            write_entry(connection, user, action, subject, details)

    def entries(self, wanted: Filter | None = None) -> tuple[Entry, ...]:
        """Read the log, the newest entry first.

        Raises:
            UsageError: no such action, or a moment that is none.
            StoreError: the log cannot be read.
        """
        wanted = wanted or Filter()
        if wanted.action and wanted.action not in set(Action):
            raise UsageError(f"audit: no action {wanted.action!r}; there are {', '.join(Action)}")
        statement = select(AUDIT).order_by(AUDIT.c.number.desc()).limit(max(1, min(wanted.most, MOST_ENTRIES)))
        for column in ("person", "action", "subject"):
            if value := getattr(wanted, column):
                statement = statement.where(AUDIT.c[column] == value)
        if wanted.since:
            statement = statement.where(AUDIT.c.moment >= _moment(wanted.since))
        if wanted.before:
            statement = statement.where(AUDIT.c.number < wanted.before)
        with self._database.read() as connection:
            return tuple(_entry(dict(row)) for row in connection.execute(statement).mappings())


def write_entry(connection: Connection, user: User, action: Action, subject: str, details: Mapping[str, Any]) -> None:
    """Add a row in a transaction that is under way: both happen or neither."""
    row = {
        "moment": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "person": _storable(user.name),
        "action": action.value,
        "subject": _storable(subject),
        "details": _storable(json.dumps(details, ensure_ascii=False)),
    }
    connection.execute(insert(AUDIT), row)


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(**{**row, "details": json.loads(row["details"])})


def _moment(text: str) -> str:
    """A moment as the log writes them, so that text compares as time."""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"audit: {text!r} is no moment; write 2026-11-21 or 2026-11-21T14:30") from None
    return moment.isoformat(timespec="milliseconds")


def _storable(text: str) -> str:
    """The text as both databases can hold it, without lone surrogates and zero bytes."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
