"""The least repair that makes the released ontology consistent.

Fewest removals: one exclusive pair is dropped, and of each other unsatisfiable label as few parents are cut as can make
it satisfiable. The table ``ontologies/repairs.tsv`` holds each with its reason. One-way exclusions count in both
directions, and a synonym that is another label's name becomes a broad one; both are marked as ours. Left and right
partners are added as soft relations (:mod:`kg.partners`), which no expansion and no exclusion sees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from kg.errors import InputError, OntologyError
from kg.ontology import ExclusivePair, Label, Ontology, Synonym, SynonymScope
from kg.partners import partner_relations
from kg.tables import shipped_table

REPAIRED = "lesanet-repaired"
SOURCE = "lesionkg-repair"

_FILE = "repairs.tsv"
DROP_EXCLUSIVE = "drop-exclusive"
DROP_PARENT = "drop-parent"
BROADEN_SYNONYM = "broaden-synonym"
_ACTIONS = (DROP_EXCLUSIVE, DROP_PARENT, BROADEN_SYNONYM)


@dataclass(frozen=True, slots=True)
class RepairStep:
    """One change.

    Attributes:
        action: ``drop-exclusive``, ``drop-parent`` or ``broaden-synonym``.
        subject: name of the label that is changed.
        object: the other label's name, or the text of the synonym.
        reason: why this change and no other.
    """

    action: str
    subject: str
    object: str
    reason: str

    def __str__(self) -> str:
        what = {
            DROP_EXCLUSIVE: f"dropped: {self.subject!r} exclusive with {self.object!r}",
            DROP_PARENT: f"dropped: {self.object!r} as a parent of {self.subject!r}",
            BROADEN_SYNONYM: f"made a broad synonym: {self.object!r} of {self.subject!r}",
        }[self.action]
        return f"{what} ({self.reason})"


@cache
def repair_steps() -> tuple[RepairStep, ...]:
    """The shipped repairs in the order of the table.

    Raises:
        InputError: the table is damaged.
    """
    steps = []
    for row in shipped_table(_FILE, ("action", "subject", "object", "reason")):
        if row["action"] not in _ACTIONS:
            raise InputError(f"ontologies/{_FILE}: action {row['action']!r}; use one of {', '.join(_ACTIONS)}")
        steps.append(RepairStep(row["action"], row["subject"], row["object"], row["reason"]))
    return tuple(steps)


def repair(ontology: Ontology) -> Ontology:
    """The ontology ``lesanet-repaired`` from ``lesanet-released``.

    Raises:
        OntologyError: a repair does not fit this ontology, because the relation or synonym it changes is not there.
    """
    for step in repair_steps():
        ontology = _apply(ontology, step)
    return replace(
        ontology,
        name=REPAIRED,
        exclusive_pairs=tuple(_both_ways(pair) for pair in ontology.exclusive_pairs),
        soft_relations=(*ontology.soft_relations, *partner_relations(ontology)),
        notices=(*ontology.notices, _statement()),
    )


class Dropped(NamedTuple):
    """How many listed pairs the repair dropped."""

    parents: int
    exclusive: int


def dropped_pairs(ontology: Ontology, label_set: str | None = None) -> Dropped:
    """What the repair took away between labels of a label set, or of the whole ontology; nothing if it is unrepaired.

    Raises:
        UsageError: no such label set.
    """
    if ontology.name != REPAIRED:
        return Dropped(0, 0)
    members = ontology.label_set(label_set).members if label_set else tuple(ontology.by_id)
    names = {ontology.by_id[label_id].name for label_id in members}
    actions = [step.action for step in repair_steps() if {step.subject, step.object} <= names]
    return Dropped(actions.count(DROP_PARENT), actions.count(DROP_EXCLUSIVE))


def _apply(ontology: Ontology, step: RepairStep) -> Ontology:
    subject = _label(ontology, step, step.subject)
    if step.action == BROADEN_SYNONYM:
        kept = tuple(synonym for synonym in subject.synonyms if synonym.text != step.object)
        _require(len(kept) < len(subject.synonyms), ontology, step)
        broad = Synonym(step.object, SynonymScope.BROAD, SOURCE)
        changed = replace(subject, synonyms=tuple(sorted((*kept, broad))))
        return replace(ontology, labels=tuple(changed if x.id == subject.id else x for x in ontology.labels))
    other = _label(ontology, step, step.object)
    if step.action == DROP_EXCLUSIVE:
        pairs = tuple(pair for pair in ontology.exclusive_pairs if {pair.a, pair.b} != {subject.id, other.id})
        _require(len(pairs) < len(ontology.exclusive_pairs), ontology, step)
        return replace(ontology, exclusive_pairs=pairs)
    relations = tuple(r for r in ontology.relations if (r.child, r.parent) != (subject.id, other.id))
    _require(len(relations) < len(ontology.relations), ontology, step)
    return replace(ontology, relations=relations)


def _label(ontology: Ontology, step: RepairStep, name: str) -> Label:
    _require(name in ontology.by_name, ontology, step)
    return ontology.by_name[name]


def _require(fits: bool, ontology: Ontology, step: RepairStep) -> None:
    if not fits:
        raise OntologyError(
            f"repair {step.action} of {step.subject!r}, {step.object!r}: not in {ontology.name}; "
            "only the released ontology can be repaired"
        )


def _both_ways(pair: ExclusivePair) -> ExclusivePair:
    if not pair.evidence.endswith(" only"):
        return pair
    return replace(pair, evidence=f"{pair.evidence}; {SOURCE}: taken in both directions, exclusion is symmetric")


def _statement() -> str:
    lines = "\n".join(f"- {step}" for step in repair_steps())
    added = "Left and right partners (CONTRALATERAL_OF) were added; they change no other relation."
    return f"Repairs by the lesionkg project to the released ontology:\n{lines}\n{added}"
