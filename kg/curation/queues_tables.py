"""The tables of the review queues, beside those of proposals in the curation store."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, Table, Text

from kg.relational import Database, settings_table

QUEUES_VERSION = 1
"""Version of the tables. A store with a higher one was written by a newer program and is not touched."""

METADATA = MetaData()

SETTINGS = settings_table("queue_settings", METADATA)

DECISIONS = Table(
    "queue_decisions",
    METADATA,
    Column("item", Text, primary_key=True),
    Column("number", Integer, primary_key=True, comment="1 for the first decision about the item."),
    Column("action", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created", Text, nullable=False, comment="ISO 8601, UTC."),
    Column("until", Text, nullable=False, comment="Day on which a deferred item comes back, or empty."),
    Column("proposal", Text, nullable=False, comment="Id of the proposal that an item became, or empty."),
    Column("evidence", Text, nullable=False, comment="The evidence at the time, one line."),
    comment="What was decided about an item; rows are never changed or removed.",
)

TERMS = Table(
    "queue_terms",
    METADATA,
    Column("source", Text, primary_key=True, comment="Name of the reports."),
    Column("kind", Text, primary_key=True),
    Column("text", Text, primary_key=True),
    Column("rid", Text, primary_key=True),
    Column("parents", Text, nullable=False, comment="JSON list of names."),
    Column("nearest", Text, nullable=False),
    Column("mentions", Integer, nullable=False),
    Column("reports", Integer, nullable=False),
    Column("patients", Integer, nullable=False),
    comment="Terms that reports use; counts only, no text of a report.",
)


def make_queue_tables(database: Database) -> None:
    """Make the tables of the queues in a curation store, where they are absent.

    Raises:
        SchemaVersionError: a newer program wrote them.
        StoreError: they cannot be made.
    """
    database.make_tables(METADATA, SETTINGS, QUEUES_VERSION, {})
