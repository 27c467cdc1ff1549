"""The graph store protocol: what everything above the adapters may rely on.

Two adapters implement it: the embedded engine (one folder, no server) and Neo4j over Bolt. Callers write one dialect of
Cypher (``docs/cypher.md``), pass every value as a parameter, and return scalars, lists and maps, never nodes or paths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

T = TypeVar("T")
Row = dict[str, Any]
Parameters = Mapping[str, Any]


class Transaction(Protocol):
    """An open transaction. Reads see its own writes."""

    def run(self, cypher: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement and return all its rows."""
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

    def read(self, cypher: str, parameters: Parameters | None = None) -> list[Row]:
        """Run one statement that only reads; a writing statement is refused."""
        ...

    def read_transaction(self, work: Callable[[Transaction], T]) -> T:
        """Run several reads on one consistent state."""
        ...

    def write_transaction(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in one transaction: all of it is stored, or nothing. Retried on a write conflict."""
        ...

    def ensure_schema(self) -> None:
        """Create constraints and indexes, and stamp the schema version.

        Raises:
            SchemaVersionError: the graph was written by a newer schema.
        """
        ...

    def close(self) -> None:
        """Release the store."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
