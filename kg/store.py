"""The graph store protocol: what everything above the adapters may rely on.

Two adapters implement it: the embedded engine (one folder, no server) and Neo4j over Bolt. Callers write one dialect of
Cypher (``docs/cypher.md``), pass every value as a parameter, and return scalars, lists and maps, never nodes or paths.

Loading many rows: one ``write_transaction`` holds a whole load, so that a crash leaves all of it or nothing. Inside,
one ``run_many`` per kind of node or relationship, with ``MERGE`` so that running it twice changes nothing::

    def load(tx: Transaction) -> None:
        tx.run_many("UNWIND $rows AS row MERGE (l:Lesion {id: row.id}) SET l += row", lesions)
        tx.run_many(
            "UNWIND $rows AS row MATCH (l:Lesion {id: row.lesion}) MATCH (k:Label {id: row.label}) "
            "MERGE (l)-[r:HAS_LABEL {source: $source}]->(k) SET r.verified = row.verified",
            edges,
            {"source": "lesanet"},
        )

    store.write_transaction(load)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

T = TypeVar("T")
Row = dict[str, Any]
Parameters = Mapping[str, Any]

SLICE = 5000
"""Rows that :meth:`Transaction.run_many` hands to the engine at a time."""


class Transaction(Protocol):
    """An open transaction. Reads see its own writes."""

    def run(self, cypher: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement and return all its rows.

        Values are plain Python: None, bool, int, float, str, and lists and dicts of these. Dates and times come back
        as ISO 8601 text, which is also how they are stored.

        Raises:
            StoreError: the engine refused the statement, or a column is a node, relationship or path.
        """
        ...

    def run_many(self, cypher: str, rows: Sequence[Row], parameters: Parameters | None = None) -> None:
        """Run a statement that begins with ``UNWIND $rows AS row``, in slices, inside this transaction."""
        ...


class GraphStore(Protocol):
    """A property graph with Cypher.

    All methods raise :class:`kg.errors.StoreError` or a subclass with a one-line message when the engine fails.
    """

    @property
    def url(self) -> str:
        """Where the graph is: a folder, or a ``bolt://`` / ``neo4j://`` address (without credentials)."""
        ...

    @property
    def read_only(self) -> bool:
        """Whether write transactions are refused."""
        ...

    def read(self, cypher: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement that only reads, on one consistent state.

        Raises:
            QueryRefusedError: the statement writes, administers, or reaches files or the network; it was not run.
            ConflictError: the graph changed during every attempt.
        """
        ...

    def read_transaction(self, work: Callable[[Transaction], T]) -> T:
        """Run several reads on one consistent state.

        ``work`` runs again from the start when a write transaction was committed meanwhile, also when it failed, so it
        must not have side effects.

        Raises:
            QueryRefusedError: a statement of ``work`` does not only read.
            ConflictError: the graph changed during every attempt.
        """
        ...

    def write_transaction(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in one transaction: all of it is stored, or nothing.

        Write transactions are serialisable: of two that overlap, one fails at its commit and its ``work`` runs again
        from the start. What ``work`` read is therefore still true when it is committed. It also runs again when it, or
        its commit, failed while another writer committed: it may have seen half of that.

        Raises:
            ConflictError: another writer was faster on every attempt.
        """
        ...

    def ensure_schema(self) -> None:
        """Create constraints and indexes, and stamp the schema version.

        Raises:
            SchemaVersionError: the graph was written by a newer schema, or is not empty and holds no schema of ours;
                nothing was touched.
        """
        ...

    def close(self) -> None:
        """Release the store. Closing twice is allowed."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
