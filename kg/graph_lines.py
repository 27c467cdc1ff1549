"""A graph as lines of JSON, one for each node and relationship: the same text whichever engine holds it.

A node is ``[label, properties]``, a relationship ``[type, label, key, label, key, properties]`` with its start first.
The ``Schema`` node is left out: it counts writes and is made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kg.errors import InputError, StoreError
from kg.schema import NODE_KEYS, RELATIONSHIP_TYPES
from kg.store import SLICE, Row, Transaction

_PAGE = 2000
"""Nodes that are read at a time, and then the relationships that begin at them."""

_KEY = (
    "CASE labels(b)[0] " + " ".join(f"WHEN '{k}' THEN b.{v}" for k, v in NODE_KEYS.items() if v != "id")
) + " ELSE b.id END"


@dataclass(frozen=True, slots=True)
class Content:
    """What a graph holds.

    Attributes:
        nodes: number of nodes, the ``Schema`` node not counted.
        relationships: number of relationships.
        content_hash: SHA-256 over all lines, independent of their order.
        lines: number of lines; fewer than nodes and relationships when the graph holds what the schema does not name.
    """

    nodes: int
    relationships: int
    content_hash: str
    lines: int


def read_content(tx: Transaction, write: Callable[[str], object] = lambda line: None) -> Content:
    """Read the whole graph, and hand each line to ``write``: nodes first.

    Raises:
        StoreError: a property holds a number that is none.
    """
    digests = []
    for line in _lines(tx):
        write(line)
        digests.append(hashlib.sha256(line.encode()).digest())
    nodes = tx.run("MATCH (n) WHERE NOT n:Schema RETURN count(n) AS n ORDER BY n")[0]["n"]
    relationships = tx.run("MATCH ()-[r]->() RETURN count(r) AS n ORDER BY n")[0]["n"]
    return Content(nodes, relationships, hashlib.sha256(b"".join(sorted(digests))).hexdigest(), len(digests))


def load_lines(tx: Transaction, lines: Iterable[str]) -> None:
    """Put the nodes and relationships of lines into an empty graph.

    Raises:
        InputError: a line is not one of ours, or names what the schema does not have.
    """
    waiting: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for line in lines:
        kind, row = _parse(line)
        if len(kind) > 1 and any(len(key) == 1 for key in waiting):
            _flush(tx, waiting)  # all nodes are there before the first relationship
        waiting[kind].append(row)
        if len(waiting[kind]) == SLICE:
            _create(tx, kind, waiting.pop(kind))
    _flush(tx, waiting)


def _lines(tx: Transaction) -> Iterator[str]:
    pages: list[tuple[str, str, str]] = []  # label, and the keys before its first node and of its last
    for label in NODE_KEYS:
        if label == "Schema":
            continue
        key, after = NODE_KEYS[label], ""
        while rows := tx.run(
            f"MATCH (n:{label}) WHERE n.{key} > $after RETURN n.{key} AS key, properties(n) AS properties "
            f"ORDER BY key LIMIT {_PAGE}",
            {"after": after},
        ):
            for row in rows:
                yield _line(label, row["properties"])
            pages.append((label, after, rows[-1]["key"]))
            after = rows[-1]["key"]
    for label, after, last in pages:
        key = NODE_KEYS[label]
        for row in tx.run(
            f"MATCH (a:{label}) WHERE a.{key} > $after AND a.{key} <= $last MATCH (a)-[r]->(b) "
            f"RETURN a.{key} AS start, type(r) AS kind, labels(b)[0] AS label, {_KEY} AS end, "
            "properties(r) AS properties ORDER BY start, kind, end",
            {"after": after, "last": last},
        ):
            yield _line(row["kind"], label, row["start"], row["label"], row["end"], row["properties"])


def _line(*parts: Any) -> str:
    try:
        return json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise StoreError(f"graph: a {parts[0]} holds a number that is none (NaN or infinity); mend it first") from error


def _parse(line: str) -> tuple[tuple[str, ...], Row]:
    """What a line is of, a node label or a relationship type with the labels at its ends, and its values."""
    try:
        match json.loads(line):
            case [str(label), dict(properties)] if label in NODE_KEYS:
                return (label,), properties
            case [str(kind), str(a), start, str(b), end, dict(properties)] if (
                kind in RELATIONSHIP_TYPES and a in NODE_KEYS and b in NODE_KEYS
            ):
                return (kind, a, b), {"start": start, "end": end, "properties": properties}
    except ValueError:
        pass
    raise InputError("backup: a line is no node or relationship of this schema; use a newer lesionkg, or another file")


def _flush(tx: Transaction, waiting: defaultdict[tuple[str, ...], list[Row]]) -> None:
    for kind in sorted(waiting):
        _create(tx, kind, waiting[kind])
    waiting.clear()


def _create(tx: Transaction, kind: tuple[str, ...], rows: list[Row]) -> None:
    if len(kind) == 1:
        tx.run_many(f"UNWIND $rows AS row CREATE (n:{kind[0]}) SET n = row", rows)
        return
    name, a, b = kind
    tx.run_many(
        f"UNWIND $rows AS row MATCH (a:{a} {{{NODE_KEYS[a]}: row.start}}) MATCH (b:{b} {{{NODE_KEYS[b]}: row.end}}) "
        f"CREATE (a)-[r:{name}]->(b) SET r = row.properties",
        rows,
    )
