"""What an item of a queue may become, what each choice would change, and what the rule in numbers says about it."""

from __future__ import annotations

from dataclasses import dataclass

from kg.curation.describe import describe
from kg.curation.queues import Contradiction, Correlation, Counts, Item, Topic
from kg.curation.queues_promotion import Choice, promote
from kg.curation.queues_rule import (
    BY_CHANCE,
    IMPLIED,
    LEAST,
    NOISE,
    at_least,
    at_most,
    implies,
    meet,
    more_than_chance,
    never_meet,
)
from kg.errors import LesionKGError
from kg.ontology import Ontology, SoftKind

RULE = "rule"
"""Key of what the rule in numbers makes of an item."""

DROP = "drop"
"""Key of dropping a contradicted pair."""

_SOFT = (SoftKind.TYPICALLY_LOCATED_IN, SoftKind.TYPICALLY_HAS, SoftKind.CONFUSABLE_WITH)


@dataclass(frozen=True, slots=True)
class Option:
    """One way to promote an item.

    Attributes:
        key: ``rule``, ``drop``, or a kind of soft relation.
        title: what it is, for people.
        choice: what to pass to :func:`kg.curation.queues_promotion.promote`.
        changes: what it would change, one line each; none when it is refused.
        refused: why it is refused; empty when it is not.
    """

    key: str
    title: str
    choice: Choice
    changes: tuple[str, ...]
    refused: str


def options(item: Item, ontology: Ontology) -> tuple[Option, ...]:
    """The ways to promote an item that need no further facts, the rule's own first; none for terms and RadLex ids."""
    match item.evidence:
        case Correlation():
            ways = [(RULE, "What the rule says", Choice())]
            ways += [(kind.value, _words(kind), Choice(kind=kind)) for kind in _SOFT]
        case Contradiction():
            ways = [
                (RULE, "Exceptions where labels meet", Choice()),
                (DROP, "Drop the exclusive pair", Choice(drop=True)),
            ]
        case _:
            ways = []
    return tuple(_option(item, ontology, *way) for way in ways)


def _option(item: Item, ontology: Ontology, key: str, title: str, choice: Choice) -> Option:
    try:
        made = promote(item, ontology, "", "", choice=choice)
    except LesionKGError as error:
        return Option(key, title, choice, (), str(error))
    names = {label.id: label.name for label in ontology.labels}
    return Option(key, title, choice, tuple(describe(change, names) for change in made.changes), "")


def _words(kind: SoftKind) -> str:
    return kind.value.replace("_", " ").capitalize()


def rule_in_numbers(item: Item) -> tuple[tuple[str, bool], ...]:
    """What the rule asks of an item's lesions, and whether they say so; none for items without counts."""
    evidence = item.evidence
    if not isinstance(evidence, Correlation | Contradiction):
        return ()
    counts = evidence.counts
    share = f"{counts.patients:,} of the rarer label's {counts.rarer_patients:,} patients have both"
    chance = (f"more often together than by chance ({_chance(counts)})", more_than_chance(counts))
    met = (
        f"they meet: {share}, with 95 % confidence at least {at_least(counts.patients, counts.rarer_patients):.1%}; "
        f"{NOISE:.0%} and {LEAST} patients are asked",
        meet(counts.patients, counts.rarer_patients),
    )
    match item.topic:
        case Topic.TOGETHER:
            implied = (
                f"one implies the other (strict): {share}, at least "
                f"{at_least(counts.patients, counts.rarer_patients):.1%}; {IMPLIED:.0%} are asked",
                implies(counts.patients, counts.rarer_patients),
            )
            return chance, implied
        case Topic.APART:
            apart = (
                f"they never meet (strict): {share}, at most {at_most(counts.patients, counts.rarer_patients):.1%}; "
                f"at most {NOISE:.0%} and fewer than by chance are asked ({_chance(counts)})",
                never_meet(counts),
            )
            return (apart,)
        case _:
            return (met,)


def _chance(counts: Counts) -> str:
    pairs = f"{counts.pairs:,} pairs"
    corrected = min(counts.probability * counts.pairs, 1.0)
    return (
        f"{counts.together:,} against {counts.expected:,.1f} expected, p = {corrected:.2g} over {pairs}, "
        f"{BY_CHANCE} is asked"
    )
