"""The lesions and labels in a result: which cells name them, and how they hang together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kg.schema import SOFT_TYPES, STRICT_TYPES
from kg.store import GraphStore
from queries.results import Result

MOST_NODES = 200
"""Nodes that are drawn; the rest are counted."""

MOST_EDGES = 2000
"""Relationships that are drawn; the rest are counted."""

_MOST_LOOKED_UP = 20_000

_LABELS = """
MATCH (k:Label) WHERE k.id IN $texts OR k.name IN $texts
RETURN k.id AS id, k.name AS name, k.class AS class ORDER BY id
"""
_LESIONS = "UNWIND $texts AS text MATCH (l:Lesion {id: text}) RETURN l.id AS id ORDER BY id"
_BETWEEN = "|".join((*STRICT_TYPES, "EXCLUSIVE_WITH", *SOFT_TYPES))
_BETWEEN_LABELS = f"""
UNWIND $labels AS one MATCH (a:Label {{id: one}})-[r:{_BETWEEN}]->(b:Label)
WHERE b.id IN $labels RETURN DISTINCT a.id AS start, type(r) AS kind, b.id AS stop ORDER BY start, kind, stop
"""
_OF_LESIONS = """
UNWIND $lesions AS one MATCH (a:Lesion {id: one})-[r:HAS_LABEL|MAY_HAVE_LABEL|PREDICTED]->(b:Label)
WHERE b.id IN $labels RETURN DISTINCT a.id AS start, type(r) AS kind, b.id AS stop ORDER BY start, kind, stop
"""
_BETWEEN_LESIONS = """
UNWIND $lesions AS one MATCH (a:Lesion {id: one})-[r:SAME_LESION_AS|SIMILAR_TO]->(b:Lesion)
WHERE b.id IN $lesions RETURN DISTINCT a.id AS start, type(r) AS kind, b.id AS stop ORDER BY start, kind, stop
"""


class CellKind(StrEnum):
    """What the cells of a column name."""

    LESION = "lesion"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class Node:
    """A lesion or label.

    Attributes:
        id: its id.
        name: what to show.
        kind: ``lesion``, or the class of a label.
    """

    id: str
    name: str
    kind: str


@dataclass(frozen=True)
class Named:
    """What the cells of a result name.

    Attributes:
        columns: by number of the column what its cells name, where all of them do.
        ids: by text of a cell the id of the label or lesion.
        nodes: the lesions and labels, in the order of the result.
    """

    columns: Mapping[int, CellKind]
    ids: Mapping[str, str]
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ResultGraph:
    """Attributes:
    nodes: the first of the lesions and labels that the result names.
    edges: relationships among them: start, type, end.
    nodes_left_out: lesions and labels that are not drawn.
    edges_left_out: relationships among the drawn ones that are not drawn.
    """

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str, str], ...]
    nodes_left_out: int
    edges_left_out: int


def find_named(store: GraphStore, result: Result) -> Named:
    """The columns whose cells are all ids of lesions, or all ids or names of labels; empty cells do not count."""
    texts = [list(dict.fromkeys(_texts(row[place] for row in result.rows))) for place in range(len(result.columns))]
    wanted = list(dict.fromkeys(text for column in texts for text in column))[:_MOST_LOOKED_UP]
    if not wanted:
        return Named({}, {}, ())
    lesions = {row["id"] for row in store.read(_LESIONS, {"texts": [text for text in wanted if ":" in text]})}
    labels = {row["id"]: row for row in store.read(_LABELS, {"texts": wanted})}
    ids = {row["name"]: row["id"] for row in labels.values()} | {key: key for key in (*labels, *lesions)}
    columns: dict[int, CellKind] = {}
    for place, found in enumerate(texts):
        if found and all(text in lesions for text in found):
            columns[place] = CellKind.LESION
        elif found and all(ids.get(text) in labels for text in found):
            columns[place] = CellKind.LABEL
    nodes: dict[str, Node] = {}
    for row in result.rows:
        for place in columns:
            for text in _texts([row[place]]):
                key = ids[text]
                label = labels.get(key)
                nodes[key] = Node(key, label["name"], label["class"]) if label else Node(key, key, CellKind.LESION)
    return Named(columns, {text: ids[text] for place in columns for text in texts[place]}, tuple(nodes.values()))


def draw(store: GraphStore, named: Named) -> ResultGraph:
    """The lesions and labels of a result with the relationships among them, as far as they can be drawn."""
    nodes = named.nodes[:MOST_NODES]
    lesions = [node.id for node in nodes if node.kind == CellKind.LESION]
    labels = [node.id for node in nodes if node.kind != CellKind.LESION]
    sides = {"lesions": lesions, "labels": labels}
    asked = (
        (_BETWEEN_LABELS, bool(labels)),
        (_OF_LESIONS, bool(lesions and labels)),
        (_BETWEEN_LESIONS, bool(lesions)),
    )
    rows = [
        row
        for cypher, needed in asked
        if needed
        for row in store.read(cypher, {name: ids for name, ids in sides.items() if f"${name}" in cypher})
    ]
    edges = tuple((row["start"], row["kind"], row["stop"]) for row in rows)
    return ResultGraph(nodes, edges[:MOST_EDGES], len(named.nodes) - len(nodes), max(0, len(edges) - MOST_EDGES))


def _texts(cells: Iterable[Any]) -> Iterator[str]:
    """The texts of cells and of lists in them; a number or mapping gives one that names nothing."""
    for cell in cells:
        if isinstance(cell, list):
            yield from _texts(cell)
        elif isinstance(cell, str):
            yield cell
        elif cell is not None:
            yield ""
