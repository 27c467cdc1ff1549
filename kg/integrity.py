"""Whether the graph holds together: every relationship is seen from both of its ends."""

from __future__ import annotations

from dataclasses import dataclass

from kg.schema import RELATIONSHIP_TYPES
from kg.store import GraphStore, Transaction


@dataclass(frozen=True, slots=True)
class EdgeCount:
    """Relationships of one type, counted in three ways.

    Attributes:
        kind: relationship type.
        outgoing: seen from their start nodes.
        incoming: seen from their end nodes.
        stored: the relationships themselves.
    """

    kind: str
    outgoing: int
    incoming: int
    stored: int

    @property
    def agrees(self) -> bool:
        """Whether the three counts are equal."""
        return self.outgoing == self.incoming == self.stored


def edge_counts(store: GraphStore) -> list[EdgeCount]:
    """The counts of every relationship type of the schema, in its order, on one consistent state."""
    return store.read_transaction(_counts)


def _counts(tx: Transaction) -> list[EdgeCount]:
    # OPTIONAL MATCH begins at the node, so the engine walks each node's own list of relationships; a plain pattern may
    # be answered from the relationships alone.
    outgoing = _by_kind(tx, "MATCH (n) OPTIONAL MATCH (n)-[r]->()")
    incoming = _by_kind(tx, "MATCH (n) OPTIONAL MATCH (n)<-[r]-()")
    stored = _by_kind(tx, "MATCH ()-[r]->()")
    return [
        EdgeCount(kind, outgoing.get(kind, 0), incoming.get(kind, 0), stored.get(kind, 0))
        for kind in RELATIONSHIP_TYPES
    ]


def _by_kind(tx: Transaction, pattern: str) -> dict[str, int]:
    rows = tx.run(f"{pattern} RETURN type(r) AS kind, count(r) AS n ORDER BY kind")
    return {row["kind"]: row["n"] for row in rows if row["kind"] is not None}
