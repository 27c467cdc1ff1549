"""What is in a graph: nodes and relationships by kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kg.schema import NODE_KEYS
from kg.store import GraphStore, Transaction


@dataclass(frozen=True)
class Inventory:
    """Counts by kind; kinds without any are left out.

    Attributes:
        nodes: by label.
        relationships: by type.
    """

    nodes: Mapping[str, int]
    relationships: Mapping[str, int]


def inventory(store: GraphStore) -> Inventory:
    """Count everything, on one consistent state."""
    return store.read_transaction(_count)


def _count(tx: Transaction) -> Inventory:
    nodes = {kind: tx.run(f"MATCH (n:{kind}) RETURN count(n) AS n ORDER BY n")[0]["n"] for kind in NODE_KEYS}
    rows = tx.run("MATCH ()-[r]->() RETURN type(r) AS kind, count(r) AS n ORDER BY kind")
    return Inventory({k: n for k, n in nodes.items() if n}, {row["kind"]: row["n"] for row in rows})
