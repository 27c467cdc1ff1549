"""The Neo4j graph store: any Bolt server, through the official driver."""

from __future__ import annotations

import logging
import random
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import neo4j
from neo4j import exceptions as bolt

from kg import schema
from kg.errors import ConflictError, StoreCredentialsError, StoreError, StoreUnreachableError
from kg.snapshot import PROCEDURE
from kg.statements import require_reading
from kg.store import SLICE, Parameters, Row, Transaction

# The driver logs broken connections as errors; they reach the caller as exceptions. Who wants the log adds a handler.
logging.getLogger("neo4j").addHandler(logging.NullHandler())

T = TypeVar("T")

CONNECT_S = 5.0
"""Longest wait for a server to answer."""

RETRY_S = 15.0
"""Longest time a transaction is retried because others wrote meanwhile."""

_BACKOFF_S = 0.02

_LOST = (StoreUnreachableError, StoreCredentialsError)
"""Errors of a server that is gone, or shut to us: asking again at once is of no use."""


class Neo4jStore:
    """A graph behind a ``bolt://`` or ``neo4j://`` address."""

    def __init__(
        self, url: str, user: str, password: str, database: str | None = None, read_only: bool = False
    ) -> None:
        """Connect.

        Args:
            url: address without credentials.
            user: user name.
            password: password.
            database: name on the server; ``None`` for the user's home database.
            read_only: refuse write transactions.

        Raises:
            StoreUnreachableError: no Bolt server answers.
            StoreCredentialsError: it refuses the user or password.
            StoreError: the address is malformed.
        """
        self._url = url
        self._database = database
        self._read_only = read_only
        self._closed = False
        self._thread = threading.local()
        try:
            self._driver = neo4j.GraphDatabase.driver(
                url,
                auth=(user, password),
                connection_timeout=CONNECT_S,
                connection_acquisition_timeout=2 * CONNECT_S,
                notifications_min_severity="OFF",
            )
        except (ValueError, bolt.ConfigurationError) as error:
            raise StoreError(f"graph {url}: is not a Bolt address; write bolt://host:port") from error
        try:
            self._driver.verify_connectivity()
        except (bolt.DriverError, bolt.Neo4jError, OSError) as error:
            self._driver.close()
            raise self._translated(error) from error

    @property
    def url(self) -> str:
        """The address, without credentials."""
        return self._url

    @property
    def read_only(self) -> bool:
        """Whether write transactions are refused."""
        return self._read_only

    def read(self, cypher: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement that only reads; see :meth:`kg.store.GraphStore.read`."""
        return self.read_transaction(lambda tx: tx.run(cypher, parameters))

    def read_transaction(self, work: Callable[[Transaction], T]) -> T:
        """Run several reads on one consistent state; see :meth:`kg.store.GraphStore.read_transaction`.

        Servers read what is committed at each moment, even while one statement runs, so the count of writes is compared
        before and after. An error of ``work`` counts only when nobody wrote meanwhile: it may have seen half a commit.
        """
        deadline = time.monotonic() + RETRY_S
        while True:
            before = self._writes()
            try:
                result = self._reading(work)
            except _LOST:
                raise
            except Exception:
                self._pause()  # a commit that has begun shows by then
                if self._writes() == before or time.monotonic() > deadline:
                    raise
            else:
                if self._writes() == before:
                    return result
                if time.monotonic() > deadline:
                    raise ConflictError(
                        f"graph {self.url}: changed during every read for {RETRY_S:.0f} s; try again later"
                    )
            self._pause()

    def write_transaction(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in one transaction; see :meth:`kg.store.GraphStore.write_transaction`."""
        self._require_writable()
        if getattr(self._thread, "writing", False):
            raise StoreError(f"graph {self.url}: a write transaction is open on this thread; do not nest them")
        self._thread.writing = True
        try:
            return self._retried(work)
        finally:
            self._thread.writing = False

    def ensure_schema(self) -> None:
        """Create constraints and indexes, and stamp the version; see :meth:`kg.store.GraphStore.ensure_schema`."""
        self.check_schema()
        self._require_writable()
        stamp = {"id": schema.SCHEMA_ID, "version": schema.SCHEMA_VERSION}
        try:
            with self._session(neo4j.WRITE_ACCESS) as session:
                for statement in schema.statements():
                    session.run(statement).consume()
                session.run(schema.WRITE_STAMP, stamp).consume()
        except (bolt.DriverError, bolt.Neo4jError) as error:
            raise self._translated(error) from error

    def check_schema(self) -> bool:
        """Whether the graph carries our stamp, an empty one need not.

        Raises:
            SchemaVersionError: written by a newer schema, or not ours.
        """
        stamp = self.read(schema.READ_STAMP, {"id": schema.SCHEMA_ID})
        return schema.require_known_version(self.url, stamp, not self.read(schema.READ_ANY_NODE))

    def snapshot(self, target: Path) -> None:
        """Let the owner of a graph folder copy one committed state to a new file; see :mod:`kg.snapshot`.

        Raises:
            StoreError: the server is no owner of ours on this machine, or cannot write the copy.
        """
        try:
            with self._session(neo4j.READ_ACCESS) as session:
                (row,) = _rows(session.run(f"CALL {PROCEDURE}() YIELD file RETURN file"))
        except (bolt.DriverError, bolt.Neo4jError) as error:
            raise self._translated(error) from error
        shutil.move(row["file"], target)

    def close(self) -> None:
        """Close all connections."""
        self._closed = True
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _retried(self, work: Callable[[Transaction], T]) -> T:
        deadline = time.monotonic() + RETRY_S
        while True:
            before = self._writes()
            try:
                return self._attempt(work)
            except (bolt.ServiceUnavailable, bolt.SessionExpired) as error:
                raise self._translated(error) from error  # it may have been stored; running it again may store it twice
            except Exception as error:
                late = time.monotonic() > deadline
                if isinstance(error, bolt.TransientError):
                    if late:
                        raise ConflictError(
                            f"graph {self.url}: other writers were faster for {RETRY_S:.0f} s; try again later"
                        ) from error
                    self._pause()
                    continue
                # While a commit of somebody else becomes visible, `work` may have seen half of it, and made a node
                # that is there already. So the error counts only when nobody wrote meanwhile.
                self._pause()
                if late or isinstance(error, _LOST) or self._writes() == before:
                    if isinstance(error, (bolt.DriverError, bolt.Neo4jError)):
                        raise self._translated(error) from error
                    raise

    def _attempt(self, work: Callable[[Transaction], T]) -> T:
        # An error of the driver leaves `work` as it is, so that write_transaction can tell a conflict from a refusal;
        # leaving the block without a commit rolls back.
        with self._session(neo4j.WRITE_ACCESS) as session, session.begin_transaction() as transaction:
            tx = _Writing(transaction)
            if not tx.run(schema.COUNT_WRITE, {"id": schema.SCHEMA_ID}):
                raise StoreError(f"graph {self.url}: has no schema yet; call ensure_schema first")
            result = work(tx)
            transaction.commit()
            return result

    def _reading(self, work: Callable[[Transaction], T]) -> T:
        # A server may take the access mode for a routing hint only. So every statement is checked before it is sent,
        # and the transaction is rolled back whatever it did.
        try:
            with self._session(neo4j.READ_ACCESS) as session, session.begin_transaction() as tx:
                try:
                    return work(_Reading(tx))
                finally:
                    if not tx.closed():
                        tx.rollback()
        except (bolt.DriverError, bolt.Neo4jError) as error:
            raise self._translated(error) from error

    def _writes(self) -> object:
        return self._reading(lambda tx: tx.run(schema.READ_WRITES, {"id": schema.SCHEMA_ID}))

    def _session(self, access: str) -> neo4j.Session:
        if self._closed:
            raise StoreError(f"graph {self.url}: is closed; open it again")
        return self._driver.session(database=self._database, default_access_mode=access)

    @staticmethod
    def _pause() -> None:
        time.sleep(random.uniform(_BACKOFF_S, 5 * _BACKOFF_S))

    def _require_writable(self) -> None:
        if self._read_only:
            raise StoreError(f"graph {self.url}: opened for reading only; open it for writing to change it")

    def _translated(self, error: Exception) -> StoreError:
        """The error of our tree for one of the driver's, in one line and without values."""
        if isinstance(error, bolt.AuthError):
            return StoreCredentialsError(
                f"graph {self.url}: refuses the user or password; set LESIONKG_NEO4J_USER and LESIONKG_NEO4J_PASSWORD"
            )
        if isinstance(error, bolt.ConstraintError):
            return StoreError(f"graph {self.url}: nothing was stored (a node with this key exists already)")
        if isinstance(error, bolt.Forbidden):
            return StoreError(f"graph {self.url}: the user has no right to do this; use one that may write")
        if isinstance(error, (bolt.ServiceUnavailable, bolt.SessionExpired, OSError)):
            return StoreUnreachableError(
                f"graph {self.url}: no Bolt server answers; start it (`lesionkg graph serve`) or check the address"
            )
        text = getattr(error, "message", None) or str(error) or type(error).__name__
        return StoreError(f"graph {self.url}: {' '.join(text.split())[:300]}")


class _Reading:
    """Statements of a read transaction."""

    def __init__(self, transaction: neo4j.Transaction) -> None:
        self._transaction = transaction

    def run(self, cypher: str, parameters: Parameters | None = None) -> list[Row]:
        require_reading(cypher)
        return _rows(self._transaction.run(cypher, dict(parameters or {})))

    def run_many(self, cypher: str, rows: Sequence[Row], parameters: Parameters | None = None) -> None:
        raise StoreError("read transaction: loads nothing; use write_transaction")


class _Writing:
    """Statements of a write transaction."""

    def __init__(self, transaction: neo4j.Transaction) -> None:
        self._transaction = transaction

    def run(self, cypher: str, parameters: Parameters | None = None) -> list[Row]:
        return _rows(self._transaction.run(cypher, dict(parameters or {})))

    def run_many(self, cypher: str, rows: Sequence[Row], parameters: Parameters | None = None) -> None:
        for start in range(0, len(rows), SLICE):
            self.run(cypher, {**(parameters or {}), "rows": list(rows[start : start + SLICE])})


def _rows(result: neo4j.Result) -> list[Row]:
    """All rows of a result as plain Python."""
    names = result.keys()
    return [
        {name: _plain(name, value) for name, value in zip(names, record.values(), strict=True)} for record in result
    ]


def _plain(name: str, value: Any) -> Any:
    """The value as plain Python; dates and times as ISO 8601 text.

    Raises:
        StoreError: it is a node, relationship, path or another object of the driver.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (neo4j.time.Date, neo4j.time.Time, neo4j.time.DateTime, neo4j.time.Duration)):
        return value.iso_format()
    if isinstance(value, (neo4j.graph.Node, neo4j.graph.Relationship, neo4j.graph.Path)):
        raise StoreError(f"query: column {name!r} is not a scalar, list or map; return its properties instead")
    if isinstance(value, (list, tuple)):
        return [_plain(name, item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(name, item) for key, item in value.items()}
    raise StoreError(f"query: column {name!r} is of type {type(value).__name__}; return scalars, lists and maps")
