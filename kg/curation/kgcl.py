"""Changes as lines of KGCL, the Knowledge Graph Change Language, with clauses of ours for what it has no place for.

:mod:`kg.curation.kgcl_parser` reads every line that is written here back to the same change. Relations of all kinds are
edges under predicates of ours; a pair that excludes and a pair that may meet are such edges too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kg.curation.change_set import Change, Composite
from kg.curation.edits import UNKNOWN, Provenance
from kg.curation.facts import (
    Fact,
    Foreign,
    Header,
    LabelField,
    LabelMapping,
    LabelStatus,
    LabelSynonym,
    LabelText,
    labels_of,
)
from kg.curation.kgcl_words import (
    WRITTEN,
    PairKind,
    escaped,
    quoted,
    written_id,
    written_term,
)
from kg.errors import InputError
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelSet,
    Relation,
    SoftRelation,
    Synonym,
)

Edge = Relation | SoftRelation | ExclusivePair | ExclusionException | LabelMapping

ANNOTATIONS = {LabelField.CLASS: "lkg:class", LabelField.SOURCE: "dcterms:source"}
"""Properties under which a label's class and source are changed."""


def to_kgcl(change: Change, names: Mapping[str, str] | None = None) -> str | None:
    """A change in KGCL alone; None where the language has no sentence for it.

    Provenance, the class of a label and its synonyms are not part of it.

    Args:
        change: the change.
        names: preferred names by label id, to be added as a remark (``# nodule, lung``) for people.
    """
    sentence = _sentence(change)
    return None if sentence is None else sentence + _remark(change, names or {})


def to_line(change: Change | Composite, names: Mapping[str, str] | None = None, default: Provenance = UNKNOWN) -> str:
    """A change in full: one line, or for a composite a block of lines.

    Args:
        change: the change.
        names: preferred names by label id, to be added as a remark for people.
        default: provenance that need not be written, because the reader is given the same.

    Raises:
        InputError: it adds or takes away what a label always has (its name, its status, ...), so it cannot be made.
    """
    names = names or {}
    if isinstance(change, Composite):
        undone = " undone" if change.undone else ""
        head = f"lkg:begin {quoted(change.kind)} of{_ids(change.labels)}{undone}{_names(change.labels, names)}"
        return "\n".join([head, *(to_line(part, names, default) for part in change.parts), "lkg:end"])
    sentence, clauses = _sentence(change), _clauses(change, default)
    if sentence is None:
        sentence = _own_sentence(change)
    return sentence + (f" #: {' '.join(clauses)}" if clauses else "") + _remark(change, names)


def to_lines(
    changes: Iterable[Change | Composite], names: Mapping[str, str] | None = None, default: Provenance = UNKNOWN
) -> str:
    """Several changes as a text, one after the other, that ends with a line break.

    Raises:
        InputError: as :func:`to_line`.
    """
    return "".join(to_line(change, names, default) + "\n" for change in changes)


def _sentence(change: Change) -> str | None:
    """The sentence of KGCL for a change; None when there is none."""
    match change.before, change.after:
        case None, Label() as label:
            return f"create class {written_id(label.id)} {quoted(label.name)}"
        case Label() as label, None:
            return f"delete {written_id(label.id)}"
        case LabelText() as old, LabelText() as new if (old.label, old.field) == (new.label, new.field):
            return _text_sentence(old, new)
        case LabelStatus() as old, LabelStatus() as new if old.label == new.label:
            if not new.deprecated:
                return f"unobsolete {written_id(new.label)}"
            by = f" with replacement {written_id(new.replaced_by)}" if new.replaced_by else ""
            return f"obsolete {written_id(new.label)}{by}"
        case None, LabelSynonym() as new:
            return f"create {new.synonym.scope} synonym {quoted(new.synonym.text)} for {written_id(new.label)}"
        case LabelSynonym() as old, None:
            return f"remove synonym {quoted(old.synonym.text)} for {written_id(old.label)}"
        case LabelSynonym() as old, LabelSynonym() as new:
            texts = f"{quoted(old.synonym.text)} to {quoted(new.synonym.text)}"
            return f"change synonym from {texts} for {written_id(old.label)}" if old.label == new.label else None
        case None, (Relation() | SoftRelation() | ExclusivePair() | ExclusionException() | LabelMapping()) as edge:
            return f"create edge {_edge(edge)}"
        case (Relation() | SoftRelation() | ExclusivePair() | ExclusionException() | LabelMapping()) as edge, None:
            return f"delete edge {_edge(edge)}"
        case (Relation() | SoftRelation() | LabelMapping()) as old, (
            Relation() | SoftRelation() | LabelMapping()
        ) as new:
            return _edit_sentence(old, new)
        case _:
            return None


def _text_sentence(old: LabelText, new: LabelText) -> str:
    label = written_id(new.label)
    if new.field is LabelField.NAME:
        return f"rename {label} from {quoted(old.text)} to {quoted(new.text)}"
    if new.field is not LabelField.DEFINITION:
        change = f"from {quoted(old.text)} to {quoted(new.text)}"
        return f"change annotation of {label} with {ANNOTATIONS[new.field]} {change}"
    if new.text and not old.text:
        return f"add definition {quoted(new.text)} to {label}"
    if old.text and not new.text:
        return f"remove definition for {label}"
    return f"change definition of {label} from {quoted(old.text)} to {quoted(new.text)}"


def _edit_sentence(old: Edge, new: Edge) -> str | None:
    (subject, predicate, object_), (subject2, predicate2, object2) = edge_parts(old), edge_parts(new)
    if (subject, object_) == (subject2, object2) and predicate != predicate2:
        return f"change relationship between {subject} and {object_} from {predicate} to {predicate2}"
    if isinstance(old, Relation) and (subject, predicate) == (subject2, predicate2) and object_ != object2:
        return f"move {subject} from {object_} to {object2}"
    return None


def _own_sentence(change: Change) -> str:
    """The sentence of ours for a change that KGCL has none for."""
    before, after = change.before, change.after
    needed = (LabelText, LabelStatus, Header)
    if isinstance(change.fact, needed) and (before is None or after is None or isinstance(before, needed[:2])):
        raise InputError("change of a label's text, its status or the ontology's name: only replaces what is there")
    if before is None and after is not None:
        return f"lkg:create {_noun(after)} {_phrase(after)}"
    assert before is not None
    if after is None:
        return f"lkg:delete {_noun(before)} {_key(before)}"
    return " ".join(filter(None, ("lkg:change", _noun(before), _key(before), "to", _phrase(after))))


def _noun(fact: Fact) -> str:
    match fact:
        case ExclusiveGroup():
            return "exclusive-group"
        case LabelSet():
            return "label-set"
        case Foreign():
            return "statement"
        case Header():
            return "ontology"
        case LabelSynonym():
            return "synonym"
        case Label():
            return "label"
        case _:
            return "edge"


def _key(fact: Fact) -> str:
    """What finds a fact, after its noun."""
    match fact:
        case ExclusiveGroup():
            return quoted(fact.id)
        case LabelSet():
            return quoted(fact.name)
        case Foreign():
            return quoted(fact.statement)
        case Label():
            return written_id(fact.id)
        case LabelSynonym():
            return f"{quoted(fact.synonym.text)} of {written_id(fact.label)}"
        case Relation() | SoftRelation() | ExclusivePair() | ExclusionException() | LabelMapping():
            return _edge(fact)
        case _:
            return ""


def _phrase(fact: Fact) -> str:
    """A fact in full but for its clauses, after its noun."""
    match fact:
        case ExclusiveGroup():
            return f"{_key(fact)} of{_ids(fact.members)}"
        case LabelSet():
            return f"{_key(fact)} version {quoted(fact.version)} of{_ids(fact.members)}"
        case Header():
            return f"{quoted(fact.name)} version {quoted(fact.version)}"
        case Label():
            return f"{written_id(fact.id)} {quoted(fact.name)}"
        case _:
            return _key(fact)


def edge_parts(edge: Edge) -> tuple[str, str, str]:
    """Subject, predicate and object as they are written."""
    match edge:
        case Relation():
            return written_id(edge.child), WRITTEN[edge.kind], written_id(edge.parent)
        case SoftRelation():
            return written_id(edge.subject), WRITTEN[edge.kind], written_id(edge.object)
        case ExclusivePair():
            return written_id(edge.a), WRITTEN[PairKind.EXCLUSIVE], written_id(edge.b)
        case ExclusionException():
            return written_id(edge.a), WRITTEN[PairKind.COMPATIBLE], written_id(edge.b)
        case LabelMapping():
            return written_id(edge.label), WRITTEN[edge.mapping.predicate], written_term(edge.mapping.object_id)


def _edge(edge: Edge) -> str:
    return " ".join(edge_parts(edge))


def _ids(labels: Iterable[str]) -> str:
    written = ", ".join(map(written_id, labels))
    return f" {written}" if written else ""


def _clauses(change: Change, default: Provenance) -> list[str]:
    before, after = change.before, change.after
    found = []
    if isinstance(before, Relation | SoftRelation | ExclusivePair | ExclusionException):
        found.append(f"{'source' if after is None else 'was'} {quoted(before.source)}")
    match before, after:
        case Relation(), Relation() if (before.child, before.kind) == (
            after.child,
            after.kind,
        ) and before.parent != after.parent:
            found.append(f"edge {WRITTEN[before.kind]}")
        case LabelSynonym(), LabelSynonym():
            scope = after.synonym.scope
            found += [f"scope {quoted(scope)}"] if scope != before.synonym.scope else []
        case _:
            pass
    match after:
        case Label():
            found += _label_clauses(after, default)
        case LabelStatus():
            found += (
                [f"replaced-by {written_id(after.replaced_by)}"] if after.replaced_by and not after.deprecated else []
            )
        case LabelSynonym():
            found += _given("source", after.synonym.source, default.source)
        case LabelMapping():
            known = before.mapping if isinstance(before, LabelMapping) else None
            same = known is not None and known.object_id == after.mapping.object_id
            found += _given("label", after.mapping.object_label, known.object_label if known and same else "")
            found += _given("justification", after.mapping.justification, "")
        case ExclusiveGroup():
            found += _given("source", after.source, default.source)
        case Relation() | SoftRelation() | ExclusivePair() | ExclusionException():
            for name in Provenance.__slots__:
                found += _given(name, getattr(after, name), getattr(default, name))
        case Header():
            found += [f"notice {quoted(notice)}" for notice in after.notices]
        case _:
            pass
    return found


def _label_clauses(label: Label, default: Provenance) -> list[str]:
    found = [f"class {quoted(label.label_class)}", *_given("source", label.source, default.source)]
    found += _given("definition", label.definition, "")
    found += ["deprecated"] if label.deprecated else []
    found += [f"replaced-by {written_id(label.replaced_by)}"] if label.replaced_by else []
    found += [_synonym_clause(synonym) for synonym in label.synonyms]
    for m in label.mappings:
        texts = f"{quoted(m.object_label)} {quoted(m.justification)}"
        found.append(f"mapping {WRITTEN[m.predicate]} {written_term(m.object_id)} {texts}")
    return found


def _synonym_clause(synonym: Synonym) -> str:
    return f"synonym {quoted(synonym.scope)} {quoted(synonym.text)} {quoted(synonym.source)}"


def _given(name: str, value: str, default: str) -> list[str]:
    return [f"{name} {quoted(value)}"] if value != default else []


def _remark(change: Change, names: Mapping[str, str]) -> str:
    facts = (fact for fact in (change.before, change.after) if fact is not None)
    return _names(dict.fromkeys(label_id for fact in facts for label_id in _mentioned(fact)), names)


def _mentioned(fact: Fact) -> tuple[str, ...]:
    """The labels that a line about a fact names, in its order."""
    match fact:
        case Relation():
            return fact.child, fact.parent
        case SoftRelation():
            return fact.subject, fact.object
        case LabelStatus():
            return fact.label, fact.replaced_by
        case _:
            return tuple(sorted(labels_of(fact)))


def _names(labels: Iterable[str], names: Mapping[str, str]) -> str:
    known = ", ".join(escaped(names[label_id]) for label_id in labels if label_id in names)
    return f" # {known}" if known else ""
