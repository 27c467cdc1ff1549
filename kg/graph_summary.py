"""What is in a graph: its revision, and how many nodes and relationships of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kg import schema
from kg.revision import Head, find_head
from kg.store import GraphStore, Transaction


@dataclass(frozen=True, slots=True)
class GraphSummary:
    """Attributes:
    url: folder or address.
    schema_version: version of the names and keys.
    head: stamp of the newest revision; ``None`` without ontology.
    nodes: number of nodes by label; labels without nodes are left out.
    relationships: number of relationships by type; types without any are left out.
    """

    url: str
    schema_version: int
    head: Head | None
    nodes: Mapping[str, int]
    relationships: Mapping[str, int]


def summarise(store: GraphStore) -> GraphSummary:
    """Count what is in the graph, on one consistent state.

    Raises:
        StaleRevisionError: the stamp of the newest revision was damaged.
    """

    def work(tx: Transaction) -> GraphSummary:
        (stamp,) = tx.run(schema.READ_STAMP, {"id": schema.SCHEMA_ID})
        nodes = tx.run("MATCH (n) RETURN labels(n)[0] AS kind, count(n) AS n ORDER BY kind")
        relationships = tx.run("MATCH ()-[r]->() RETURN type(r) AS kind, count(r) AS n ORDER BY kind")
        return GraphSummary(
            url=store.url,
            schema_version=stamp["version"],
            head=find_head(tx),
            nodes={row["kind"]: row["n"] for row in nodes if row["kind"] != "Schema"},
            relationships={row["kind"]: row["n"] for row in relationships},
        )

    return store.read_transaction(work)
