"""Everything the ontology says about one label, with why for what it only implies."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from kg.closures import Closures
from kg.ontology import Label, Ontology

_MERGED = "MERGED_INTO"


@dataclass(frozen=True, slots=True)
class Link:
    """One relation of the label, as asserted.

    Attributes:
        kind: kind of the relation.
        name: name of the other label.
        evidence: why its source says so.
    """

    kind: str
    name: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Implied:
    """Something that follows from asserted relations.

    Attributes:
        name: name of the other label.
        chain: the asserted relations it follows from, one step each.
    """

    name: str
    chain: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One label.

    Attributes:
        label: the label itself: names, synonyms, definition, mappings.
        label_sets: its label sets with the column it has there.
        parents: asserted parents.
        further_ancestors: ancestors that are no asserted parents.
        children: asserted children.
        exclusive: asserted exclusive labels; the evidence says where an exception takes the pair out.
        exceptions: labels that it may meet on one lesion although an exclusion is inherited.
        inherited_exclusive: exclusive labels that follow from a pair of ancestors, sorted by the pair.
    """

    label: Label
    label_sets: Mapping[str, int]
    parents: tuple[Link, ...]
    further_ancestors: tuple[Implied, ...]
    children: tuple[Link, ...]
    exclusive: tuple[Link, ...]
    exceptions: tuple[Link, ...]
    inherited_exclusive: tuple[Implied, ...]

    def as_dict(self) -> dict[str, Any]:
        """The card as plain values for JSON."""
        return asdict(self)


def card(ontology: Ontology, key: str) -> Card:
    """The card of the label with this id or preferred name.

    Raises:
        UsageError: no such label.
        OntologyError: a reference of the ontology does not resolve.
    """
    ontology.require_resolved()
    label = ontology.label(key)
    above: dict[str, dict[str, str]] = defaultdict(dict)
    below: dict[str, dict[str, str]] = defaultdict(dict)
    for r in ontology.relations:
        above[r.child].setdefault(r.parent, r.kind)
        below[r.parent].setdefault(r.child, r.kind)
    for child, parent in ontology.parent_pairs:
        above[child].setdefault(parent, _MERGED)
        below[parent].setdefault(child, _MERGED)

    def name(label_id: str) -> str:
        return ontology.by_id[label_id].name

    def chain(path: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{name(c)} {above[c][p]} {name(p)}" for c, p in pairwise(path))

    up = _paths(label.id, above)
    parents = {r.parent for r in ontology.relations if r.child == label.id}
    asserted = {b if a == label.id else a for a, b in ontology.all_exclusive_pairs if label.id in (a, b)}
    closures = Closures(ontology)
    row = closures.exclusive[[closures.index[label.id]]].toarray()[0]
    inherited: dict[str, tuple[str, ...]] = {}
    for one, other in sorted(ontology.all_exclusive_pairs):
        for mine, theirs in ((one, other), (other, one)):
            if mine not in up:
                continue
            clash = f"{name(mine)} EXCLUSIVE_WITH {name(theirs)}"
            for low, path in _paths(theirs, below).items():
                if not row[closures.index[low]]:
                    continue  # an exception
                why = (*chain(up[mine]), clash, *chain(path[::-1]))
                if len(why) > 1 and (low not in inherited or len(why) < len(inherited[low])):
                    inherited[low] = why
    return Card(
        label=label,
        label_sets={s.name: s.members.index(label.id) for s in ontology.label_sets if label.id in s.members},
        parents=tuple(Link(r.kind, name(r.parent), r.evidence) for r in ontology.relations if r.child == label.id),
        further_ancestors=tuple(
            Implied(name(i), chain(path)) for i, path in up.items() if i not in parents and i != label.id
        ),
        children=tuple(Link(r.kind, name(r.child), r.evidence) for r in ontology.relations if r.parent == label.id),
        exclusive=_exclusive_links(closures, label.id),
        exceptions=tuple(
            Link("COMPATIBLE_WITH", name(x.b if x.a == label.id else x.a), x.evidence)
            for x in ontology.exceptions
            if label.id in (x.a, x.b)
        ),
        inherited_exclusive=tuple(
            sorted(
                (Implied(name(i), why) for i, why in inherited.items() if i not in asserted),
                key=lambda implied: (_pair(implied), implied.name),
            )
        ),
    )


def _exclusive_links(closures: Closures, label_id: str) -> tuple[Link, ...]:
    ontology, index = closures.ontology, closures.index

    def link(other: str, evidence: str) -> Link:
        if not closures.exclusive[index[label_id], index[other]]:
            evidence = "; ".join(filter(None, (evidence, "taken out by an exception")))
        return Link("EXCLUSIVE_WITH", ontology.by_id[other].name, evidence)

    links = []
    for pair in ontology.exclusive_pairs:
        if label_id in (pair.a, pair.b):
            links.append(link(pair.b if pair.a == label_id else pair.a, pair.evidence))
    for group in ontology.exclusive_groups:
        if label_id in group.members:
            others = (member for member in group.members if member != label_id)
            links.extend(link(other, f"both in exclusive group {group.id}") for other in others)
    return tuple(sorted(links, key=lambda link: link.name))


def _pair(implied: Implied) -> str:
    return next(step for step in implied.chain if " EXCLUSIVE_WITH " in step)


def _paths(start: str, steps: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """Shortest path from a label to every label it reaches, itself included, nearest first."""
    paths: dict[str, tuple[str, ...]] = {start: (start,)}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        for there in sorted(steps.get(here, ())):
            if there not in paths:
                paths[there] = (*paths[here], there)
                queue.append(there)
    return paths


def exclusive_by_pair(shown: Card) -> dict[str, tuple[str, ...]]:
    """Names of the inherited exclusive labels by the asserted pair that each follows from."""
    groups: dict[str, list[str]] = defaultdict(list)
    for implied in shown.inherited_exclusive:
        groups[_pair(implied)].append(implied.name)
    return {pair: tuple(names) for pair, names in groups.items()}
