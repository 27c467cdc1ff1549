"""What an ontology says about two labels, and by which chain of relations."""

from __future__ import annotations

from dataclasses import dataclass

from kg.card import Card, card
from kg.closures import Closures
from kg.ontology import Ontology, SoftKind


@dataclass(frozen=True, slots=True)
class Between:
    """One thing that an ontology says about two labels.

    Attributes:
        kind: ``hierarchical``, ``exclusive``, ``exception`` or ``soft``.
        chain: the asserted relations that it follows from, one step each; one step when it is asserted itself.
        evidence: why its source says so; empty for what is inherited.
    """

    kind: str
    chain: tuple[str, ...]
    evidence: str = ""

    @property
    def asserted(self) -> bool:
        """Whether the ontology says it in so many words."""
        return len(self.chain) == 1


def relations_between(ontology: Ontology, a: str, b: str) -> tuple[Between, ...]:
    """What connects two labels: ancestors, exclusion, exceptions to it, soft relations.

    Args:
        ontology: every reference resolves.
        a: id or name of a label.
        b: of another.

    Raises:
        UsageError: no such label.
    """
    cards = card(ontology, a), card(ontology, b)
    return (*_above(*cards), *_above(*cards[::-1]), *_exclusive(*cards), *_soft(ontology, *cards))


def exclusion_chain(ontology: Ontology, a: str, b: str) -> tuple[str, ...]:
    """The asserted relations by which two labels are exclusive; empty when they are not.

    Raises:
        UsageError: no such label.
    """
    found = _exclusive(card(ontology, a), card(ontology, b))
    return next((one.chain for one in found if one.kind == "exclusive"), ())


def _above(low: Card, high: Card) -> tuple[Between, ...]:
    name = high.label.name
    direct = [
        Between("hierarchical", (f"{low.label.name} {link.kind} {name}",), link.evidence)
        for link in low.parents
        if link.name == name
    ]
    further = [Between("hierarchical", implied.chain) for implied in low.further_ancestors if implied.name == name]
    return (*direct, *further)


def _exclusive(one: Card, other: Card) -> tuple[Between, ...]:
    name = other.label.name
    step = f"{one.label.name} EXCLUSIVE_WITH {name}"
    exceptions = [
        Between("exception", (f"{one.label.name} MAY_MEET {name}",), link.evidence)
        for link in one.exceptions
        if link.name == name
    ]
    listed = [Between("exclusive", (step,), link.evidence) for link in one.exclusive if link.name == name]
    if listed and exceptions:
        return tuple(exceptions)
    inherited = [Between("exclusive", implied.chain) for implied in one.inherited_exclusive if implied.name == name]
    return (*exceptions, *(listed or inherited))


def _soft(ontology: Ontology, one: Card, other: Card) -> tuple[Between, ...]:
    """Soft relations; what is typically in the rib is typically in bone."""
    closures = Closures(ontology)
    ids = {one.label.id, other.label.id}
    names = {label.id: label.name for label in ontology.labels}
    found = []
    for soft in ontology.soft_relations:
        step = f"{names[soft.subject]} {soft.kind} {names[soft.object]}"
        if {soft.subject, soft.object} == ids:
            found.append(Between("soft", (step,), soft.evidence))
        elif soft.subject in ids and soft.kind in (SoftKind.TYPICALLY_LOCATED_IN, SoftKind.TYPICALLY_HAS):
            (target,) = ids - {soft.subject}
            if closures.ancestors[closures.index[soft.object], closures.index[target]]:
                found.append(Between("soft", (step, f"{names[soft.object]} below {names[target]}")))
    return tuple(found)
