"""The tidy table: one tab-separated file with a row for each statement, which loses nothing.

The first column says what a row states, :data:`ROWS` what its other cells then mean. Names beside ids are for readers;
one that is another label's is refused, because then the id is likely to be wrong. Cells are quoted as in
spreadsheets, so that texts keep their tabs and line ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kg.exchange.cells import defused
from kg.exchange.checks import require_identities
from kg.ontology import ExclusionException, ExclusivePair, Label, Ontology, Relation, SoftRelation

COLUMNS: Mapping[str, str] = {
    "row": "what the row states, one of the kinds below",
    "subject": "id of what it is about",
    "subject_name": "preferred name of a subject that is a label; in a row `label` the name itself",
    "predicate": "kind, class, scope, SKOS predicate or position",
    "object": "id of the other label or of the mapped term",
    "object_name": "preferred name of an object that is a label, or name of the mapped term",
    "text": "free text",
    "source": "where it comes from",
    "author": "who stated it",
    "created": "when, ISO 8601",
    "evidence": "what it rests on; of a mapping its justification",
}
"""What each column holds; an empty cell is an empty text."""

ROWS: Mapping[str, str] = {
    "ontology": "subject: name; text: version",
    "notice": "subject: position from 0; text: a licence notice",
    "label": "subject, subject_name, predicate: class; text: definition; source",
    "status": "subject, predicate: deprecated or current; object: what replaces it; of other labels left out",
    "synonym": "subject, predicate: scope; text: the synonym; source",
    "mapping": "subject, predicate: skos:...; object, object_name: term and its name; evidence: justification",
    "relation": "subject implies object; predicate: kind; source, author, created, evidence",
    "exclusive-pair": "subject never with object; source, author, created, evidence",
    "exception": "subject may meet object in spite of an inherited exclusion; source, author, created, evidence",
    "soft-relation": "subject, predicate: kind; object; source, author, created, evidence",
    "exclusive-group": "subject: id of the group; source",
    "group-member": "subject: id of the group; object: a label",
    "label-set": "subject: name; text: version",
    "column": "subject: name of the label set; text: its version; predicate: position from 0; object: a label",
    "foreign": "text: OWL statements outside the model, as N-Triples",
    "end": "nothing; a file without this row was cut off",
}
"""What the cells of each kind of row mean."""

NAMELESS = ("ontology", "notice", "label", "foreign", "end")
"""Rows that no label's name stands in beside its id."""

_NEEDS_QUOTES = frozenset('\t\r\n"')
_Row = Mapping[str, str]


def render(ontology: Ontology) -> bytes:
    """The table as UTF-8.

    Raises:
        OntologyError: two labels, groups or label sets share one identity.
        UnicodeEncodeError: a text holds half a character.
    """
    require_identities(ontology)
    names = {label.id: label.name for label in ontology.labels}
    lines = ["\t".join(COLUMNS)]
    for kind, cells in _rows(ontology):
        row = {"row": kind, **cells}
        if kind not in NAMELESS:
            row.setdefault("subject_name", names.get(row.get("subject", ""), ""))
            row.setdefault("object_name", names.get(row.get("object", ""), ""))
        lines.append("\t".join(_cell(row.get(column, "")) for column in COLUMNS))
    return ("\n".join(lines) + "\n").encode()


def _cell(text: str) -> str:
    text = defused(text)
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.intersection(text) else text


def _rows(ontology: Ontology) -> Iterator[tuple[str, _Row]]:
    yield "ontology", {"subject": ontology.name, "text": ontology.version}
    for position, notice in enumerate(ontology.notices):
        yield "notice", {"subject": str(position), "text": notice}
    for label in ontology.labels:
        yield from _label_rows(label)
    for r in ontology.relations:
        yield "relation", {"subject": r.child, "predicate": r.kind, "object": r.parent, **_provenance(r)}
    for p in ontology.exclusive_pairs:
        yield "exclusive-pair", {"subject": p.a, "object": p.b, **_provenance(p)}
    for x in ontology.exceptions:
        yield "exception", {"subject": x.a, "object": x.b, **_provenance(x)}
    for group in ontology.exclusive_groups:
        yield "exclusive-group", {"subject": group.id, "source": group.source}
        yield from (("group-member", {"subject": group.id, "object": member}) for member in group.members)
    for s in ontology.soft_relations:
        yield "soft-relation", {"subject": s.subject, "predicate": s.kind, "object": s.object, **_provenance(s)}
    for label_set in ontology.label_sets:
        head = {"subject": label_set.name, "text": label_set.version}
        yield "label-set", head
        for position, member in enumerate(label_set.members):
            yield "column", {**head, "predicate": str(position), "object": member}
    for statement in ontology.foreign:
        yield "foreign", {"text": statement}
    yield "end", {}


def _label_rows(label: Label) -> Iterator[tuple[str, _Row]]:
    yield (
        "label",
        {
            "subject": label.id,
            "subject_name": label.name,
            "predicate": label.label_class,
            "text": label.definition,
            "source": label.source,
        },
    )
    if label.deprecated or label.replaced_by:
        state = "deprecated" if label.deprecated else "current"
        yield "status", {"subject": label.id, "predicate": state, "object": label.replaced_by}
    for s in label.synonyms:
        yield "synonym", {"subject": label.id, "predicate": s.scope, "text": s.text, "source": s.source}
    for m in label.mappings:
        term = {"object": m.object_id, "object_name": m.object_label, "evidence": m.justification}
        yield "mapping", {"subject": label.id, "predicate": m.predicate, **term}


def _provenance(relation: Relation | ExclusivePair | ExclusionException | SoftRelation) -> _Row:
    return {
        "source": relation.source,
        "author": relation.author,
        "created": relation.created,
        "evidence": relation.evidence,
    }
