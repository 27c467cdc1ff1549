"""The relational store: what is not a graph, in SQLite (one private file) or in PostgreSQL.

The vault keeps its tables in one of its own; proposals, reviews, decisions and the mirror of history share another,
``curation.sqlite`` in the data folder unless ``LESIONKG_DATABASE`` names one::

    with Database(database_address(home), "curation store") as database:
        with database.write() as connection:
            connection.execute(...)
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Column, Connection, Engine, MetaData, Table, Text, create_engine, event, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from kg.errors import SchemaVersionError, StoreError, UsageError

if TYPE_CHECKING:
    from types import TracebackType

DATABASE = "LESIONKG_DATABASE"
"""Environment variable with the address of the curation store: a file or a ``postgresql+psycopg://`` URL."""

_LOCK = 7_031_846_092
"""Number of the PostgreSQL lock that processes hold while they make the tables; any fixed number does."""


def settings_table(name: str, metadata: MetaData) -> Table:
    """The table of a set of tables that holds names and values, the version among them; see ``make_tables``.

    Args:
        name: of the table.
        metadata: the set.
    """
    return Table(
        name,
        metadata,
        Column("name", Text, primary_key=True),
        Column("value", Text, nullable=False),
        comment="Version of these tables, and what is set for all of them.",
    )


def database_address(home: Path) -> str:
    """Where the curation store of a data folder is."""
    return os.environ.get(DATABASE) or str(home / "curation.sqlite")


class Database:
    """Connections to a relational store. Its threads may share it.

    Neither parameters of statements nor messages of drivers show in its errors: they may hold identifiers or text.

    Args:
        where: path of an SQLite file, made when it is absent (readable by its owner only), or the URL of a PostgreSQL
            database (``postgresql+psycopg://user@host/name``). A password comes from the URL, ``PGPASSWORD`` or
            ``~/.pgpass``; it is never shown.
        name: what its errors call it.

    Attributes:
        where: the address, without a password.
        name: what its errors call it.
        engine: SQLAlchemy's engine.

    Raises:
        UsageError: the address is not one of these, or the PostgreSQL driver is not installed.
        StoreError: the file cannot be made.
    """

    def __init__(self, where: str | Path, name: str) -> None:
        url = _url(where, name)
        self.name = name
        is_file = url.get_backend_name() == "sqlite"
        self.where = str(url.database) if is_file else url.render_as_string(hide_password=True)
        self.engine = self._file_engine(url) if is_file else self._server_engine(url)

    def make_tables(self, metadata: MetaData, stamps: Table, version: int, first: Mapping[str, str]) -> dict[str, str]:
        """Make the tables that are absent; another process may do so at the same moment.

        Args:
            metadata: the tables.
            stamps: the one of them that holds names and values, and the version under ``version``.
            version: version of the tables.
            first: further values for a store that is made now.

        Returns:
            The values that the store has.

        Raises:
            SchemaVersionError: a newer program wrote the store.
        """
        with self.write() as connection:
            if self.engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            metadata.create_all(connection)
            for name, value in {"version": str(version), **first}.items():
                self.fill(connection, stamps, {"name": name, "value": value})
            found = {row.name: row.value for row in connection.execute(select(stamps.c.name, stamps.c.value))}
        if int(found["version"]) > version:
            self.close()
            raise SchemaVersionError(
                f"{self.name} {self.where}: version {found['version']}, newer than {version}; install a newer lesionkg"
            )
        return found

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read with, on one consistent state."""
        consistent = self.engine.execution_options(**self._isolation)
        with self._guarded(), consistent.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed at the end of the block, rolled back when the block fails."""
        # SQLite: the right to write is taken at the start, where waiting for another process is possible.
        immediate = self.engine.execution_options(begin="BEGIN IMMEDIATE")
        with self._guarded(), immediate.begin() as connection:
            yield connection

    def insert(self, table: Table) -> Any:
        """An insert that knows what to do when the row is there already; both engines write it the same way."""
        return (postgresql if self.engine.dialect.name == "postgresql" else sqlite).insert(table)

    def fill(self, connection: Connection, table: Table, *rows: Mapping[str, Any]) -> None:
        """Insert the rows that are not there; another process that inserts one at this moment goes first."""
        connection.execute(self.insert(table).on_conflict_do_nothing(), list(rows))

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of an SQLite store that exist now; none of a server."""
        if self.engine.dialect.name != "sqlite":
            return ()
        beside = (Path(f"{self.where}{ending}") for ending in ("", "-wal", "-shm"))
        return tuple(path for path in beside if path.exists())

    def compact(self) -> None:
        """Write the store anew, so that nothing of removed rows is left in its files, logs of changes included.

        Raises:
            StoreError: somebody else uses it.
        """
        if self.engine.dialect.name == "postgresql":
            committing = self.engine.execution_options(isolation_level="AUTOCOMMIT")
            with self._guarded(), committing.connect() as connection:
                connection.execute(text("VACUUM FULL"))
            return
        file = self.engine.raw_connection()
        try:
            cursor = file.cursor()
            cursor.execute("VACUUM")
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as error:
            raise self._failed(error) from None
        finally:
            file.close()
        if busy:
            raise StoreError(f"{self.name} {self.where}: another process reads it; stop that process and try again")

    def close(self) -> None:
        """Close all connections. Closing twice is allowed."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _isolation(self) -> dict[str, str]:
        """What makes several reads see one state; SQLite's transactions do so by themselves."""
        return {"isolation_level": "REPEATABLE READ"} if self.engine.dialect.name == "postgresql" else {}

    @property
    def _hidden(self) -> dict[str, Any]:
        return {"hide_parameters": True, "logging_name": self.name.replace(" ", "_")}

    def _server_engine(self, url: URL) -> Engine:
        try:
            return create_engine(url, pool_pre_ping=True, **self._hidden)
        except ModuleNotFoundError:
            raise UsageError(
                f"{self.name} in PostgreSQL: its driver is missing; install lesionkg[postgresql]"
            ) from None

    def _file_engine(self, url: URL) -> Engine:
        self._private_file(Path(url.database or ""))
        engine = create_engine(url, connect_args={"timeout": 60}, **self._hidden)

        @event.listens_for(engine, "connect")
        def _prepare(connection: Any, _: object) -> None:
            connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

        return engine

    def _private_file(self, path: Path) -> None:
        """Make the file before SQLite does, for its owner only; what SQLite puts beside it gets the same rights."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            path.chmod(0o600)
        except OSError as error:
            raise self._failed(error) from None

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> StoreError:
        """The error to raise; a driver's message may hold keys or text, so its kind must do."""
        kind = type(getattr(error, "orig", None) or error)
        # SQLite's own words for a file that is not, or no longer, one of its own; everything else is a subclass.
        if kind is sqlite3.DatabaseError:
            return StoreError(
                f"{self.name} {self.where}: is damaged, or no database; restore a copy of it, or move it away to begin "
                "a new one"
            )
        return StoreError(
            f"{self.name} {self.where}: refused ({kind.__name__}), nothing of this step was stored; "
            "check address, rights and space"
        )


def _url(where: str | Path, name: str) -> URL:
    """What an address means: a file, or a PostgreSQL database."""
    address = str(where)
    if "://" not in address:
        return URL.create("sqlite", database=str(Path(address).absolute()))
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise UsageError(
            f"{name} address: not readable; write a file, or postgresql+psycopg://user@host/name"
        ) from None
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise UsageError(
            f"{name} address with scheme {url.drivername!r}: unknown; "
            "write a file, or postgresql+psycopg://user@host/name"
        )
    return url.set(drivername="postgresql+psycopg")
