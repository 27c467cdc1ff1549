"""Names in our OWL files: namespaces, properties, and how ids become IRIs and back.

The IRIs under ``w3id.org/lesionkg`` are identifiers, not addresses: nothing is ever fetched from them.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from kg.ontology import LabelClass, MatchKind, SoftKind, SynonymScope

BASE = "https://w3id.org/lesionkg/"
VOCABULARY = f"{BASE}vocabulary#"
LABELS = f"{BASE}label/"
LABEL_SETS = f"{BASE}label-set/"
GROUPS = f"{BASE}exclusive-group/"
ONTOLOGIES = f"{BASE}ontology/"
TERMS = f"{BASE}term/"
RADLEX = "http://www.radlex.org/RID/"

PREFIXES = {
    "owl": "http://www.w3.org/2002/07/owl#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "dcterms": "http://purl.org/dc/terms/",
    "oboInOwl": "http://www.geneontology.org/formats/oboInOwl#",
    "obo": "http://purl.obolibrary.org/obo/",
    "sssom": "https://w3id.org/sssom/",
    "radlex": RADLEX,
    "lkg": VOCABULARY,
    "label": LABELS,
}

FORMATS = ("1", "2")
"""Versions of this way of writing an ontology; a reader refuses a newer one.

Version 2 adds exceptions, what is inferred for the reasoner, and kept statements. A file without any is of version 1.
"""

ROOT = "lkg:LesionFinding"
CLASS_ROOTS = {
    LabelClass.BODYPART: "lkg:BodyPartFinding",
    LabelClass.TYPE: "lkg:TypeFinding",
    LabelClass.ATTRIBUTE: "lkg:AttributeFinding",
}
ROOT_NAMES = {
    ROOT: "lesion finding",
    CLASS_ROOTS[LabelClass.BODYPART]: "finding by body part",
    CLASS_ROOTS[LabelClass.TYPE]: "finding by type",
    CLASS_ROOTS[LabelClass.ATTRIBUTE]: "finding by attribute",
}

SYNONYM_PROPERTIES = {
    SynonymScope.EXACT: "oboInOwl:hasExactSynonym",
    SynonymScope.NARROW: "oboInOwl:hasNarrowSynonym",
    SynonymScope.BROAD: "oboInOwl:hasBroadSynonym",
    SynonymScope.RELATED: "oboInOwl:hasRelatedSynonym",
}
SOFT_PROPERTIES = {
    SoftKind.TYPICALLY_LOCATED_IN: "lkg:typicallyLocatedIn",
    SoftKind.TYPICALLY_HAS: "lkg:typicallyHas",
    SoftKind.CONFUSABLE_WITH: "lkg:confusableWith",
    SoftKind.CONTRALATERAL_OF: "lkg:contralateralOf",
}
MATCH_PROPERTIES = {kind: kind.value for kind in MatchKind}

DEFINITION = "obo:IAO_0000115"
REPLACED_BY = "obo:IAO_0100001"
EXCLUSIVE_WITH = "lkg:exclusiveWith"
COMPATIBLE_WITH = "lkg:compatibleWith"
INFERRED = "lkg:inferred"
KEPT = "lkg:kept"
IN_LABEL_SET = "lkg:inLabelSet"
POSITION = "lkg:position"
MEMBER_OF_GROUP = "lkg:memberOfGroup"
GROUP = "lkg:group"
KIND = "lkg:kind"
SOURCE = "dcterms:source"
AUTHOR = "dcterms:creator"
CREATED = "dcterms:created"
EVIDENCE = "lkg:evidence"
OBJECT_LABEL = "sssom:object_label"
JUSTIFICATION = "sssom:mapping_justification"
TITLE = "dcterms:title"
NOTICE = "dcterms:rights"
FORMAT_VERSION = "lkg:format"
PROFILE = "lkg:profile"
COMPLETE = "lkg:complete"

PROPERTY_COMMENTS = {
    EXCLUSIVE_WITH: "Symmetric: no lesion has both labels. Written once, at the smaller id.",
    COMPATIBLE_WITH: "Symmetric: a lesion may have both labels, and all above them, though they inherit an exclusion.",
    INFERRED: "An axiom computed from others, for the reasoner; it is not read back.",
    KEPT: "Statements outside the model, as N-Triples, that would be misread where they belong.",
    MEMBER_OF_GROUP: "A lesion has at most one label of a group.",
    KIND: "Kind of a strict relation, an annotation of its subclass axiom.",
    POSITION: "Column of a label in a label set, from 0.",
    COMPLETE: "The last statement of a file; without it the file was cut off.",
}
ANNOTATION_PROPERTIES = (
    AUTHOR, CREATED, NOTICE, SOURCE, TITLE,
    COMPLETE, EVIDENCE, EXCLUSIVE_WITH, FORMAT_VERSION, GROUP, IN_LABEL_SET, KIND, MEMBER_OF_GROUP, POSITION, PROFILE,
    *SOFT_PROPERTIES.values(), DEFINITION, REPLACED_BY, *SYNONYM_PROPERTIES.values(), *MATCH_PROPERTIES.values(),
    JUSTIFICATION, OBJECT_LABEL,
)  # fmt: skip

PROPERTIES_OF_FORMAT_2 = (COMPATIBLE_WITH, INFERRED, KEPT)

_CURIE = re.compile(r"([A-Za-z][A-Za-z0-9]*):([A-Za-z0-9]+)")
_OBO_STYLE = re.compile(r"([A-Za-z][A-Za-z0-9]*)_([A-Za-z0-9]+)")
_RID = re.compile(r"RID\d+(_RID\d+)*")


def expand(curie: str) -> str:
    """The IRI of a name such as ``rdfs:label``; an IRI in angle brackets as it is."""
    if curie.startswith("<"):
        return curie[1:-1]
    prefix, local = curie.split(":", 1)
    return PREFIXES[prefix] + local


def _quoted(text: str) -> str:
    """Percent-encoded; parts of dots alone too, which would otherwise be steps in a path."""
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E")


def encode_id(text: str) -> str:
    """An id as the last part of an IRI: ``LKG:0000012`` as ``LKG_0000012``, anything else percent-encoded."""
    match = _CURIE.fullmatch(text)
    if match:
        return f"{match[1]}_{match[2]}"
    return _quoted(text).replace("_", "%5F")


def decode_id(part: str) -> str:
    """The inverse of :func:`encode_id`."""
    match = _OBO_STYLE.fullmatch(part)
    return f"{match[1]}:{match[2]}" if match else unquote(part)


def label_iri(label_id: str) -> str:
    """IRI of a label's finding class."""
    return LABELS + encode_id(label_id)


def group_iri(group_id: str) -> str:
    """IRI of an exclusive group."""
    return GROUPS + encode_id(group_id)


def ontology_iri(name: str) -> str:
    """IRI of the ontology of this name."""
    return ONTOLOGIES + _quoted(name)


def label_set_iri(name: str, version: str) -> str:
    """IRI of one version of a label set."""
    return f"{LABEL_SETS}{_quoted(name)}/{_quoted(version)}"


def label_set_key(iri: str) -> tuple[str, str]:
    """Name and version out of the IRI of a label set."""
    name, _, version = iri.removeprefix(LABEL_SETS).partition("/")
    return unquote(name), unquote(version)


def term_iri(object_id: str) -> str:
    """IRI of a mapped term: RadLex's own for a RID, one of ours for any other id."""
    return RADLEX + object_id if _RID.fullmatch(object_id) else TERMS + _quoted(object_id)


def term_id(iri: str) -> str | None:
    """The inverse of :func:`term_iri`; None for an IRI that it never makes."""
    if iri.startswith(RADLEX) and _RID.fullmatch(iri.removeprefix(RADLEX)):
        return iri.removeprefix(RADLEX)
    return unquote(iri.removeprefix(TERMS)) if iri.startswith(TERMS) else None
