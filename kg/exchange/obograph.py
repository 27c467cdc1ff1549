"""OBO Graphs JSON: labels as classes, relations as edges with their provenance.

The edges say what the OWL file says: a strict relation is a subclass axiom, its kind a property of the edge, so that
tools that follow ``is_a`` see what training sees. Exclusive pairs, exceptions and soft relations are edges of their own
predicates; groups and label sets are individuals that labels are joined to. Nothing is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from kg import owl_vocabulary as v
from kg.exchange.checks import require_identities
from kg.ontology import ExclusionException, ExclusivePair, Label, Ontology, Relation, SoftRelation, SynonymScope

Node: TypeAlias = dict[str, Any]

IS_A = "is_a"
SCOPES = {
    SynonymScope.EXACT: "hasExactSynonym",
    SynonymScope.NARROW: "hasNarrowSynonym",
    SynonymScope.BROAD: "hasBroadSynonym",
    SynonymScope.RELATED: "hasRelatedSynonym",
}
KIND, SOURCE, AUTHOR, CREATED, EVIDENCE = map(v.expand, (v.KIND, v.SOURCE, v.AUTHOR, v.CREATED, v.EVIDENCE))
NOTICE, KEPT, CLASS = v.expand(v.NOTICE), v.expand(v.KEPT), f"{v.VOCABULARY}class"
REPLACED_BY, POSITION = v.expand(v.REPLACED_BY), v.expand(v.POSITION)
OBJECT_LABEL, JUSTIFICATION = v.expand(v.OBJECT_LABEL), v.expand(v.JUSTIFICATION)
EXCLUSIVE_WITH, COMPATIBLE_WITH = v.expand(v.EXCLUSIVE_WITH), v.expand(v.COMPATIBLE_WITH)
MEMBER_OF_GROUP, IN_LABEL_SET = v.expand(v.MEMBER_OF_GROUP), v.expand(v.IN_LABEL_SET)
SOFT = {kind: v.expand(name) for kind, name in v.SOFT_PROPERTIES.items()}
MATCH = {kind: v.expand(name) for kind, name in v.MATCH_PROPERTIES.items()}
PROVENANCE = {"source": SOURCE, "author": AUTHOR, "created": CREATED, "evidence": EVIDENCE}


def render(ontology: Ontology) -> bytes:
    """The graph document as UTF-8; equal content gives equal bytes.

    Raises:
        OntologyError: two labels, groups or label sets share one identity.
        UnicodeEncodeError: a text holds half a character.
    """
    require_identities(ontology)
    graph = {
        "id": v.ontology_iri(ontology.name),
        "lbl": ontology.name,
        "meta": {
            "version": ontology.version,
            **_properties(
                [
                    *((NOTICE, notice) for notice in ontology.notices),
                    *((KEPT, statement) for statement in ontology.foreign),
                ]
            ),
        },
        "nodes": [*map(_label, ontology.labels), *_groups_and_sets(ontology), *_predicates()],
        "edges": list(_edges(ontology)),
    }
    return (json.dumps({"graphs": [graph]}, ensure_ascii=False, indent=1) + "\n").encode()


def _label(label: Label) -> Node:
    meta: dict[str, Any] = {}
    if label.definition:
        meta["definition"] = {"val": label.definition}
    if label.synonyms:
        meta["synonyms"] = [
            {"pred": SCOPES[s.scope], "val": s.text, **({"xrefs": [s.source]} if s.source else {})}
            for s in label.synonyms
        ]
    if label.deprecated:
        meta["deprecated"] = True
    values: list[Node] = [{"pred": CLASS, "val": label.label_class.value}]
    if label.source:
        values.append({"pred": SOURCE, "val": label.source})
    if label.replaced_by:
        values.append({"pred": REPLACED_BY, "val": v.label_iri(label.replaced_by)})
    for m in label.mappings:
        given = [(OBJECT_LABEL, m.object_label), (JUSTIFICATION, m.justification)]
        values.append({"pred": MATCH[m.predicate], "val": v.term_iri(m.object_id), **_meta(given)})
    meta["basicPropertyValues"] = values
    return {"id": v.label_iri(label.id), "lbl": label.name, "type": "CLASS", "meta": meta}


def _groups_and_sets(ontology: Ontology) -> Iterator[Node]:
    for group in ontology.exclusive_groups:
        node = {"id": v.group_iri(group.id), "lbl": group.id, "type": "INDIVIDUAL"}
        yield {**node, **_meta([(SOURCE, group.source)])}
    for label_set in ontology.label_sets:
        iri = v.label_set_iri(label_set.name, label_set.version)
        yield {"id": iri, "lbl": label_set.name, "type": "INDIVIDUAL", "meta": {"version": label_set.version}}


def _predicates() -> Iterator[Node]:
    """What our predicates mean, for other tools."""
    for iri in sorted({EXCLUSIVE_WITH, COMPATIBLE_WITH, MEMBER_OF_GROUP, IN_LABEL_SET, *SOFT.values()}):
        yield {"id": iri, "lbl": iri.removeprefix(v.VOCABULARY), "type": "PROPERTY"}


def _edges(ontology: Ontology) -> Iterator[Node]:
    for r in ontology.relations:
        yield _edge(v.label_iri(r.child), IS_A, v.label_iri(r.parent), [(KIND, r.kind.value), *_provenance(r)])
    for p in ontology.exclusive_pairs:
        yield _edge(v.label_iri(p.a), EXCLUSIVE_WITH, v.label_iri(p.b), _provenance(p))
    for x in ontology.exceptions:
        yield _edge(v.label_iri(x.a), COMPATIBLE_WITH, v.label_iri(x.b), _provenance(x))
    for s in ontology.soft_relations:
        yield _edge(v.label_iri(s.subject), SOFT[s.kind], v.label_iri(s.object), _provenance(s))
    for group in ontology.exclusive_groups:
        for member in group.members:
            yield _edge(v.label_iri(member), MEMBER_OF_GROUP, v.group_iri(group.id), [])
    for label_set in ontology.label_sets:
        iri = v.label_set_iri(label_set.name, label_set.version)
        for position, member in enumerate(label_set.members):
            yield _edge(v.label_iri(member), IN_LABEL_SET, iri, [(POSITION, str(position))])


def _edge(sub: str, pred: str, obj: str, values: Iterable[tuple[str, str]]) -> Node:
    return {"sub": sub, "pred": pred, "obj": obj, **_meta(values)}


def _provenance(relation: Relation | ExclusivePair | ExclusionException | SoftRelation) -> list[tuple[str, str]]:
    return [(iri, getattr(relation, name)) for name, iri in PROVENANCE.items()]


def _meta(values: Iterable[tuple[str, str]]) -> Node:
    found = _properties((pred, text) for pred, text in values if text)
    return {"meta": found} if found["basicPropertyValues"] else {}


def _properties(values: Iterable[tuple[str, str]]) -> Node:
    return {"basicPropertyValues": [{"pred": pred, "val": text} for pred, text in values]}
