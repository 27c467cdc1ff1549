"""The tables of the curation store, the same on SQLite and PostgreSQL, and how it is opened."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text

from kg.relational import Database, database_address, settings_table

CURATION_VERSION = 1
"""Version of the tables. A store with a higher one was written by a newer program and is not touched."""

METADATA = MetaData()

SETTINGS = settings_table("curation_settings", METADATA)

PROPOSALS = Table(
    "proposals",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("token", Text, nullable=False, unique=True, comment="Random; tells stores that both count from 1 apart."),
    Column("graph", Text, nullable=False, comment="The graph it was made for."),
    Column("base", Integer, nullable=False, comment="The revision it was made on."),
    Column("base_hash", Text, nullable=False, comment="Ontology hash of that revision."),
    Column("status", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created", Text, nullable=False, comment="ISO 8601, UTC."),
    Column("revision", Integer, nullable=False, comment="The revision that carries it out; 0 for none."),
    Column("changes", Text, nullable=False, comment="The change set, JSON."),
    Column("worker", Text, nullable=False, comment="The process that is applying it now, or empty."),
    Column("working_since", Text, nullable=False, comment="Since when, ISO 8601, UTC, or empty."),
    Index("proposals_by_status", "status"),
    sqlite_autoincrement=True,
)

EVENTS = Table(
    "proposal_events",
    METADATA,
    Column("proposal", Integer, primary_key=True, comment="Number of the proposal."),
    Column("number", Integer, primary_key=True, comment="From 1."),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("created", Text, nullable=False, comment="ISO 8601, UTC."),
    Column("comment", Text, nullable=False),
    Column("status", Text, nullable=False, comment="Of the proposal, afterwards."),
    Column("revision", Integer, nullable=False, comment="The revision it is about; 0 for none."),
    Column("changes", Text, nullable=False, comment="The change set that came with it, JSON, or empty."),
    comment="Who did what when; rows are never changed or removed.",
)

REVISIONS = Table(
    "mirrored_revisions",
    METADATA,
    Column("graph", Text, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("author", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("undoes", Integer, nullable=False),
    Column("stamp", Text, nullable=False, comment="Tells this revision from another with its number."),
    Column("words", Text, nullable=False, comment="What can be searched, in lower case."),
    Column("entry", Text, nullable=False, comment="The revision, JSON."),
    comment="A copy of the history in the graph; may be dropped, and is then made again.",
)

REVISION_LABELS = Table(
    "mirrored_revision_labels",
    METADATA,
    Column("graph", Text, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("label", Text, primary_key=True),
    Index("mirrored_revisions_by_label", "label"),
)


def open_curation(home: Path) -> Database:
    """The curation store of a data folder, made when it is absent.

    Raises:
        UsageError: ``LESIONKG_DATABASE`` is no address.
        SchemaVersionError: a newer program wrote the store.
        StoreError: it cannot be opened.
    """
    return open_curation_at(database_address(home))


def open_curation_at(where: str | Path) -> Database:
    """As :func:`open_curation`, by address."""
    database = Database(where, "curation store")
    database.make_tables(METADATA, SETTINGS, CURATION_VERSION, {})
    return database
