"""The tables of the vault, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text

from kg.relational import settings_table

METADATA = MetaData()

VAULT = settings_table("vault", METADATA)

SURROGATES = Table(
    "surrogates",
    METADATA,
    Column("key_hash", Text, primary_key=True, comment="SHA-256 of kind and key."),
    Column("kind", Text, nullable=False),
    Column("real_key", Text, nullable=False, comment="JSON list, ASCII."),
    Column("surrogate", Text, nullable=False, unique=True),
)

REPORTS = Table(
    "reports",
    METADATA,
    Column("report", Text, primary_key=True, comment="Surrogate, as are patient and study."),
    Column("source", Text, nullable=False),
    Column("patient", Text, nullable=False),
    Column("study", Text, nullable=False),
    Column("date", Text, nullable=False),
    Column("text", LargeBinary, nullable=False, comment="UTF-8; bytes, because a report may hold a NUL."),
    Column("run", Text, nullable=False, comment="The last run that saw the report."),
    Index("reports_by_source", "source", "run"),
)

MARKS = Table(
    "marks",
    METADATA,
    Column("lesion", Text, primary_key=True),
    Column("series", Text, primary_key=True),
    Column("image", Integer, primary_key=True),
    Column("bookmark", Text, primary_key=True),
    Column("patient", Text, nullable=False),
    Column("study", Text, nullable=False, index=True),
    Column("series_number", Integer, nullable=False),
    Column("long_mm", Float),
    Column("short_mm", Float),
    Column("origin", Text, nullable=False),
    Column("outside", Boolean, nullable=False),
)
