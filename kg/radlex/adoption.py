"""Terms of RadLex taken over as labels, with their synonyms and the parents that are labels already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kg.curation.change_set import Change, ChangeSet, Composite
from kg.curation.edits import Provenance, add_label, new_label_id
from kg.errors import UsageError
from kg.ontology import Label, LabelClass, MatchKind, Ontology, Relation, RelationKind, Synonym, TermMapping
from kg.radlex.linked import LEXICAL
from kg.radlex.reference import Reference, Step
from kg.radlex.search import fold
from kg.relation_kinds import kind_by_classes

SOURCE = "RadLex"
_ABOVE = (MatchKind.EXACT, MatchKind.CLOSE, MatchKind.NARROW)


@dataclass(frozen=True)
class Adoption:
    """Terms to take over.

    Attributes:
        changes: one composite ``adopt-term`` a term, higher terms first.
        left_out: names of terms that became no synonyms because another label has them, as (RID, name).
    """

    changes: tuple[Composite, ...]
    left_out: tuple[tuple[str, str], ...]


def adopt(
    ontology: Ontology,
    reference: Reference,
    rids: Iterable[str],
    label_class: LabelClass | None = None,
    author: str = "",
    created: str = "",
    used_ids: Iterable[str] = (),
    levels: int = 0,
) -> Adoption:
    """Make labels of terms.

    A new label lies below the nearest labels that RadLex has above its term, be they there already or adopted along:
    between body parts ``IS_A`` where the way is ``is_a`` throughout, ``LOCATED_IN`` where it goes over
    ``contained_by``, otherwise ``PART_OF``; else what the classes of the two say
    (:func:`kg.relation_kinds.kind_by_classes`). The way is the relation's evidence.

    Args:
        ontology: what it is made on.
        reference: all terms.
        rids: the terms, in any order.
        label_class: class of the new labels; that of the nearest label which a term is a kind of when None, else of
            those that it is a part of or contained by.
        author: who answers for it.
        created: when, ISO 8601.
        used_ids: ids that are given away elsewhere.
        levels: how many levels of the terms' parents to take over too, up to terms that are labels already or
            head a main branch.

    Raises:
        UsageError: no such term, it is withdrawn or a label already, its name is another label's, or nothing tells
            its class.
    """
    wanted = dict.fromkeys(rids)
    for rid in wanted:
        if reference.term(rid).obsolete:
            raise UsageError(f"RadLex term {rid}: RadLex has withdrawn it; choose another term")
    given_away = tuple(used_ids)
    now = ontology
    done: list[Composite] = []
    left_out: list[tuple[str, str]] = []
    for rid in _upper_first(reference, _with_parents(ontology, reference, list(wanted), levels)):
        composite, skipped = _adopted(now, reference, rid, label_class, author, created, given_away)
        done.append(composite)
        left_out += [(rid, name) for name in skipped]
        now = ChangeSet((composite,)).apply(now)
    return Adoption(tuple(done), tuple(left_out))


def nearest_labels(
    ontology: Ontology, reference: Reference, rid: str
) -> list[tuple[Label, tuple[tuple[Step, str], ...]]]:
    """The nearest labels that RadLex has above a term, with the way up, by id.

    A label is above a term when its exact or close match is, or a term that is narrower than the label.
    """
    labels: dict[str, list[Label]] = {}
    for label in ontology.labels:
        for m in label.mappings:
            if not label.deprecated and m.predicate in _ABOVE:
                labels.setdefault(m.object_id, []).append(label)
    ways = reference.ways_up(rid, labels)
    onward = {up: reference.ways_up(up, ways) for up in ways}
    near = [up for up in ways if not any(up in onward[low] and low not in onward[up] for low in ways)]
    found = {label.id: (label, ways[up]) for up in near for label in labels[up]}
    return [found[key] for key in sorted(found)]


def _adopted(
    ontology: Ontology,
    reference: Reference,
    rid: str,
    label_class: LabelClass | None,
    author: str,
    created: str,
    used_ids: Iterable[str],
) -> tuple[Composite, list[str]]:
    term = reference.term(rid)
    for label in ontology.labels:
        if any(m.object_id == rid and m.predicate is MatchKind.EXACT for m in label.mappings):
            raise UsageError(f"RadLex term {rid} {term.name!r}: is the label {label.name!r} already; choose another")
    over = nearest_labels(ontology, reference, rid)
    if label_class is None:
        kinds_of = {label.label_class for label, way in over if all(step is Step.IS_A for step, _ in way)}
        classes = kinds_of or {label.label_class for label, _ in over}
        if len(classes) != 1:
            raise UsageError(f"RadLex term {rid} {term.name!r}: no label above it tells its class; give one")
        label_class = classes.pop()
    taken = {fold(name) for label in ontology.labels for name in (label.name, *(s.text for s in label.synonyms))}
    skipped = [name for name in term.synonyms if fold(name) in taken]
    kept = {fold(name): name for name in reversed(term.synonyms) if fold(name) not in {*taken, fold(term.name)}}
    made = add_label(
        ontology,
        term.name,
        label_class,
        new_label_id(ontology, used_ids),
        [Synonym(name, source=SOURCE) for name in kept.values()],
        term.definition,
        [TermMapping(rid, term.name, MatchKind.EXACT, LEXICAL)],
        SOURCE,
    )
    own = made.fact
    assert isinstance(own, Label)
    parts = [made]
    for parent, way in over:
        kind = _kind(label_class, parent.label_class, [step for step, _ in way])
        evidence = " ".join([rid, *(word for step, up in way for word in (step.value, up))])
        by = Provenance(SOURCE, author, created, evidence)
        parts.append(Change(None, Relation(own.id, kind, parent.id, *by.values())))
    return Composite("adopt-term", (own.id, *(parent.id for parent, _ in over)), tuple(parts)), skipped


def _kind(child: LabelClass, parent: LabelClass, steps: Sequence[Step]) -> RelationKind:
    if not child == parent == LabelClass.BODYPART:
        return kind_by_classes(child, parent)
    if Step.CONTAINED_BY in steps:
        return RelationKind.LOCATED_IN
    return RelationKind.PART_OF if Step.PART_OF in steps else RelationKind.IS_A


def _with_parents(ontology: Ontology, reference: Reference, rids: list[str], levels: int) -> list[str]:
    """Terms and those up to so many levels above them, but no labels, no withdrawn terms, and no heads of branches."""
    there = {m.object_id for label in ontology.labels for m in label.mappings if m.predicate in _ABOVE}
    there |= reference.tops
    found, last = dict.fromkeys(rids), rids
    for _ in range(levels):
        above = dict.fromkeys(up for rid in last for _, up in reference.terms[rid].above if up in reference.terms)
        last = [up for up in above if up not in found and up not in there and not reference.terms[up].obsolete]
        found |= dict.fromkeys(last)
    return list(found)


def _upper_first(reference: Reference, rids: list[str]) -> list[str]:
    """Terms so that each comes after those above it."""
    above = {rid: len(reference.ways_up(rid, rids)) for rid in rids}
    return sorted(rids, key=lambda rid: above[rid])
