"""How the vault's database is reached: SQLite in one private file, or PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from kg.errors import StoreError, UsageError


def vault_url(where: str | Path) -> URL:
    """What an address means: a file, or a PostgreSQL database.

    Raises:
        UsageError: it is neither.
    """
    address = str(where)
    if "://" not in address:
        return URL.create("sqlite", database=str(Path(address).absolute()))
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise UsageError("vault address: not readable; write a file, or postgresql+psycopg://user@host/name") from None
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise UsageError(
            f"vault address with scheme {url.drivername!r}: unknown; write a file, or postgresql+psycopg://user@host/name"
        )
    return url.set(drivername="postgresql+psycopg")


def vault_engine(url: URL, failed: Callable[[Exception], StoreError]) -> Engine:
    """Connections to a vault; parameters of statements never show in its messages.

    Args:
        url: from :func:`vault_url`.
        failed: makes the error to raise where the file cannot be made.

    Raises:
        UsageError: the driver for PostgreSQL is not installed.
        StoreError: the file cannot be made.
    """
    hidden = {"hide_parameters": True, "logging_name": "vault"}
    if url.get_backend_name() == "postgresql":
        try:
            return create_engine(url, pool_pre_ping=True, **hidden)
        except ModuleNotFoundError:
            raise UsageError("vault in PostgreSQL: its driver is missing; install lesionkg[postgresql]") from None
    _private_file(Path(url.database or ""), failed)
    engine = create_engine(url, connect_args={"timeout": 60}, **hidden)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


def _private_file(path: Path, failed: Callable[[Exception], StoreError]) -> None:
    """Make the file before SQLite does, for its owner only; what SQLite puts beside it gets the same rights."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise failed(error) from None
