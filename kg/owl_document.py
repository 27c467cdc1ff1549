"""An ontology as an ordered list of OWL statements, the same list for every file format.

The order depends on content alone: header, declarations, label sets, groups, then each label followed by the axioms
that start at it. A relation is one statement of its label and one axiom with its provenance, so that an edit of one
relation changes two neighbouring places of the file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from kg import owl_vocabulary as v
from kg.errors import OntologyError
from kg.ontology import Label, Ontology
from kg.owl_exclusion import StrictExclusion, strict_exclusion
from kg.owl_return import give_back
from kg.owl_terms import Block, Iri, Members, Text, Value


class Profile(StrEnum):
    """How exclusion is written."""

    TRAINING = "training"
    """An annotation: exclusive labels may still meet on one lesion, as they do in real reports."""
    STRICT = "strict"
    """Disjoint classes, for a reasoner."""


TRUE = Text("true", "xsd:boolean")

_Provenance = tuple[tuple[str, str], ...]
_DATATYPES = {v.POSITION: "xsd:integer", v.INFERRED: "xsd:boolean"}
_INFERRED: _Provenance = ((v.INFERRED, "true"),)


@dataclass(frozen=True, slots=True)
class _Fact:
    """One statement about a label with its provenance."""

    predicate: str
    value: Value
    provenance: _Provenance = ()


def document(ontology: Ontology, profile: Profile) -> tuple[Block, ...]:
    """The statements of a file.

    Raises:
        OntologyError: two labels, groups or label sets share one identity, or a foreign statement is damaged.
    """
    _require_identities(ontology)
    names = {label.id: label.name for label in ontology.labels}
    exclusion = strict_exclusion(ontology) if profile is Profile.STRICT else None
    facts = _facts(ontology, exclusion, names)
    extended = bool(ontology.exceptions) or any(f.provenance == _INFERRED for found in facts.values() for f in found)
    blocks: list[Block] = []
    for label in ontology.labels:
        blocks += _label_blocks(label, facts.pop(label.id, []))
    for label_id in sorted(facts):
        blocks += _label_blocks(label_id, facts[label_id])
    returned = give_back(blocks, ontology.foreign, ontology.name)
    return (
        _header(ontology, profile, returned.kept, extended or bool(returned.kept)),
        *_declarations(extended or bool(returned.kept)),
        *_sets_and_groups(ontology),
        *returned.blocks,
        *_disjoint(ontology, exclusion, names),
        *returned.statements,
        Block(Iri(v.ontology_iri(ontology.name)), "", ((v.COMPLETE, TRUE),)),
    )


def _header(ontology: Ontology, profile: Profile, kept: Iterable[str], extended: bool) -> Block:
    statements: list[tuple[str, Value]] = [
        (v.TITLE, Text(ontology.name)),
        ("owl:versionInfo", Text(ontology.version)),
        (v.FORMAT_VERSION, Text(v.FORMATS[extended])),
        (v.PROFILE, Text(profile)),
        *((v.NOTICE, Text(notice)) for notice in sorted(set(ontology.notices))),
        *((v.KEPT, Text(component)) for component in kept),
    ]
    return Block(Iri(v.ontology_iri(ontology.name)), "owl:Ontology", tuple(statements))


def _declarations(extended: bool) -> Iterator[Block]:
    for name in (*v.ANNOTATION_PROPERTIES, *(v.PROPERTIES_OF_FORMAT_2 if extended else ())):
        comment = _if_any("rdfs:comment", v.PROPERTY_COMMENTS.get(name, ""))
        yield Block(Iri(v.expand(name)), "owl:AnnotationProperty", tuple(comment))
    for root, name in v.ROOT_NAMES.items():
        above = [("rdfs:subClassOf", Iri(v.expand(v.ROOT)))] if root != v.ROOT else []
        yield Block(Iri(v.expand(root)), "owl:Class", (("rdfs:label", Text(name)), *above))


def _sets_and_groups(ontology: Ontology) -> Iterator[Block]:
    for s in ontology.label_sets:
        about: tuple[tuple[str, Value], ...] = (("rdfs:label", Text(s.name)), ("owl:versionInfo", Text(s.version)))
        yield Block(Iri(v.label_set_iri(s.name, s.version)), "owl:NamedIndividual", about)
    for group in ontology.exclusive_groups:
        about = (("rdfs:label", Text(group.id)), *_if_any(v.SOURCE, group.source))
        yield Block(Iri(v.group_iri(group.id)), "owl:NamedIndividual", about)


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
            *((name, Text(text, _DATATYPES.get(name, ""))) for name, text in provenance),
        ),
    )


def _facts(ontology: Ontology, exclusion: StrictExclusion | None, names: dict[str, str]) -> dict[str, list[_Fact]]:
    """What labels say about texts, terms and each other, by label id, in the order of the file.

    ``exclusion`` is that of the strict profile, None in the other.
    """

    def to(label_id: str) -> Iri:
        return Iri(v.label_iri(label_id), names.get(label_id, ""))

    facts: dict[str, list[_Fact]] = defaultdict(list)
    for r in ontology.relations:
        provenance = ((v.KIND, r.kind.value), *_provenance(r.source, r.author, r.created, r.evidence))
        facts[r.child].append(_Fact("rdfs:subClassOf", to(r.parent), provenance))
    for label in ontology.labels:
        if label.deprecated and label.replaced_by not in ("", label.id):
            facts[label.id].append(_Fact("rdfs:subClassOf", to(label.replaced_by), _INFERRED))
    for p in ontology.exclusive_pairs:
        if exclusion is None or (p.a, p.b) in exclusion.pairs:
            predicate, value = v.EXCLUSIVE_WITH, to(p.b)
        else:
            predicate, value = _apart(p.a, to(p.b))
        facts[p.a].append(_Fact(predicate, value, _provenance(p.source, p.author, p.created, p.evidence)))
    for a, b in exclusion.inferred if exclusion else ():
        facts[a].append(_Fact(*_apart(a, to(b)), _INFERRED))
    for group in ontology.exclusive_groups:
        if exclusion is None or group.id in exclusion.groups or len(group.members) < 2:
            for member in group.members:
                facts[member].append(_Fact(v.MEMBER_OF_GROUP, Iri(v.group_iri(group.id))))
    for x in ontology.exceptions:
        facts[x.a].append(_Fact(v.COMPATIBLE_WITH, to(x.b), _provenance(x.source, x.author, x.created, x.evidence)))
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


def _apart(a: str, b: Iri) -> tuple[str, Iri]:
    """How a reasoner is told that no lesion has both labels."""
    if v.label_iri(a) != b.value:
        return "owl:disjointWith", b
    # OWL has no class disjoint with itself: what that says is that nothing is in the class
    return "rdfs:subClassOf", Iri(v.expand("owl:Nothing"))


def _disjoint(ontology: Ontology, exclusion: StrictExclusion | None, names: dict[str, str]) -> Iterator[Block]:
    for group in ontology.exclusive_groups:
        if exclusion is not None and group.id not in exclusion.groups and len(group.members) > 1:
            members = Members(tuple(Iri(v.label_iri(m), names.get(m, "")) for m in group.members))
            about: tuple[tuple[str, Value], ...] = (("owl:members", members), (v.GROUP, Iri(v.group_iri(group.id))))
            yield Block(None, "owl:AllDisjointClasses", about)


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
