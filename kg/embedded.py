"""The embedded graph store: an ArcadeDB folder opened in this process."""

from __future__ import annotations

import atexit
import glob
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from kg import jvm, schema
from kg.engine_errors import engine_errors, is_conflict, opening_error, reason
from kg.errors import ConflictError, StoreError
from kg.ownership import Ownership, remove_ownership, write_ownership
from kg.snapshot import write_snapshot
from kg.statements import require_reading
from kg.store import SLICE, Parameters, Row, Transaction

T = TypeVar("T")

_ATTEMPTS = 12
_BACKOFF_S = 0.01
_DATABASE_FILES = ("configuration.json", "schema.json", "dictionary.*.dict")


class EmbeddedStore:
    """A graph in one folder. One process may hold it; its threads may share the object."""

    def __init__(
        self, database: Any, folder: Path, read_only: bool = False, release: Callable[[], None] | None = None
    ) -> None:
        """Wrap an open database; use :func:`open_folder` to open one.

        Args:
            database: ``arcadedb_embedded.Database``.
            folder: where it lies.
            read_only: refuse write transactions.
            release: what closing does; by default it closes the database and gives up the ownership of the folder.
        """
        self._database = database
        self._folder = folder
        self._read_only = read_only
        self._writing = threading.Lock()
        self._closed = False
        self._release = release or self._close_database
        atexit.register(self.close)

    @property
    def url(self) -> str:
        """The folder."""
        return str(self._folder)

    @property
    def read_only(self) -> bool:
        """Whether write transactions are refused."""
        return self._read_only

    def read(self, cypher: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement that only reads; see :meth:`kg.store.GraphStore.read`."""
        return self.read_transaction(lambda tx: tx.run(cypher, parameters))

    def read_transaction(self, work: Callable[[Transaction], T]) -> T:
        """Run several reads on one consistent state; see :meth:`kg.store.GraphStore.read_transaction`.

        The engine reads what is committed at each moment, even while one statement runs, so the count of writes is
        compared before and after. An error of ``work`` counts only when nobody wrote meanwhile: it may have seen half a
        commit.
        """
        for attempt in range(_ATTEMPTS):
            before = self._writes()
            try:
                result = work(_Reading(self))
            except Exception:
                time.sleep(_BACKOFF_S)  # a commit that has begun shows by then
                if self._writes() == before:
                    raise
            else:
                if self._writes() == before:
                    return result
            time.sleep(_BACKOFF_S * (attempt + 1))
        raise ConflictError(f"graph {self.url}: changed during every one of {_ATTEMPTS} reads; try again later")

    def write_transaction(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in one transaction; see :meth:`kg.store.GraphStore.write_transaction`."""
        self._require_writable()
        self._require_open()
        if self._database.is_transaction_active():
            raise StoreError(f"graph {self.url}: a write transaction is open on this thread; do not nest them")
        with self._writing:
            for attempt in range(_ATTEMPTS):
                before = self._writes()
                try:
                    return self._attempt(work)
                except Exception as error:
                    # While a commit of a client becomes visible, `work` may have seen half of it, and made a node that
                    # is there already. So an error that is no conflict counts only when nobody wrote meanwhile.
                    if not (isinstance(error, StoreError) and is_conflict(error)):
                        time.sleep(_BACKOFF_S)
                        if self._closed or self._writes() == before:
                            raise
                time.sleep(_BACKOFF_S * (attempt + 1))
        raise ConflictError(f"graph {self.url}: other writers were faster {_ATTEMPTS} times; try again later")

    def ensure_schema(self) -> None:
        """Create constraints, indexes and types; see :meth:`kg.store.GraphStore.ensure_schema`."""
        self.check_schema()
        self._require_writable()
        for statement in schema.statements():
            self._rows(self._database.command, statement, None)
        for relationship in schema.RELATIONSHIP_TYPES:
            self._rows(self._database.command, f"CREATE EDGE TYPE {relationship} IF NOT EXISTS", None, language="sql")
        stamp = {"id": schema.SCHEMA_ID, "version": schema.SCHEMA_VERSION}
        self._begin()
        try:
            self._rows(self._database.command, schema.WRITE_STAMP, stamp)
            self._commit()
        except BaseException:
            self._rollback()
            raise

    def check_schema(self) -> bool:
        """Whether the graph carries our stamp, an empty one need not.

        Raises:
            SchemaVersionError: written by a newer schema, or not ours.
        """
        stamp = self._rows(self._database.query, schema.READ_STAMP, {"id": schema.SCHEMA_ID})
        return schema.require_known_version(self.url, stamp, not self.read(schema.READ_ANY_NODE))

    def snapshot(self, target: Path) -> None:
        """Write a copy of one committed state to a new file, while others write; see :mod:`kg.snapshot`.

        Raises:
            StoreError: the engine cannot write it, or a write transaction is open on this thread.
        """
        self._require_open()
        if self._database.is_transaction_active():
            raise StoreError(f"graph {self.url}: a write transaction is open on this thread; take the copy after it")
        try:
            write_snapshot(self._database.get_java_database(), target)
        except engine_errors() as error:
            raise StoreError(f"graph {self.url}: no copy was made ({reason(error)})") from error

    def version(self) -> tuple[Any, ...]:
        """What stays the same as long as nobody commits anything, counted or not; for comparing only."""
        self._require_open()
        manager = self._database.get_java_database().getEmbedded().getTransactionManager()
        return (*(row["writes"] for row in self._writes()), int(manager.getLastTransactionId()))

    def close(self) -> None:
        """Close the database, so that another process may open the folder."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _close_database(self) -> None:
        try:
            self._database.close()
        except engine_errors() as error:
            raise StoreError(f"graph {self.url}: did not close ({reason(error)})") from error
        finally:
            remove_ownership(self._folder)

    def _attempt(self, work: Callable[[Transaction], T]) -> T:
        self._begin()
        try:
            if not self._rows(self._database.command, schema.COUNT_WRITE, {"id": schema.SCHEMA_ID}):
                raise StoreError(f"graph {self.url}: has no schema yet; call ensure_schema first")
            result = work(_Writing(self))
            self._commit()
        except BaseException:
            self._rollback()
            raise
        return result

    def _writes(self) -> list[Row]:
        return self._rows(self._database.query, schema.READ_WRITES, {"id": schema.SCHEMA_ID})

    def _require_writable(self) -> None:
        if self._read_only:
            raise StoreError(f"graph {self.url}: opened for reading only; open it for writing to change it")

    def _rows(
        self,
        call: Callable[..., Any],
        statement: str,
        parameters: Parameters | None,
        language: str = "opencypher",
    ) -> list[Row]:
        self._require_open()
        try:
            result = call(language, statement, dict(parameters)) if parameters else call(language, statement)
            rows = [] if result is None else result.to_list()
        except engine_errors() as error:
            raise StoreError(f"graph {self.url}: {reason(error)}") from error
        return [{name: _plain(name, value) for name, value in row.items()} for row in rows]

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError(f"graph {self.url}: is closed; open it again")

    def _begin(self) -> None:
        self._require_open()
        try:
            self._database.begin()
        except engine_errors() as error:
            raise StoreError(f"graph {self.url}: no transaction began ({reason(error)})") from error

    def _commit(self) -> None:
        try:
            self._database.commit()
        except engine_errors() as error:
            raise StoreError(f"graph {self.url}: commit failed, nothing was stored ({reason(error)})") from error

    def _rollback(self) -> None:
        if self._closed or not self._database.is_transaction_active():
            return
        try:
            self._database.rollback()
        except engine_errors() as error:
            raise StoreError(f"graph {self.url}: rollback failed, open it again ({reason(error)})") from error


class _Reading:
    """Statements of a read transaction."""

    def __init__(self, store: EmbeddedStore) -> None:
        self._store = store

    def run(self, cypher: str, parameters: Parameters | None = None) -> list[Row]:
        require_reading(cypher)
        return self._store._rows(self._store._database.query, cypher, parameters)

    def run_many(self, cypher: str, rows: Sequence[Row], parameters: Parameters | None = None) -> None:
        raise StoreError("read transaction: loads nothing; use write_transaction")


class _Writing:
    """Statements of a write transaction."""

    def __init__(self, store: EmbeddedStore) -> None:
        self._store = store

    def run(self, cypher: str, parameters: Parameters | None = None) -> list[Row]:
        return self._store._rows(self._store._database.command, cypher, parameters)

    def run_many(self, cypher: str, rows: Sequence[Row], parameters: Parameters | None = None) -> None:
        for start in range(0, len(rows), SLICE):
            self.run(cypher, {**(parameters or {}), "rows": _java_rows(rows[start : start + SLICE])})


def open_folder(folder: Path, create: bool = False, read_only: bool = False) -> EmbeddedStore:
    """Open the graph in a folder, alone.

    Args:
        folder: the graph folder.
        create: make an empty graph when the folder does not exist. It is built beside and renamed, so that a crash
            never leaves half a graph.
        read_only: refuse write transactions.

    Raises:
        StoreBusyError: another process, or another store of this process, holds the folder.
        SchemaVersionError: the graph was written by a newer schema, or is not ours.
        StoreError: no such folder, not a graph folder, or damaged.
    """
    folder = folder.absolute()
    if not folder.exists():
        if not create:
            raise StoreError(f"graph {folder}: does not exist; `lesionkg demo` or `lesionkg ingest` makes one")
        _create(folder)
    if not folder.is_dir() or not all(any(folder.glob(pattern)) for pattern in _DATABASE_FILES):
        raise StoreError(f"graph {folder}: is not a graph folder; name another, or remove it to start afresh")
    store = EmbeddedStore(_open_database(folder), folder, read_only)
    try:
        write_ownership(folder, Ownership(os.getpid()))
        if not store.check_schema():
            raise StoreError(f"graph {folder}: is empty and has no schema; remove the folder to start afresh")
    except BaseException:
        store.close()
        raise
    return store


def open_snapshot(folder: Path) -> EmbeddedStore:
    """Open an unpacked copy of a graph (:meth:`EmbeddedStore.snapshot`); no file is written, and several may open it.

    Args:
        folder: the files of the copy; nobody has it open for writing.

    Raises:
        StoreError: it is no copy of a graph, or damaged.
    """
    from arcadedb_embedded.core import Database

    jvm.start()
    try:
        mode = jvm.java_class("com.arcadedb.engine.ComponentFile").MODE.READ_ONLY
        database = Database(jvm.java_class("com.arcadedb.database.DatabaseFactory")(str(folder)).open(mode))
    except engine_errors() as error:
        raise opening_error(folder, error) from error
    return EmbeddedStore(database, folder, read_only=True, release=database.close)


def remove_partials(path: Path) -> None:
    """Take away what processes that are gone left beside a path while they made it: ``NAME.partial-PID...``."""
    beginning = f"{path.name}.partial-"
    for left in path.parent.glob(f"{glob.escape(beginning)}*"):
        maker = left.name.removeprefix(beginning).partition(".")[0]
        if maker.isdigit() and int(maker) != os.getpid() and Ownership(int(maker)).alive:
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _create(folder: Path) -> None:
    """Make an empty graph with its schema."""
    import arcadedb_embedded as arcadedb

    jvm.start()
    partial = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
    remove_partials(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with EmbeddedStore(arcadedb.create_database(str(partial)), partial) as store:
            store.ensure_schema()
        partial.rename(folder)
    except (OSError, arcadedb.ArcadeDBError) as error:
        raise StoreError(f"graph {folder}: cannot be created ({reason(error)}); check the folder's rights") from error


def _open_database(folder: Path) -> Any:
    import arcadedb_embedded as arcadedb

    jvm.start()
    try:
        database = arcadedb.open_database(str(folder))
    except arcadedb.ArcadeDBError as error:
        raise opening_error(folder, error) from error
    # Commits survive a power cut: the log is flushed to the disk at each.
    database.set_wal_flush("yes_nometadata")
    return database


def _java_rows(rows: Sequence[Row]) -> Any:
    """Rows as a Java list of maps, by way of one JSON text: a third of the time of handing over value by value.

    Rows with values that JSON would change (dates, infinities) stay as they are; the engine's wheel converts them.
    """
    from arcadedb_embedded.type_conversion import json_bulk_dumps

    try:
        text = json_bulk_dumps(rows)
    except (TypeError, ValueError):
        return list(rows)
    return jvm.java_class("com.arcadedb.serializer.json.JSONArray")(text).toList()


def _plain(name: str, value: Any) -> Any:
    """The value as plain Python; dates and times as ISO 8601 text.

    Raises:
        StoreError: it is a node, relationship, path or another object of the engine.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(name, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(name, item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if type(value).__name__.startswith("com.arcadedb.query.opencypher.temporal."):
        return str(value)
    raise StoreError(f"query: column {name!r} is not a scalar, list or map; return its properties instead")
