"""Whether RadLex bears out what an ontology says about its terms."""

from __future__ import annotations

from collections.abc import Iterator

from kg.findings import Finding, Severity
from kg.ontology import Label, Ontology, SynonymScope, TermMapping
from kg.radlex.linked import LEXICAL
from kg.radlex.reference import Reference
from kg.radlex.search import fold


def check_mappings(ontology: Ontology, reference: Reference) -> list[Finding]:
    """Mappings that RadLex does not bear out: unknown or obsolete terms, other names, matches that are not lexical."""
    return [
        finding
        for label in ontology.labels
        for mapping in label.mappings
        for finding in _check_mapping(label, mapping, reference)
    ]


def _check_mapping(label: Label, mapping: TermMapping, reference: Reference) -> Iterator[Finding]:
    link = (f"{label.name} {mapping.predicate} {mapping.object_id} ({mapping.object_label})",)
    where = f"{label.name!r} is mapped to {mapping.object_id}"
    term = reference.terms.get(mapping.object_id)
    if term is None:
        message = f"{where}, which RadLex does not have; choose another term"
        yield Finding("unknown-radlex-term", Severity.ERROR, (label.name,), message, link)
        return
    if term.obsolete:
        message = f"{where}, which RadLex has withdrawn; choose another term"
        yield Finding("obsolete-radlex-term", Severity.ERROR, (label.name,), message, link)
    if mapping.object_label != term.name:
        message = f"{where} as {mapping.object_label!r}, but RadLex calls it {term.name!r}; write that name"
        yield Finding("radlex-name-differs", Severity.ERROR, (label.name,), message, link)
    own = {label.name, *(s.text for s in label.synonyms if s.scope is SynonymScope.EXACT)}
    if mapping.justification.startswith(LEXICAL) and {*map(fold, own)}.isdisjoint(map(fold, term.names)):
        message = f"{where} as a lexical match, but they share no name; justify it as a manual choice"
        yield Finding("not-a-lexical-match", Severity.ERROR, (label.name,), message, link)
