"""An ontology as rows of the graph: node properties, and relationships with theirs; and back.

Rows are what the graph holds, whoever wrote it. Turning them into an :class:`Ontology` fails when somebody wrote what
an ontology cannot hold; comparing two sets of rows never fails.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from kg import algebra
from kg.closures import Closures
from kg.errors import OntologyError
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    MatchKind,
    Ontology,
    Relation,
    RelationKind,
    SoftKind,
    SoftRelation,
    Synonym,
    SynonymScope,
    TermMapping,
)
from kg.schema import SOFT_TYPES, STRICT_TYPES

Properties: TypeAlias = Mapping[str, Any]

ENDS = {
    **dict.fromkeys((*STRICT_TYPES, *SOFT_TYPES), ("Label", "Label")),
    "EXCLUSIVE_WITH": ("Label", "Label"),
    "COMPATIBLE_WITH": ("Label", "Label"),
    "MEMBER_OF": ("Label", "ExclusiveGroup"),
    "IN_SET": ("Label", "LabelSet"),
    "DESCENDS_FROM": ("Label", "Label"),
    "EXCLUDES": ("Label", "Label"),
    "REPLACED_BY": ("Label", "Label"),
}
"""The relationship types an ontology is stored in, with the node labels at their ends."""

NODES = ("Label", "ExclusiveGroup", "LabelSet")
"""The node labels an ontology is stored in."""

COMPUTED = ("DESCENDS_FROM", "EXCLUDES", "REPLACED_BY")
"""Relationships computed from the rest: all ancestors, the inherited exclusion (smaller id first), and what a merged
label was merged into."""


NOTHING: Properties = MappingProxyType({})
"""The properties of a relationship that has none."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One relationship; ``start`` and ``end`` are the keys of its nodes."""

    kind: str
    start: str
    end: str
    properties: Properties


@dataclass(frozen=True)
class OntologyRows:
    """What the graph holds of an ontology.

    Attributes:
        nodes: for each node label of ``NODES``, the properties of each node by its key.
        edges: all relationships of the types in ``ENDS``.
    """

    nodes: Mapping[str, Mapping[str, Properties]]
    edges: tuple[Edge, ...]

    def edge_bundles(self) -> dict[tuple[str, str, str], list[Properties]]:
        """The properties of the parallel relationships of each (type, start, end), in a fixed order."""
        bundles: defaultdict[tuple[str, str, str], list[Properties]] = defaultdict(list)
        for edge in self.edges:
            bundles[edge.kind, edge.start, edge.end].append(edge.properties)
        return {
            key: sorted(bundle, key=lambda p: sorted(map(str, p.items()))) if len(bundle) > 1 else bundle
            for key, bundle in bundles.items()
        }

    def computed(self) -> OntologyRows:
        """Only the computed relationships."""
        return OntologyRows({}, tuple(edge for edge in self.edges if edge.kind in COMPUTED))


def to_rows(ontology: Ontology) -> OntologyRows:
    """The rows of an ontology, computed closures included.

    Raises:
        OntologyError: two relations share subject, kind, object and source; a label is twice in a label set; two label
            sets share a name; a reference dangles.
    """
    ontology.require_resolved()
    _require_keys(ontology)
    nodes: dict[str, dict[str, Properties]] = {
        "Label": {label.id: _label_properties(label) for label in ontology.labels},
        "ExclusiveGroup": {group.id: {"id": group.id, "source": group.source} for group in ontology.exclusive_groups},
        "LabelSet": {s.name: {"name": s.name, "version": s.version} for s in ontology.label_sets},
    }
    edges = [
        *(Edge(r.kind.value, r.child, r.parent, _provenance(r)) for r in ontology.relations),
        *(Edge("EXCLUSIVE_WITH", p.a, p.b, _provenance(p)) for p in ontology.exclusive_pairs),
        *(Edge("COMPATIBLE_WITH", x.a, x.b, _provenance(x)) for x in ontology.exceptions),
        *(
            Edge("MEMBER_OF", member, group.id, NOTHING)
            for group in ontology.exclusive_groups
            for member in group.members
        ),
        *(Edge(s.kind.value, s.subject, s.object, _provenance(s)) for s in ontology.soft_relations),
        *(
            Edge("IN_SET", member, s.name, {"position": position})
            for s in ontology.label_sets
            for position, member in enumerate(s.members)
        ),
        *_computed_edges(ontology),
    ]
    return OntologyRows(nodes, tuple(edges))


def from_rows(rows: OntologyRows, name: str, version: str, notices: Iterable[str], foreign: Iterable[str]) -> Ontology:
    """The ontology that rows hold; computed relationships are not looked at.

    Raises:
        ValueError, TypeError, KeyError: a property is missing or of the wrong kind, a relation is there twice, or the
            positions of a label set have gaps. The graph was then edited by something that does not know ontologies.
    """
    edges: defaultdict[str, list[Edge]] = defaultdict(list)
    for edge in rows.edges:
        edges[edge.kind].append(edge)
    for (kind, start, end), bundle in rows.edge_bundles().items():
        sources = Counter(str(properties.get("source")) for properties in bundle)
        if max(sources.values()) > 1:
            raise ValueError(f"{kind} from {start} to {end} is there twice")
    return Ontology(
        name=name,
        version=version,
        notices=tuple(notices),
        foreign=tuple(foreign),
        labels=tuple(_label(properties) for properties in rows.nodes["Label"].values()),
        relations=tuple(
            Relation(edge.start, kind, edge.end, **_provenance_of(edge.properties))
            for kind in RelationKind
            for edge in edges[kind.value]
        ),
        exclusive_pairs=tuple(
            ExclusivePair(edge.start, edge.end, **_provenance_of(edge.properties)) for edge in edges["EXCLUSIVE_WITH"]
        ),
        exceptions=tuple(
            ExclusionException(edge.start, edge.end, **_provenance_of(edge.properties))
            for edge in edges["COMPATIBLE_WITH"]
        ),
        exclusive_groups=tuple(
            ExclusiveGroup(
                key, tuple(edge.start for edge in edges["MEMBER_OF"] if edge.end == key), _text(properties, "source")
            )
            for key, properties in rows.nodes["ExclusiveGroup"].items()
        ),
        soft_relations=tuple(
            SoftRelation(edge.start, kind, edge.end, **_provenance_of(edge.properties))
            for kind in SoftKind
            for edge in edges[kind.value]
        ),
        label_sets=tuple(
            LabelSet(key, _members(edge for edge in edges["IN_SET"] if edge.end == key), _text(properties, "version"))
            for key, properties in rows.nodes["LabelSet"].items()
        ),
    )


def _label_properties(label: Label) -> Properties:
    anchors = {m.object_id for m in label.mappings if m.predicate in (MatchKind.EXACT, MatchKind.CLOSE)}
    return {
        "id": label.id,
        "name": label.name,
        "class": label.label_class.value,
        "definition": label.definition,
        "deprecated": label.deprecated,
        "replaced_by": label.replaced_by,
        "source": label.source,
        "synonyms": [s.text for s in label.synonyms],
        "synonym_scopes": [s.scope.value for s in label.synonyms],
        "synonym_sources": [s.source for s in label.synonyms],
        "radlex": sorted(anchors),
        "mapping_ids": [m.object_id for m in label.mappings],
        "mapping_labels": [m.object_label for m in label.mappings],
        "mapping_predicates": [m.predicate.value for m in label.mappings],
        "mapping_justifications": [m.justification for m in label.mappings],
    }


def _label(properties: Properties) -> Label:
    synonyms = zip(properties["synonyms"], properties["synonym_scopes"], properties["synonym_sources"], strict=True)
    mappings = zip(
        properties["mapping_ids"],
        properties["mapping_labels"],
        properties["mapping_predicates"],
        properties["mapping_justifications"],
        strict=True,
    )
    label = Label(
        id=_text(properties, "id"),
        name=_text(properties, "name"),
        label_class=LabelClass(properties["class"]),
        definition=_text(properties, "definition"),
        deprecated=bool(properties["deprecated"]),
        replaced_by=_text(properties, "replaced_by"),
        source=_text(properties, "source"),
        synonyms=tuple(Synonym(text, SynonymScope(scope), source) for text, scope, source in synonyms),
        mappings=tuple(TermMapping(id_, name, MatchKind(kind), why) for id_, name, kind, why in mappings),
    )
    if _label_properties(label) != dict(properties):
        raise ValueError(f"label {label.id} has properties that do not belong to it, or in another order")
    return label


def _provenance(relation: Relation | ExclusivePair | ExclusionException | SoftRelation) -> Properties:
    return {
        "source": relation.source,
        "author": relation.author,
        "created": relation.created,
        "evidence": relation.evidence,
    }


def _provenance_of(properties: Properties) -> dict[str, str]:
    return {name: _text(properties, name) for name in ("source", "author", "created", "evidence")}


def _text(properties: Properties, name: str) -> str:
    value = properties[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is not text")
    return value


def _members(edges: Iterable[Edge]) -> tuple[str, ...]:
    """The labels of a label set in the order of their positions."""
    placed = {edge.properties["position"]: edge.start for edge in edges}
    return tuple(placed[position] for position in range(len(placed)))


def _computed_edges(ontology: Ontology) -> list[Edge]:
    """All ancestors of every label, and the exclusion that labels inherit."""
    ids = [label.id for label in ontology.labels]
    closures = Closures(ontology)
    ancestors, exclusive = closures.ancestors, closures.exclusive
    # Labels are sorted by id, so the smaller index has the smaller id.
    return [
        *(Edge("REPLACED_BY", k.id, k.replaced_by, NOTHING) for k in ontology.labels if k.deprecated and k.replaced_by),
        *(Edge("DESCENDS_FROM", ids[c], ids[p], NOTHING) for c, p in algebra.to_pairs(ancestors).tolist()),
        *(Edge("EXCLUDES", ids[a], ids[b], NOTHING) for a, b in algebra.to_pairs(exclusive, symmetric=True).tolist()),
    ]


def _require_keys(ontology: Ontology) -> None:
    """Check that what the graph tells apart by a key has one each."""
    keys: list[tuple[str, Iterable[object]]] = [
        ("relation", ((r.child, r.kind.value, r.parent, r.source) for r in ontology.relations)),
        ("exclusive pair", ((p.a, p.b, p.source) for p in ontology.exclusive_pairs)),
        ("exception to exclusion", ((x.a, x.b, x.source) for x in ontology.exceptions)),
        ("exclusive group", (group.id for group in ontology.exclusive_groups)),
        ("soft relation", ((s.subject, s.kind.value, s.object, s.source) for s in ontology.soft_relations)),
        ("label set", (s.name for s in ontology.label_sets)),
        *((f"label of set {s.name}", s.members) for s in ontology.label_sets),
    ]
    for what, found in keys:
        twice = next((key for key, count in Counter(found).items() if count > 1), None)
        if twice is not None:
            shown = twice if isinstance(twice, str) else " ".join(str(part) for part in twice)  # type: ignore[attr-defined]
            raise OntologyError(f"{what} {shown} in {ontology.name}: there twice; keep one")
