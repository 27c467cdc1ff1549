"""What the ontology says about one label, with who says so and why, as a page shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kg.card import Card, Implied, card
from kg.closures import Closures
from kg.ontology import ExclusionException, ExclusivePair, Label, LabelClass, Ontology, Relation, SoftRelation


@dataclass(frozen=True, slots=True)
class Statement:
    """One asserted relation of the label.

    Attributes:
        kind: of the relation, e.g. ``PART_OF``.
        id: of the other label.
        name: of the other label.
        label_class: of the other label.
        outgoing: whether the label is the subject (a child of its parents); true for symmetric relations.
        source: what asserts it.
        author: who made it.
        created: when, ISO 8601.
        evidence: what speaks for it.
        note: what else is to be known, e.g. that an exception takes it out.
    """

    kind: str
    id: str
    name: str
    label_class: LabelClass
    outgoing: bool = True
    source: str = ""
    author: str = ""
    created: str = ""
    evidence: str = ""
    note: str = ""

    @property
    def provenance(self) -> str:
        """Source, author and date in one line."""
        return " · ".join(part for part in (self.source, self.author, self.created[:10]) if part)


@dataclass(frozen=True, slots=True)
class Derived:
    """A label that follows from asserted relations.

    Attributes:
        id: of the other label.
        name: its preferred name.
        label_class: its class.
        chain: the asserted relations it follows from, one step each.
    """

    id: str
    name: str
    label_class: LabelClass
    chain: tuple[str, ...]


@dataclass(frozen=True)
class LabelView:
    """One label.

    Attributes:
        label: names, synonyms, definition, mappings, deprecation.
        label_sets: names of its label sets with its column there.
        parents: asserted parents, one for each source.
        further_ancestors: what follows above them.
        children: asserted children.
        exclusive: asserted exclusive labels, by pair or group.
        inherited_exclusive: exclusive labels that are inherited, by the asserted pair that they follow from.
        exceptions: labels that it may meet although they inherit an exclusion.
        soft: relations that never enter expansion.
        replaced_by: the label that stands in its place; None when it is in use or has none.
        replaces: deprecated labels that it stands for.
    """

    label: Label
    label_sets: tuple[tuple[str, int], ...]
    parents: tuple[Statement, ...]
    further_ancestors: tuple[Derived, ...]
    children: tuple[Statement, ...]
    exclusive: tuple[Statement, ...]
    inherited_exclusive: tuple[tuple[str, tuple[Derived, ...]], ...]
    exceptions: tuple[Statement, ...]
    soft: tuple[Statement, ...]
    replaced_by: Label | None
    replaces: tuple[Label, ...]


def label_view(ontology: Ontology, key: str) -> LabelView:
    """Everything the ontology says about the label with this id or preferred name.

    Raises:
        UsageError: no such label.
        OntologyError: a reference of the ontology does not resolve.
    """
    shown = card(ontology, key)
    label = shown.label
    return LabelView(
        label=label,
        label_sets=tuple(sorted(shown.label_sets.items())),
        parents=_by_name(_relation(ontology, r, r.parent) for r in ontology.relations if r.child == label.id),
        further_ancestors=tuple(_derived(ontology, implied) for implied in shown.further_ancestors),
        children=_by_name(_relation(ontology, r, r.child) for r in ontology.relations if r.parent == label.id),
        exclusive=_by_name(_exclusive(ontology, label.id)),
        inherited_exclusive=_inherited(ontology, shown),
        exceptions=_by_name(_pair(ontology, x, label.id) for x in ontology.exceptions if label.id in (x.a, x.b)),
        soft=_by_name(
            _relation(ontology, s, s.object if s.subject == label.id else s.subject, s.subject == label.id)
            for s in ontology.soft_relations
            if label.id in (s.subject, s.object)
        ),
        replaced_by=ontology.by_id.get(label.replaced_by),
        replaces=tuple(k for k in ontology.labels if k.replaced_by == label.id),
    )


def _by_name(found: Iterator[Statement]) -> tuple[Statement, ...]:
    return tuple(sorted(found, key=lambda s: (s.name, s.kind, s.source)))


def _relation(ontology: Ontology, fact: Relation | SoftRelation, other: str, outgoing: bool = True) -> Statement:
    label = ontology.by_id[other]
    said = fact.source, fact.author, fact.created, fact.evidence
    return Statement(fact.kind.value, other, label.name, label.label_class, outgoing, *said)


def _pair(ontology: Ontology, fact: ExclusivePair | ExclusionException, mine: str, note: str = "") -> Statement:
    label = ontology.by_id[fact.b if fact.a == mine else fact.a]
    kind = "EXCLUSIVE_WITH" if isinstance(fact, ExclusivePair) else "COMPATIBLE_WITH"
    said = fact.source, fact.author, fact.created, fact.evidence
    return Statement(kind, label.id, label.name, label.label_class, True, *said, note)


def _exclusive(ontology: Ontology, mine: str) -> Iterator[Statement]:
    closures = Closures(ontology)

    def note(other: str) -> str:
        holds = closures.exclusive[closures.index[mine], closures.index[other]]
        return "" if holds else "taken out by an exception"

    for pair in ontology.exclusive_pairs:
        if mine in (pair.a, pair.b):
            yield _pair(ontology, pair, mine, note(pair.b if pair.a == mine else pair.a))
    for group in ontology.exclusive_groups:
        if mine in group.members:
            for other in group.members:
                if other != mine:
                    label = ontology.by_id[other]
                    both = f"both in exclusive group {group.id}"
                    yield Statement(
                        "EXCLUSIVE_WITH",
                        other,
                        label.name,
                        label.label_class,
                        True,
                        group.source,
                        "",
                        "",
                        both,
                        note(other),
                    )


def _derived(ontology: Ontology, implied: Implied) -> Derived:
    label = ontology.by_name[implied.name]
    return Derived(label.id, label.name, label.label_class, implied.chain)


def _inherited(ontology: Ontology, shown: Card) -> tuple[tuple[str, tuple[Derived, ...]], ...]:
    groups: dict[str, list[Derived]] = {}
    for implied in shown.inherited_exclusive:
        pair = next(step for step in implied.chain if " EXCLUSIVE_WITH " in step)
        groups.setdefault(pair, []).append(_derived(ontology, implied))
    return tuple((pair, tuple(found)) for pair, found in groups.items())
