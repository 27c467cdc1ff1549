"""Which OWL statements the ontology model has a place for."""

from __future__ import annotations

from kg import owl_vocabulary as v
from kg.owl_terms import Blank, Iri, Text, Triple

HEADER = Iri(v.ONTOLOGIES)
"""Stands for the ontology itself in statements about it: it may be renamed."""

TYPE, CLASS, AXIOM, DISJOINT_SETS, MEMBERS, LIST, FIRST, REST, SOURCE, PROPERTY, TARGET = (
    Iri(v.expand(name))
    for name in (
        "rdf:type", "owl:Class", "owl:Axiom", "owl:AllDisjointClasses", "owl:members", "rdf:List", "rdf:first",
        "rdf:rest", "owl:annotatedSource", "owl:annotatedProperty", "owl:annotatedTarget",
    )
)  # fmt: skip
SUBCLASS, DISJOINT, NOTHING, EXCLUSIVE, COMPATIBLE, GROUP, KEPT, KIND, FROM, FORMAT_VERSION, NAME, DEFINITION = (
    Iri(v.expand(name))
    for name in (
        "rdfs:subClassOf", "owl:disjointWith", "owl:Nothing", v.EXCLUSIVE_WITH, v.COMPATIBLE_WITH, v.GROUP, v.KEPT,
        v.KIND, v.SOURCE, v.FORMAT_VERSION, "rdfs:label", v.DEFINITION,
    )
)  # fmt: skip


def _iris(*names: str) -> frozenset[str]:
    return frozenset(map(v.expand, names))


_PROVENANCE = (v.SOURCE, v.AUTHOR, v.CREATED, v.EVIDENCE)
_ANNOTATIONS = {
    v.expand(name): _iris(*annotations)
    for names, annotations in (
        (("rdfs:subClassOf",), (v.KIND, v.INFERRED, *_PROVENANCE)),
        (("owl:disjointWith",), (v.GROUP, v.INFERRED, *_PROVENANCE)),
        ((v.EXCLUSIVE_WITH, v.COMPATIBLE_WITH, *v.SOFT_PROPERTIES.values()), _PROVENANCE),
        (v.SYNONYM_PROPERTIES.values(), (v.SOURCE,)),
        (v.MATCH_PROPERTIES.values(), (v.OBJECT_LABEL, v.JUSTIFICATION)),
        ((v.IN_LABEL_SET,), (v.POSITION,)),
        (("owl:AllDisjointClasses",), (v.GROUP, *_PROVENANCE)),
    )
    for name in names
}
"""What may be said about a statement, by its property."""

_LINKS = _iris(v.EXCLUSIVE_WITH, v.COMPATIBLE_WITH, v.IN_LABEL_SET, v.MEMBER_OF_GROUP, *v.SOFT_PROPERTIES.values())
_BETWEEN = _LINKS | _iris("rdfs:subClassOf", "owl:disjointWith")
_LABEL_TEXTS = _iris("rdfs:label", v.DEFINITION, v.SOURCE, "owl:deprecated", *v.SYNONYM_PROPERTIES.values())
_HEADER_TEXTS = _iris(v.TITLE, "owl:versionInfo", v.NOTICE, v.FORMAT_VERSION, v.PROFILE, v.COMPLETE, v.KEPT)
_ROOTS = _iris(*v.CLASS_ROOTS.values())
_EMPTY_CLASSES = _iris("owl:Thing", "owl:Nothing")
_MATCHES = _iris(*v.MATCH_PROPERTIES.values())
_PROPERTIES = _iris(*v.ANNOTATION_PROPERTIES, *v.PROPERTIES_OF_FORMAT_2)
_VOCABULARY = frozenset(iri for iri in _PROPERTIES if iri.startswith(v.VOCABULARY)) | _iris(*v.ROOT_NAMES)
_OF_VOCABULARY = _iris("rdf:type", "rdfs:label", "rdfs:subClassOf", "rdfs:comment")


def is_read(triple: Triple) -> bool:
    """Whether a statement about a named resource is one that the model reads, damaged ones included."""
    subject, predicate, value = triple.subject, triple.predicate.value, triple.object
    if isinstance(subject, Blank):
        return False
    name, to = subject.value, value.value if isinstance(value, Iri) else ""
    if subject == HEADER:
        return to == v.expand("owl:Ontology") if predicate == TYPE.value else _is_text(predicate, value, _HEADER_TEXTS)
    if name.startswith(v.LABELS):
        return _is_read_of_label(predicate, value, to)
    if name.startswith((v.GROUPS, v.LABEL_SETS)):
        if predicate == TYPE.value:
            return to == v.expand("owl:NamedIndividual")
        return _is_text(predicate, value, _iris("rdfs:label", "owl:versionInfo", v.SOURCE))
    if name in _VOCABULARY:
        return predicate in _OF_VOCABULARY
    return name in _PROPERTIES and predicate == TYPE.value and to == v.expand("owl:AnnotationProperty")


def needs_a_label(triple: Triple) -> bool:
    """Whether a statement that the model reads has a meaning only at a label that is declared."""
    return (
        isinstance(triple.subject, Iri)
        and triple.subject.value.startswith(v.LABELS)
        and triple.predicate.value not in _BETWEEN
    )


def is_annotation(predicate: Iri, annotated: str, value: object) -> bool:
    """Whether the model reads this annotation of a statement with the property ``annotated``.

    An empty source is how a file says that an axiom stands beside others though nothing is said about it.
    """
    read = predicate.value in _ANNOTATIONS.get(annotated, ()) or (predicate == FROM and value == Text(""))
    return read and (isinstance(value, Text) or predicate == GROUP)


def _is_read_of_label(predicate: str, value: Iri | Blank | Text, to: str) -> bool:
    if predicate == TYPE.value:
        return to == CLASS.value
    if predicate == SUBCLASS.value:
        return to.startswith(v.LABELS) or to in _ROOTS or to in _EMPTY_CLASSES or isinstance(value, Text)
    if predicate == DISJOINT.value:
        return to.startswith(v.LABELS) or isinstance(value, Text)
    if predicate in _MATCHES:
        return v.term_id(to) is not None
    return predicate in _LINKS or predicate == v.expand(v.REPLACED_BY) or _is_text(predicate, value, _LABEL_TEXTS)


def _is_text(predicate: str, value: Iri | Blank | Text, texts: frozenset[str]) -> bool:
    return predicate in texts and isinstance(value, Text)
