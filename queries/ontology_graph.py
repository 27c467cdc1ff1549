"""A part of the ontology around one label as nodes and edges to draw, with counts of what is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kg.ontology import LabelClass, Ontology, SoftKind
from queries.label_facts import Correlation


class Side(StrEnum):
    """How a neighbour is related to a label."""

    PARENT = "parent"
    CHILD = "child"
    EXCLUSIVE = "exclusive"
    SOFT = "soft"
    CORRELATION = "correlation"


@dataclass(frozen=True, slots=True)
class Node:
    """A drawn label.

    Attributes:
        id: of the label.
        name: its preferred name.
        label_class: its class.
        deprecated: whether it is out of use.
        opened: whether its neighbours are drawn.
        column: steps below the centre; ancestors are negative.
        neighbours: all it has, drawn or not.
    """

    id: str
    name: str
    label_class: LabelClass
    deprecated: bool
    opened: bool
    column: int
    neighbours: int


@dataclass(frozen=True, slots=True)
class Edge:
    """A drawn relation.

    Attributes:
        start: id of the child, the subject, or the smaller id where the relation is symmetric.
        end: id of the other label.
        side: what the end is to the start; ``parent``, ``exclusive``, ``soft`` or ``correlation``.
        kind: of the relation, e.g. ``PART_OF``; how a correlation is read.
        weight: of a correlation, signed; 0 for others.
    """

    start: str
    end: str
    side: Side
    kind: str
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Hidden:
    """Neighbours of an opened label that are not drawn.

    Attributes:
        label: id of the opened label.
        side: what they are to it.
        count: how many.
        column: where they would stand.
    """

    label: str
    side: Side
    count: int
    column: int


@dataclass(frozen=True)
class OntologyGraph:
    """What is drawn.

    Attributes:
        centre: id of the label in the middle.
        nodes: the labels, the centre first, then in the order in which they came in.
        edges: relations between them of which one end is opened.
        hidden: what is left out, one for each opened label and side that lacks some.
        left_out: labels in all that are not drawn; one may be hidden on several sides.
        full: whether the limit of nodes was reached.
    """

    centre: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    hidden: tuple[Hidden, ...]
    left_out: int
    full: bool


def ontology_graph(
    ontology: Ontology,
    centre: str,
    opened: Sequence[str] = (),
    unfolded: Collection[tuple[str, Side]] = (),
    learned: Mapping[str, Sequence[Correlation]] | None = None,
    each: int = 14,
    most: int = 240,
) -> OntologyGraph:
    """The neighbours of a label, and those of further labels that somebody opened.

    Args:
        ontology: its labels and asserted relations.
        centre: id or preferred name of the label in the middle.
        opened: ids of further labels whose neighbours are drawn, in the order in which they were opened; such as are
            not drawn themselves are passed over.
        unfolded: opened labels and sides of which all neighbours are drawn, not only the first ones.
        learned: correlations by label, the strongest first; none are drawn when it is None.
        each: neighbours of each side of an opened label that are drawn; sides that are unfolded have no such limit.
        most: nodes in all.

    Raises:
        UsageError: no such label.
    """
    middle = ontology.label(centre).id
    around = _Around(ontology, learned or {})
    columns = {middle: 0}
    open_, hidden, full = [middle], [], False
    for label_id in (middle, *opened):
        if label_id not in columns or (label_id != middle and label_id in open_):
            continue
        if label_id != middle:
            open_.append(label_id)
        for side in Side:
            everything = around.neighbours(label_id, side)
            column = _column(columns[label_id], side)
            free = len(everything) if (label_id, side) in unfolded else each
            drawn = sum(other in columns for other in everything)
            for other in everything:
                if other in columns:
                    continue
                if drawn >= free or len(columns) >= most:
                    full = full or len(columns) >= most
                    break
                columns[other] = column
                drawn += 1
            if drawn < len(everything):
                hidden.append((label_id, side, column))
    left = [
        Hidden(label_id, side, count, column)
        for label_id, side, column in hidden
        if (count := sum(other not in columns for other in around.neighbours(label_id, side)))
    ]
    return OntologyGraph(
        middle,
        tuple(_node(ontology, around, i, column, i in open_) for i, column in columns.items()),
        tuple(around.edges(columns.keys(), set(open_))),
        tuple(left),
        len({other for one in left for other in around.neighbours(one.label, one.side)} - columns.keys()),
        full,
    )


def _column(at: int, side: Side) -> int:
    """Where neighbours stand: children after the label and parents before it, others away from the centre.

    Those of the centre stand on both sides of it: exclusive ones beside the parents, others beside the children.
    """
    if side in (Side.PARENT, Side.CHILD):
        return at + (1 if side is Side.CHILD else -1)
    outward = -1 if at < 0 or (at == 0 and side is Side.EXCLUSIVE) else 1
    return at + outward


def _node(ontology: Ontology, around: _Around, label_id: str, column: int, opened: bool) -> Node:
    label = ontology.by_id[label_id]
    others = {other for side in Side for other in around.neighbours(label_id, side)}
    return Node(label_id, label.name, label.label_class, label.deprecated, opened, column, len(others))


class _Around:
    """The neighbours of labels, by side and name; correlations by strength."""

    def __init__(self, ontology: Ontology, learned: Mapping[str, Sequence[Correlation]]) -> None:
        self._found: dict[tuple[str, Side], list[str]] = defaultdict(list)
        self._edges: dict[Edge, None] = {}
        for r in ontology.relations:
            self._join(Edge(r.child, r.parent, Side.PARENT, r.kind.value), Side.CHILD)
        for label in ontology.labels:
            if label.deprecated and label.replaced_by:
                self._join(Edge(label.id, label.replaced_by, Side.PARENT, "REPLACED_BY"), Side.CHILD)
        for a, b in sorted(ontology.all_exclusive_pairs):
            self._join(Edge(a, b, Side.EXCLUSIVE, "EXCLUSIVE_WITH"), Side.EXCLUSIVE)
        for s in ontology.soft_relations:
            self._join(Edge(s.subject, s.object, Side.SOFT, SoftKind(s.kind).value), Side.SOFT)
        for ids in self._found.values():
            ids.sort(key=lambda i: (ontology.by_id[i].name, i))
        for label_id, correlations in learned.items():
            for c in correlations:
                if c.id not in ontology.by_id:
                    continue
                ends = (label_id, c.id) if c.outgoing else (c.id, label_id)
                self._edges.setdefault(Edge(*ends, Side.CORRELATION, c.reading, c.weight))
                self._add(label_id, Side.CORRELATION, c.id)

    def neighbours(self, label_id: str, side: Side) -> Sequence[str]:
        """Ids of the neighbours on a side, each once."""
        return self._found.get((label_id, side), [])

    def edges(self, drawn: Collection[str], opened: Collection[str]) -> Iterator[Edge]:
        """Relations between drawn labels of which one is opened."""
        for edge in self._edges:
            if edge.start in drawn and edge.end in drawn and (edge.start in opened or edge.end in opened):
                yield edge

    def _join(self, edge: Edge, back: Side) -> None:
        self._edges.setdefault(edge)
        self._add(edge.start, edge.side, edge.end)
        self._add(edge.end, back, edge.start)

    def _add(self, label_id: str, side: Side, other: str) -> None:
        found = self._found[label_id, side]
        if other not in found:
            found.append(other)
