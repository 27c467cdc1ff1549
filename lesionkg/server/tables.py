"""The tables of the server in the curation store, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text

from kg.relational import Database, settings_table

SERVER_VERSION = 1
"""Version of the tables. A store with a higher one was written by a newer program and is not touched."""

METADATA = MetaData()

SETTINGS = settings_table("server_settings", METADATA)

AUDIT = Table(
    "audit",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("moment", Text, nullable=False, comment="ISO 8601, UTC."),
    Column("person", Text, nullable=False, comment="Name of the user."),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False, comment="What it was done to: an id or a name."),
    Column("details", Text, nullable=False, comment="Further facts, JSON."),
    Index("audit_by_moment", "moment"),
    sqlite_autoincrement=True,
    comment="Who did what when; rows are never changed.",
)

USERS = Table(
    "users",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True, comment="SHA-256 of the token, which is kept nowhere."),
    Column("created", Text, nullable=False, comment="ISO 8601, UTC."),
    comment="Who may use the server.",
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", Text, primary_key=True, comment="SHA-256 of the cookie's value, which is kept nowhere."),
    Column("name", Text, nullable=False, comment="The user."),
    Column("expires", Text, nullable=False, comment="ISO 8601, UTC."),
    Index("sessions_by_name", "name"),
    comment="Browsers that are signed in.",
)


def make_server_tables(database: Database) -> None:
    """Make the tables that are absent; another process may do so at the same moment.

    Raises:
        SchemaVersionError: a newer program wrote the store.
        StoreError: the store cannot be written.
    """
    database.make_tables(METADATA, SETTINGS, SERVER_VERSION, {})
