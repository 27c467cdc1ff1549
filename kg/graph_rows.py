"""Bring the nodes and relationships of one source to a wanted state, inside one write transaction.

What is there is read first and compared, so that a load that changes nothing writes nothing, and relationships that the
source no longer asserts are removed. The result is counted before it is committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kg import schema
from kg.errors import StoreError
from kg.store import Row, Transaction

Pair = tuple[str, str]


@dataclass(frozen=True)
class NodeRows:
    """Nodes of one label, as one source knows them.

    Attributes:
        label: node label.
        properties: every property the source may set, without the key; one that a row leaves out is unknown, and an
            older value of it is removed.
        rows: properties by key.
    """

    label: str
    properties: tuple[str, ...]
    rows: Mapping[str, Row]

    @property
    def key(self) -> str:
        """Name of the key property."""
        return _key(self.label)


@dataclass(frozen=True)
class EdgeRows:
    """Relationships of one type that one source asserts, at most one between two nodes.

    Attributes:
        type: relationship type.
        start: label of the start nodes.
        end: label of the end nodes.
        properties: names of the properties that every row has.
        rows: properties by (key of the start node, key of the end node).
    """

    type: str
    start: str
    end: str
    properties: tuple[str, ...]
    rows: Mapping[Pair, Row]

    def __post_init__(self) -> None:
        if self.type not in schema.RELATIONSHIP_TYPES:
            raise StoreError(f"relationship type {self.type!r}: not in kg.schema.RELATIONSHIP_TYPES; add it there")

    @property
    def keys(self) -> tuple[str, str]:
        """Names of the key properties of start and end nodes."""
        return _key(self.start), _key(self.end)


@dataclass(frozen=True)
class _Changes:
    create: list[Row]
    other: list[Row]
    """Nodes to update, or relationships to delete."""


def write_all(tx: Transaction, nodes: Sequence[NodeRows], edges: Sequence[EdgeRows], prefix: str, source: str) -> int:
    """Bring all tables of one source to the wanted state.

    Args:
        tx: a write transaction in which nothing was written yet.
        nodes: nodes that must be there; others stay.
        edges: relationships that must be there. Others of the same types are removed when they are this source's.
        prefix: the keys of the source's nodes begin with it; other start nodes are left alone.
        source: where a table has the property ``source``, only relationships with this value are this source's.

    Returns:
        Number of nodes and relationships written or removed.

    Raises:
        StoreError: the result is not what was wanted; the transaction must not commit.
    """
    scope: Row = {"prefix": prefix, "source": source}
    node_changes = [_plan_nodes(tx, table, scope) for table in nodes]
    edge_changes = [_plan_edges(tx, table, scope) for table in edges]
    for edge_table, changes in zip(edges, edge_changes, strict=True):
        _delete_edges(tx, edge_table, changes, scope)
    for node_table, changes in zip(nodes, node_changes, strict=True):
        _write_nodes(tx, node_table, changes)
    for edge_table, changes in zip(edges, edge_changes, strict=True):
        _create_edges(tx, edge_table, changes)
    for edge_table in edges:
        _require_edges(tx, edge_table, scope)
    return sum(len(changes.create) + len(changes.other) for changes in (*node_changes, *edge_changes))


def _plan_nodes(tx: Transaction, table: NodeRows, scope: Row) -> _Changes:
    rows = tx.run(
        f"MATCH (n:{table.label}) WHERE n.{table.key} STARTS WITH $prefix "
        f"RETURN n.{table.key} AS key, properties(n) AS has ORDER BY key",
        scope,
    )
    known = {row["key"]: row["has"] for row in rows}
    changes = _Changes([], [])
    for node, wanted in table.rows.items():
        has = known.get(node)
        if has is None:
            changes.create.append({table.key: node, **wanted})
        elif any(has.get(name) != wanted.get(name) for name in table.properties):
            changes.other.append({table.key: node, **{name: wanted.get(name) for name in table.properties}})
    return changes


def _plan_edges(tx: Transaction, table: EdgeRows, scope: Row) -> _Changes:
    """One that is there twice, or with other properties, is removed and made anew."""
    start, end = table.keys
    rows = tx.run(
        f"MATCH (a:{table.start})-[r:{table.type}]->(b:{table.end}) WHERE {_own(table)} "
        f"RETURN a.{start} AS a, b.{end} AS b, properties(r) AS has ORDER BY a, b",
        scope,
    )
    count = Counter((row["a"], row["b"]) for row in rows)
    right = {
        (row["a"], row["b"])
        for row in rows
        if count[row["a"], row["b"]] == 1 and table.rows.get((row["a"], row["b"])) == row["has"]
    }
    return _Changes(
        create=[{"a": a, "b": b, **wanted} for (a, b), wanted in table.rows.items() if (a, b) not in right],
        other=[{"a": a, "b": b} for a, b in count if (a, b) not in right],
    )


def _write_nodes(tx: Transaction, table: NodeRows, changes: _Changes) -> None:
    # Rows are flat: setting a nested map takes the embedded engine four times as long.
    node = f"(n:{table.label} {{{table.key}: row.{table.key}}})"
    tx.run_many(f"UNWIND $rows AS row CREATE {node} SET n += row", changes.create)
    tx.run_many(f"UNWIND $rows AS row MATCH {node} SET n += row", changes.other)


def _delete_edges(tx: Transaction, table: EdgeRows, changes: _Changes, scope: Row) -> None:
    start, end = table.keys
    pair = f"(a:{table.start} {{{start}: row.a}})-[r:{table.type}]->(b:{table.end} {{{end}: row.b}})"
    # Collected first: a DELETE while the pattern is still walked makes the embedded engine skip relationships of nodes
    # that lost others in the same transaction.
    matched = f"UNWIND $rows AS row MATCH {pair} WHERE {_own(table)}"
    tx.run_many(f"{matched} WITH collect(r) AS found FOREACH (r IN found | DELETE r)", changes.other, scope)


def _create_edges(tx: Transaction, table: EdgeRows, changes: _Changes) -> None:
    start, end = table.keys
    given = ", ".join(f"{name}: row.{name}" for name in table.properties)
    tx.run_many(
        f"UNWIND $rows AS row MATCH (a:{table.start} {{{start}: row.a}}) "
        f"UNWIND row.b AS other MATCH (b:{table.end} {{{end}: other}}) CREATE (a)-[:{table.type} {{{given}}}]->(b)",
        _by_start(changes.create, table.properties),
    )


def _by_start(rows: Sequence[Row], properties: Sequence[str]) -> list[Row]:
    """Rows with equal start node and properties become one, so that each start node is looked up once."""
    grouped: dict[tuple[object, ...], Row] = {}
    for row in rows:
        values = (row[name] for name in properties)
        key = (row["a"], *(tuple(value) if isinstance(value, list) else value for value in values))
        if key in grouped:
            grouped[key]["b"].append(row["b"])
        else:
            grouped[key] = {**row, "b": [row["b"]]}
    return list(grouped.values())


def _require_edges(tx: Transaction, table: EdgeRows, scope: Row) -> None:
    pattern = f"(a:{table.start})-[r:{table.type}]->(b:{table.end})"
    found = tx.run(f"MATCH {pattern} WHERE {_own(table)} RETURN count(r) AS n ORDER BY n", scope)[0]["n"]
    if found != len(table.rows):
        raise StoreError(
            f"load of {table.type}: {found} relationships instead of {len(table.rows)}, so nothing was stored; "
            "a node is missing in the graph, or the graph is damaged: restore a backup or load into a new one"
        )


def _own(table: EdgeRows) -> str:
    own = f"a.{table.keys[0]} STARTS WITH $prefix"
    return f"{own} AND r.source = $source" if "source" in table.properties else own


def _key(label: str) -> str:
    if label not in schema.NODE_KEYS:
        raise StoreError(f"node label {label!r}: not in kg.schema.NODE_KEYS; add it there")
    return schema.NODE_KEYS[label]
