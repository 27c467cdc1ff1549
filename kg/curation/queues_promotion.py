"""Turning an item into changes: a soft relation, unless the labels of lesions carry a strict one.

The rule (:mod:`kg.curation.queues_rule` has its numbers):

===============  ====================================================  ===============================================
item             what the lesions say                                  change
===============  ====================================================  ===============================================
together         the rarer label's lesions have the other              strict relation, if it breaks no rule
together         both on more lesions than by chance                   TYPICALLY_LOCATED_IN or TYPICALLY_HAS
together         neither, labels of one class                          CONFUSABLE_WITH
apart            both on hardly any lesion, fewer than by chance       exclusive pair, if it breaks no rule
confused         both on more lesions than errors of labels explain    exception to the exclusion
confused         not                                                   CONFUSABLE_WITH
contradicted     labels at or below meet on more than errors explain   an exception for each lowest pair of these
contradicted     the pair does, lower ones in at least five patients   the same
===============  ====================================================  ===============================================

Anything else is refused: the evidence carries no change, and a curator who knows better proposes one directly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kg.closures import Closures
from kg.curation.assessment import assess
from kg.curation.change_set import Change, ChangeSet
from kg.curation.edits import add_label, add_mapping, add_synonym
from kg.curation.facts import Fact
from kg.curation.queues import Contradiction, Correlation, Evidence, Item, Term, Topic
from kg.curation.queues_rule import LEAST, implies, meet, more_than_chance, never_meet
from kg.curation.queues_text import says, why
from kg.errors import ChangeRefusedError, UsageError
from kg.ontology import (
    ExclusionException,
    ExclusivePair,
    LabelClass,
    MatchKind,
    Ontology,
    Relation,
    SoftKind,
    SoftRelation,
    SynonymScope,
    TermMapping,
)
from kg.relation_kinds import kind_by_classes


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reviewer adds to the evidence.

    Attributes:
        kind: kind of the soft relation, whatever the lesions say; None for the rule.
        drop: drop a contradicted pair instead of making exceptions to it.
        rid: RadLex id for a label without one.
        rid_name: RadLex's name of it.
        match: how it compares with the label.
        synonym_of: id or name of the label that a term is a synonym of.
        scope: how the synonym compares with the label.
        label_class: class of the new label that a term becomes.
        new_id: id of that label; the next free one when empty.
    """

    kind: SoftKind | None = None
    drop: bool = False
    rid: str = ""
    rid_name: str = ""
    match: MatchKind = MatchKind.EXACT
    synonym_of: str = ""
    scope: SynonymScope = SynonymScope.EXACT
    label_class: LabelClass | None = None
    new_id: str = ""


def promote(
    item: Item, ontology: Ontology, reviewer: str, created: str, reason: str = "", choice: Choice | None = None
) -> ChangeSet:
    """The change set that an item becomes.

    Args:
        item: the item, as it stands in its queue.
        ontology: what to change.
        reviewer: who answers for it.
        created: when, ISO 8601, UTC; relations carry its date.
        reason: why; what the item says when empty.
        choice: what the reviewer adds.

    Raises:
        ChangeRefusedError: the evidence carries no change, or the change would break a rule.
        UsageError: a choice is missing, or does not fit the item.
    """
    chosen = choice or Choice()
    evidence = item.evidence
    made = _Maker(ontology, reviewer, created[:10], _rests_on(evidence), why(item))
    if isinstance(evidence, Correlation):
        changes = _of_correlation(made, item, evidence, chosen)
    elif isinstance(evidence, Contradiction):
        changes = _of_contradiction(made, item, evidence, chosen)
    elif isinstance(evidence, Term):
        changes = _of_term(made, evidence, chosen)
    else:
        changes = _of_unmapped(made, item, chosen)
    return ChangeSet(changes, reviewer, created, reason or says(item), f"{item.id}: {why(item)}")


def _rests_on(evidence: Evidence) -> str:
    """The source of what is made from it."""
    match evidence:
        case Correlation():
            return evidence.model
        case Term():
            return evidence.source
        case _:
            return "labelled lesions"


@dataclass(frozen=True)
class _Maker:
    """Makes facts with their provenance."""

    ontology: Ontology
    author: str
    created: str
    source: str
    evidence: str

    def label_class(self, label: str) -> LabelClass:
        return self.ontology.by_id[label].label_class

    def add(self, *facts: Fact) -> tuple[Change, ...]:
        return tuple(Change(None, fact) for fact in facts)

    def soft(self, subject: str, kind: SoftKind, other: str) -> tuple[Change, ...]:
        return self.add(SoftRelation(subject, kind, other, self.source, self.author, self.created, self.evidence))

    def strict(self, child: str, parent: str) -> tuple[Change, ...]:
        kind = kind_by_classes(self.label_class(child), self.label_class(parent))
        return self.add(Relation(child, kind, parent, self.source, self.author, self.created, self.evidence))

    def exclusive(self, a: str, b: str) -> tuple[Change, ...]:
        return self.add(ExclusivePair(a, b, self.source, self.author, self.created, self.evidence))

    def exceptions(self, pairs: Sequence[tuple[str, str]]) -> tuple[Change, ...]:
        provenance = (self.source, self.author, self.created, self.evidence)
        return self.add(*(ExclusionException(a, b, *provenance) for a, b in pairs))

    def sound(self, changes: tuple[Change, ...]) -> bool:
        return not assess(self.ontology, ChangeSet(changes)).errors


def _of_correlation(made: _Maker, item: Item, found: Correlation, choice: Choice) -> tuple[Change, ...]:
    a, b = item.labels
    counts = found.counts
    rare, common = (a, b) if counts.first <= counts.second else (b, a)
    if choice.kind is not None:
        return _soft(made, rare, common, choice.kind)
    if item.topic is Topic.APART:
        exclusive = made.exclusive(a, b)
        if never_meet(counts) and made.sound(exclusive):
            return exclusive
        raise _refused(item, "no soft relation says that labels keep apart, and this is too little for a strict one")
    if item.topic is Topic.CONFUSED:
        if meet(counts.patients, counts.rarer_patients):
            return made.exceptions([(a, b)])
        return _soft(made, a, b, SoftKind.CONFUSABLE_WITH)
    if more_than_chance(counts):
        if implies(counts.patients, counts.rarer_patients):
            strict = made.strict(rare, common)
            if made.sound(strict):
                return strict
        return _soft(made, rare, common, _typical(made, rare, common))
    if made.label_class(a) is made.label_class(b):
        return _soft(made, a, b, SoftKind.CONFUSABLE_WITH)
    raise _refused(item, "lesions do not have both more often than by chance")


def _typical(made: _Maker, rare: str, common: str) -> SoftKind:
    """The kind of soft relation between labels that go together."""
    classes = {made.label_class(rare), made.label_class(common)}
    located = LabelClass.BODYPART in classes and LabelClass.ATTRIBUTE not in classes
    return SoftKind.TYPICALLY_LOCATED_IN if located else SoftKind.TYPICALLY_HAS


def _soft(made: _Maker, rare: str, common: str, kind: SoftKind) -> tuple[Change, ...]:
    """A soft relation; what is located, or has something, comes first: the rarer label where classes do not say."""
    first, second = made.label_class(rare), made.label_class(common)
    if kind is SoftKind.CONTRALATERAL_OF:
        raise UsageError(f"{kind}: no correlation tells left from right; propose the partners yourself")
    if kind is SoftKind.CONFUSABLE_WITH:
        return made.soft(min(rare, common), kind, max(rare, common))
    if kind is SoftKind.TYPICALLY_LOCATED_IN:
        if LabelClass.BODYPART not in (first, second):
            raise UsageError(f"{kind}: neither label is a body part; choose TYPICALLY_HAS or CONFUSABLE_WITH")
        swapped = first is LabelClass.BODYPART and second is not LabelClass.BODYPART
    else:
        swapped = first is LabelClass.ATTRIBUTE and second is not LabelClass.ATTRIBUTE
    return made.soft(common, kind, rare) if swapped else made.soft(rare, kind, common)


def _of_contradiction(made: _Maker, item: Item, found: Contradiction, choice: Choice) -> tuple[Change, ...]:
    a, b = item.labels
    if choice.drop:
        pairs = [pair for pair in made.ontology.exclusive_pairs if (pair.a, pair.b) == (a, b)]
        if not pairs:
            raise UsageError(f"{item.id}: exclusive group {found.listed} lists it; propose a change of the group")
        return tuple(Change(pair, None) for pair in pairs)
    wide = meet(found.counts.patients, found.counts.rarer_patients)
    meeting = [
        (min(said.first, said.second), max(said.first, said.second))
        for said in found.said
        if meet(said.patients, said.rarer_patients) or (wide and said.patients >= LEAST)
    ]
    if not meeting:
        raise _refused(item, "so few patients with the rarer label may be errors of the labels")
    return made.exceptions(_lowest(made.ontology, sorted(set(meeting))))


def _lowest(ontology: Ontology, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs that no other of them lies below: an exception holds for everything above it."""
    closures = Closures(ontology)
    above = closures.ancestors

    def covers(low: tuple[str, str], high: tuple[str, str]) -> bool:
        return low != high and any(
            all(x == y or above[closures.index[x], closures.index[y]] for x, y in zip(low, way, strict=True))
            for way in (high, high[::-1])
        )

    return [pair for pair in pairs if not any(covers(other, pair) for other in pairs)]


def _of_term(made: _Maker, term: Term, choice: Choice) -> tuple[Change, ...]:
    if bool(choice.synonym_of) == (choice.label_class is not None):
        adopt = f", or `lesionkg ontology radlex adopt {term.rid}`" if term.rid else ""
        raise UsageError(f"term {term.text!r}: say what it becomes, by --synonym-of or --new-label{adopt}")
    mapping = (TermMapping(term.rid, term.text, MatchKind.EXACT, made.evidence),) if term.rid else ()
    if choice.label_class is not None:
        new = (choice.label_class, choice.new_id)
        return (add_label(made.ontology, term.text, *new, mappings=mapping, source=made.source),)
    return (add_synonym(made.ontology, choice.synonym_of, term.text, choice.scope, made.source),)


def _of_unmapped(made: _Maker, item: Item, choice: Choice) -> tuple[Change, ...]:
    if not choice.rid:
        raise UsageError(f"label {item.names[0]!r}: give --rid; `lesionkg ontology radlex search` finds the term")
    mapping = TermMapping(choice.rid, choice.rid_name, choice.match, "reviewed")
    return (add_mapping(made.ontology, item.labels[0], mapping),)


def _refused(item: Item, because: str) -> ChangeRefusedError:
    other = "--drop the pair" if item.topic is Topic.CONTRADICTED else "choose a soft relation by --kind"
    names = " and ".join(item.names)
    return ChangeRefusedError(f"{names}: {because}; defer or reject it, {other}, or propose a change yourself")
