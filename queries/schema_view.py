"""What a query may speak of: kinds of nodes and relationships with their properties, and how many the graph holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kg.schema import NODE_KEYS, RELATIONSHIP_TYPES
from kg.store import GraphStore

_HIDDEN = "Schema"
_SEEN = 2000
"""Nodes or relationships of a kind whose properties are looked at."""


@dataclass(frozen=True, slots=True)
class NodeKind:
    """Nodes of one label.

    Attributes:
        name: the label.
        count: how many there are.
        properties: their names, the key first; of at most 2,000 nodes.
    """

    name: str
    count: int
    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RelationshipKind:
    """Relationships of one type.

    Attributes:
        name: the type.
        count: how many there are.
        ends: labels of the nodes they lead from and to; empty without any.
        properties: their names; of at most 2,000 relationships.
    """

    name: str
    count: int
    ends: tuple[tuple[str, str], ...]
    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SchemaView:
    """Attributes:
    nodes: every kind of node.
    relationships: every kind of relationship, those that the graph holds first.
    """

    nodes: tuple[NodeKind, ...]
    relationships: tuple[RelationshipKind, ...]


@dataclass(frozen=True, slots=True)
class KindCounts:
    """Attributes:
    nodes: number of nodes by label.
    relationships: number of relationships by label of their start, type, and label of their end.
    """

    nodes: Mapping[str, int]
    relationships: Mapping[tuple[str, str, str], int]

    def of_type(self, name: str) -> int:
        """Number of relationships of a type."""
        return sum(count for (_, kind, _), count in self.relationships.items() if kind == name)


def count_kinds(store: GraphStore) -> KindCounts:
    """Count nodes and relationships of every kind; takes about a second on the full graph."""
    nodes = store.read("MATCH (n) RETURN labels(n)[0] AS kind, count(n) AS n ORDER BY kind")
    edges = store.read(
        "MATCH (a)-[r]->(b) RETURN labels(a)[0] AS start, type(r) AS kind, labels(b)[0] AS stop, count(r) AS n "
        "ORDER BY kind, start, stop"
    )
    return KindCounts(
        {row["kind"]: row["n"] for row in nodes if row["kind"] != _HIDDEN},
        {(row["start"], row["kind"], row["stop"]): row["n"] for row in edges},
    )


def read_schema(store: GraphStore, counts: KindCounts) -> SchemaView:
    """The kinds with their properties.

    Args:
        store: the graph.
        counts: of its nodes and relationships.
    """
    nodes = tuple(
        NodeKind(name, counts.nodes.get(name, 0), _keyed(key, _properties(store, f"(x:{name})")))
        for name, key in NODE_KEYS.items()
        if name != _HIDDEN
    )
    kinds = [_relationship(store, name, counts) for name in RELATIONSHIP_TYPES]
    return SchemaView(nodes, tuple(sorted(kinds, key=lambda kind: kind.count == 0)))


def _relationship(store: GraphStore, name: str, counts: KindCounts) -> RelationshipKind:
    ends = tuple((start, stop) for start, kind, stop in counts.relationships if kind == name)
    found = {key for start, stop in ends for key in _properties(store, f"(:{start})-[x:{name}]->(:{stop})")}
    return RelationshipKind(name, counts.of_type(name), ends, tuple(sorted(found)))


def _properties(store: GraphStore, pattern: str) -> list[str]:
    rows = store.read(
        f"MATCH {pattern} WITH x LIMIT {_SEEN} UNWIND keys(x) AS name RETURN DISTINCT name AS name ORDER BY name"
    )
    return [str(row["name"]) for row in rows]


def _keyed(key: str, names: list[str]) -> tuple[str, ...]:
    return (key, *(name for name in names if name != key))
