"""All that mining left in a graph, to compare two runs."""

from __future__ import annotations

from typing import Any

from kg.store import GraphStore

_NODES = ("Patient", "Study", "Series", "Lesion", "Report", "Sentence")
_EDGES = (
    ("Patient", "HAS_STUDY", "Study"),
    ("Study", "HAS_SERIES", "Series"),
    ("Series", "HAS_LESION", "Lesion"),
    ("Report", "HAS_SENTENCE", "Sentence"),
    ("Sentence", "DESCRIBES", "Lesion"),
    ("Sentence", "MENTIONS", "Label"),
    ("Lesion", "HAS_LABEL", "Label"),
    ("Lesion", "MAY_HAVE_LABEL", "Label"),
    ("Lesion", "MENTIONED_NOT_ABOUT", "Label"),
)


def mined_state(store: GraphStore) -> dict[str, list[Any]]:
    """Nodes and relationships with all their properties, in an order of their own."""
    state: dict[str, list[Any]] = {}
    for label in _NODES:
        rows = store.read(f"MATCH (n:{label}) RETURN properties(n) AS has ORDER BY n.id")
        state[label] = [row["has"] for row in rows]
    for start, kind, end in _EDGES:
        rows = store.read(
            f"MATCH (a:{start})-[r:{kind}]->(b:{end}) RETURN a.id AS a, b.id AS b, properties(r) AS has ORDER BY a, b"
        )
        state[kind] = sorted(([row["a"], row["b"], row["has"]] for row in rows), key=repr)
    return state


def strings_of(store: GraphStore) -> list[str]:
    """Every string that any node or relationship of the graph holds."""
    found: list[str] = []
    for pattern in ("(n)", "()-[n]->()"):
        for row in store.read(f"MATCH {pattern} RETURN properties(n) AS has"):
            for name, value in row["has"].items():
                values = value if isinstance(value, list) else [value]
                found += [name, *(one for one in values if isinstance(one, str))]
    return found
