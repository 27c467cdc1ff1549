"""A patient's traces in a relational store, whichever tables it has.

A row that is about one of his ids (its column ``lesion``, ``patient``, ... names one) is removed; in every other text
the ids are redacted, so that a log still tells that something was done, and no longer to whom.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, MetaData, Table, and_, delete, select, update
from sqlalchemy.exc import IntegrityError

from kg.erasure_traces import Traces
from kg.relational import Database

_ABOUT = frozenset({"patient", "study", "series", "lesion", "other_lesion", "report", "sentence"})
"""Columns that say whom a row is about."""


def redact_tables(database: Database, traces: Traces) -> dict[str, int]:
    """Remove and redact, in one transaction.

    Returns:
        Rows changed or removed, by table.
    """
    changed: Counter[str] = Counter()
    with database.write() as connection:
        for table in _tables(connection):
            for row in _naming(connection, table, traces):
                _clean(connection, table, row, traces)
                changed[table.name] += 1
    return dict(changed)


def tables_naming(database: Database, traces: Traces) -> tuple[int, list[str]]:
    """Every row read, and the columns that name the patient as ``table.column``.

    Returns:
        How many rows were read, and the columns.
    """
    read = 0
    found: set[str] = set()
    with database.read() as connection:
        for table in _tables(connection):
            for row in connection.execute(select(table)).mappings():
                read += 1
                found |= {f"{table.name}.{name}" for name, value in row.items() if traces.in_value(value)}
    return read, sorted(found)


def _tables(connection: Connection) -> list[Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return metadata.sorted_tables


def _naming(connection: Connection, table: Table, traces: Traces) -> Iterator[Mapping[str, Any]]:
    rows = connection.execute(select(table)).mappings().all()
    return (dict(row) for row in rows if any(map(traces.in_value, row.values())))


def _clean(connection: Connection, table: Table, row: Mapping[str, Any], traces: Traces) -> None:
    keys = list(table.primary_key.columns) or list(table.columns)
    this = and_(*(column == row[column.name] for column in keys))
    clean = {name: traces.redacted_value(value) for name, value in row.items()}
    about = any(name in _ABOUT and traces.in_value(value) for name, value in row.items())
    if about or any(map(traces.in_value, clean.values())):  # what cannot be redacted, such as bytes, goes
        connection.execute(delete(table).where(this))
        return
    try:
        with connection.begin_nested():
            connection.execute(update(table).where(this).values(clean))
    except IntegrityError:
        connection.execute(delete(table).where(this))
