"""An ontology as an ordered list of OWL statements, the same list for every file format.

The order depends on content alone: header, declarations, label sets, groups, then each label followed by the axioms
that start at it. A relation is one statement of its label and one axiom with its provenance, so that an edit of one
relation changes two neighbouring places of the file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from kg import owl_vocabulary as v
from kg.errors import OntologyError
from kg.ontology import ExclusiveGroup, Label, Ontology


class Profile(StrEnum):
    """How exclusion is written."""

    TRAINING = "training"
    """An annotation: exclusive labels may still meet on one lesion, as they do in real reports."""
    STRICT = "strict"
    """Disjoint classes, for a reasoner."""


@dataclass(frozen=True, slots=True)
class Iri:
    """A resource, by its full IRI; ``comment`` is its name for the human reader."""

    value: str
    comment: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A literal; ``datatype`` is empty for plain text, else ``xsd:boolean`` or ``xsd:integer``."""

    value: str
    datatype: str = ""


@dataclass(frozen=True, slots=True)
class Members:
    """An ordered collection of resources."""

    items: tuple[Iri, ...]


Value = Iri | Text | Members


@dataclass(frozen=True, slots=True)
class Block:
    """What one place of the file says about one subject (a blank node where it is None) of one type (if any)."""

    subject: Iri | None
    type: str
    statements: tuple[tuple[str, Value], ...] = ()


TRUE = Text("true", "xsd:boolean")

_Provenance = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Fact:
    """One statement about a label with its provenance."""

    predicate: str
    value: Value
    provenance: _Provenance = ()


def document(ontology: Ontology, profile: Profile) -> tuple[Block, ...]:
    """The statements of a file.

    Raises:
        OntologyError: two labels, groups or label sets share one identity.
    """
    _require_identities(ontology)
    names = {label.id: label.name for label in ontology.labels}
    facts = _facts(ontology, profile, names)
    blocks = [_header(ontology, profile), *_declarations()]
    blocks += [
        Block(
            Iri(v.label_set_iri(s.name, s.version)),
            "owl:NamedIndividual",
            (("rdfs:label", Text(s.name)), ("owl:versionInfo", Text(s.version))),
        )
        for s in ontology.label_sets
    ]
    blocks += [
        Block(
            Iri(v.group_iri(group.id)),
            "owl:NamedIndividual",
            (("rdfs:label", Text(group.id)), *_if_any(v.SOURCE, group.source)),
        )
        for group in ontology.exclusive_groups
    ]
    for label in ontology.labels:
        blocks += _label_blocks(label, facts.pop(label.id, []))
    for label_id in sorted(facts):
        blocks += _label_blocks(label_id, facts[label_id])
    blocks += [_disjoint(group, names) for group in ontology.exclusive_groups if _is_disjoint(group, profile)]
    blocks.append(Block(Iri(v.ontology_iri(ontology.name)), "", ((v.COMPLETE, TRUE),)))
    return tuple(blocks)


def _header(ontology: Ontology, profile: Profile) -> Block:
    statements: list[tuple[str, Value]] = [
        (v.TITLE, Text(ontology.name)),
        ("owl:versionInfo", Text(ontology.version)),
        (v.FORMAT_VERSION, Text(v.FORMAT)),
        (v.PROFILE, Text(profile)),
        *((v.NOTICE, Text(notice)) for notice in sorted(set(ontology.notices))),
    ]
    return Block(Iri(v.ontology_iri(ontology.name)), "owl:Ontology", tuple(statements))


def _declarations() -> Iterator[Block]:
    for name in v.ANNOTATION_PROPERTIES:
        comment = _if_any("rdfs:comment", v.PROPERTY_COMMENTS.get(name, ""))
        yield Block(Iri(v.expand(name)), "owl:AnnotationProperty", tuple(comment))
    for root, name in v.ROOT_NAMES.items():
        above = [("rdfs:subClassOf", Iri(v.expand(v.ROOT)))] if root != v.ROOT else []
        yield Block(Iri(v.expand(root)), "owl:Class", (("rdfs:label", Text(name)), *above))


def _label_blocks(label: Label | str, facts: list[_Fact]) -> Iterator[Block]:
    """The finding class of a label, then its annotated axioms; of an id that is no label only what refers to others."""
    subject = Iri(v.label_iri(label)) if isinstance(label, str) else Iri(v.label_iri(label.id), label.name)
    statements: list[tuple[str, Value]] = []
    if isinstance(label, Label):
        root = v.CLASS_ROOTS[label.label_class]
        statements += [("rdfs:label", Text(label.name)), ("rdfs:subClassOf", Iri(v.expand(root)))]
        statements += _if_any(v.DEFINITION, label.definition)
        statements += _if_any(v.SOURCE, label.source)
        if label.deprecated:
            statements.append(("owl:deprecated", TRUE))
        if label.replaced_by:
            statements.append((v.REPLACED_BY, Iri(v.label_iri(label.replaced_by))))
    several = Counter((fact.predicate, fact.value) for fact in facts)
    statements += several
    yield Block(subject, "owl:Class" if isinstance(label, Label) else "", tuple(statements))
    for fact in facts:
        provenance = fact.provenance
        if not provenance and several[fact.predicate, fact.value] > 1:
            # an axiom without annotations would vanish beside the annotated ones: say that its source is unknown
            provenance = ((v.SOURCE, ""),)
        if provenance:
            yield _axiom(subject, fact.predicate, fact.value, provenance)


def _axiom(subject: Iri, predicate: str, value: Value, provenance: _Provenance) -> Block:
    return Block(
        None,
        "owl:Axiom",
        (
            ("owl:annotatedSource", subject),
            ("owl:annotatedProperty", Iri(v.expand(predicate))),
            ("owl:annotatedTarget", value),
            *((name, Text(text, "xsd:integer" if name == v.POSITION else "")) for name, text in provenance),
        ),
    )


def _facts(ontology: Ontology, profile: Profile, names: dict[str, str]) -> dict[str, list[_Fact]]:
    """What labels say about texts, terms and each other, by label id, in the order of the file."""

    def to(label_id: str) -> Iri:
        return Iri(v.label_iri(label_id), names.get(label_id, ""))

    facts: dict[str, list[_Fact]] = defaultdict(list)
    for r in ontology.relations:
        provenance = ((v.KIND, r.kind.value), *_provenance(r.source, r.author, r.created, r.evidence))
        facts[r.child].append(_Fact("rdfs:subClassOf", to(r.parent), provenance))
    for p in ontology.exclusive_pairs:
        if profile is Profile.TRAINING:
            predicate, value = v.EXCLUSIVE_WITH, to(p.b)
        elif p.a != p.b:
            predicate, value = "owl:disjointWith", to(p.b)
        else:
            # OWL has no class disjoint with itself: what that says is that nothing is in the class
            predicate, value = "rdfs:subClassOf", Iri(v.expand("owl:Nothing"))
        facts[p.a].append(_Fact(predicate, value, _provenance(p.source, p.author, p.created, p.evidence)))
    for group in ontology.exclusive_groups:
        if not _is_disjoint(group, profile):
            for member in group.members:
                facts[member].append(_Fact(v.MEMBER_OF_GROUP, Iri(v.group_iri(group.id))))
    for s in ontology.soft_relations:
        provenance = _provenance(s.source, s.author, s.created, s.evidence)
        facts[s.subject].append(_Fact(v.SOFT_PROPERTIES[s.kind], to(s.object), provenance))
    for label in ontology.labels:
        for synonym in label.synonyms:
            predicate = v.SYNONYM_PROPERTIES[synonym.scope]
            facts[label.id].append(_Fact(predicate, Text(synonym.text), _given(((v.SOURCE, synonym.source),))))
        for m in label.mappings:
            provenance = _given(((v.OBJECT_LABEL, m.object_label), (v.JUSTIFICATION, m.justification)))
            value = Iri(v.term_iri(m.object_id), m.object_label)
            facts[label.id].append(_Fact(v.MATCH_PROPERTIES[m.predicate], value, provenance))
    for label_set in ontology.label_sets:
        iri = Iri(v.label_set_iri(label_set.name, label_set.version))
        for position, member in enumerate(label_set.members):
            facts[member].append(_Fact(v.IN_LABEL_SET, iri, ((v.POSITION, str(position)),)))
    return facts


def _is_disjoint(group: ExclusiveGroup, profile: Profile) -> bool:
    return profile is Profile.STRICT and len(group.members) > 1


def _disjoint(group: ExclusiveGroup, names: dict[str, str]) -> Block:
    members = Members(tuple(Iri(v.label_iri(m), names.get(m, "")) for m in group.members))
    return Block(None, "owl:AllDisjointClasses", (("owl:members", members), (v.GROUP, Iri(v.group_iri(group.id)))))


def _provenance(source: str, author: str, created: str, evidence: str) -> _Provenance:
    return _given(((v.SOURCE, source), (v.AUTHOR, author), (v.CREATED, created), (v.EVIDENCE, evidence)))


def _given(values: _Provenance) -> _Provenance:
    return tuple((name, text) for name, text in values if text)


def _if_any(predicate: str, text: str) -> Iterable[tuple[str, Value]]:
    return [(predicate, Text(text))] if text else []


def _require_identities(ontology: Ontology) -> None:
    for what, keys in (
        ("label id", [label.id for label in ontology.labels]),
        ("exclusive group", [group.id for group in ontology.exclusive_groups]),
        ("label set and version", [f"{s.name} {s.version}" for s in ontology.label_sets]),
    ):
        for key, count in Counter(keys).items():
            if count > 1:
                raise OntologyError(f"{what} {key}: used {count} times in {ontology.name}; give each its own")
