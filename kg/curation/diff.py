"""What differs between two ontologies: what is asserted, and apart from it what follows."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kg import algebra
from kg import owl_vocabulary as v
from kg.closures import Closures
from kg.curation.change_set import Change
from kg.curation.draft import facts_of, label_facts
from kg.curation.facts import (
    Fact,
    Foreign,
    Header,
    Key,
    LabelMapping,
    LabelStatus,
    LabelSynonym,
    LabelText,
    key_of,
    labels_of,
    name_of,
)
from kg.ontology import (
    ExclusionException,
    ExclusivePair,
    Label,
    Ontology,
    Relation,
    SoftRelation,
)

_LABEL = re.compile(f"<{re.escape(v.LABELS)}([^>]*)>")

Pair = tuple[str, str]
"""Ids of two labels."""


@dataclass(frozen=True)
class PairsDiff:
    """Pairs of label ids that came and went, sorted.

    Of ancestors (label, ancestor); of exclusion the smaller id first, a label with itself where no lesion can have it.
    """

    gained: tuple[Pair, ...] = ()
    lost: tuple[Pair, ...] = ()

    def by_label(self) -> dict[str, PairsDiff]:
        """The pairs under the label that they begin with."""
        gained, lost = _by_first(self.gained), _by_first(self.lost)
        ids = {*gained, *lost}
        return {i: PairsDiff(tuple(gained.get(i, ())), tuple(lost.get(i, ()))) for i in ids}

    def turned(self) -> PairsDiff:
        """Symmetric pairs with that label first that is in more of them."""
        often = Counter(i for pair in (*self.gained, *self.lost) for i in set(pair))
        return PairsDiff(
            *(
                tuple(sorted((a, b) if often[a] >= often[b] else (b, a) for a, b in pairs))
                for pairs in (self.gained, self.lost)
            )
        )

    def __bool__(self) -> bool:
        return bool(self.gained or self.lost)


@dataclass(frozen=True)
class LabelDiff:
    """What differs at one label.

    A relation stands at its child, an exclusive pair or exception at its smaller id, a soft relation at its subject; an
    inferred exclusive pair at whichever of the two has more of them, a foreign statement at the first label it names.

    Attributes:
        label: its id; empty for what is about no single label: groups, label sets, the header.
        changes: asserted.
        ancestors: inferred pairs that begin with it.
        exclusive: inferred pairs that begin with it.
    """

    label: str
    changes: tuple[Change, ...]
    ancestors: PairsDiff
    exclusive: PairsDiff


@dataclass(frozen=True)
class Diff:
    """What turns one ontology into another.

    Attributes:
        before: name and version of the one.
        after: name and version of the other.
        changes: of what is asserted.
        ancestors: pairs that follow from the relations, listed ones included.
        exclusive: pairs that follow from relations, exclusions and exceptions, listed ones included.
        names: preferred name of each label, the later where it has two.
    """

    before: tuple[str, str]
    after: tuple[str, str]
    changes: tuple[Change, ...]
    ancestors: PairsDiff
    exclusive: PairsDiff
    names: Mapping[str, str]

    def __bool__(self) -> bool:
        return bool(self.changes or self.ancestors or self.exclusive)

    @cached_property
    def counts(self) -> dict[str, dict[str, int]]:
        """How many facts of each kind are added, removed and edited, e.g. ``{"relation": {"add": 2}}``."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for change in self.changes:
            found[name_of(change.fact)][change.verb] += 1
        return {kind: dict(sorted(found[kind].items())) for kind in sorted(found)}

    @cached_property
    def by_label(self) -> tuple[LabelDiff, ...]:
        """The same, label by label in the order of their names; what is about no single label comes last."""
        changes: dict[str, list[Change]] = defaultdict(list)
        for change in self.changes:
            changes[_place(change.fact)].append(change)
        ancestors, exclusive = self.ancestors.by_label(), self.exclusive.turned().by_label()
        places = {*changes, *ancestors, *exclusive}
        order = sorted(places, key=lambda place: (not place, self.names.get(place, ""), place))
        none = PairsDiff()
        return tuple(
            LabelDiff(i, tuple(changes.get(i, ())), ancestors.get(i, none), exclusive.get(i, none)) for i in order
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "equal": not self,
            "before": dict(zip(("ontology", "version"), self.before, strict=True)),
            "after": dict(zip(("ontology", "version"), self.after, strict=True)),
            "counts": self.counts,
            "asserted": [change.as_dict() for change in self.changes],
            "inferred": {
                "ancestors": {"gained": _lists(self.ancestors.gained), "lost": _lists(self.ancestors.lost)},
                "exclusive": {"gained": _lists(self.exclusive.gained), "lost": _lists(self.exclusive.lost)},
            },
            "names": {i: self.names[i] for i in sorted(self._mentioned) if i in self.names},
        }

    @cached_property
    def _mentioned(self) -> set[str]:
        facts = (fact for change in self.changes for fact in (change.before, change.after) if fact is not None)
        pairs = (*self.ancestors.gained, *self.ancestors.lost, *self.exclusive.gained, *self.exclusive.lost)
        return {i for fact in facts for i in labels_of(fact)} | {i for pair in pairs for i in pair}


def diff(before: Ontology, after: Ontology) -> Diff:
    """Compare two ontologies; the result is false when nothing differs.

    The order of licence notices makes no difference.

    Raises:
        OntologyError: a reference does not resolve, so that it cannot be said what follows.
    """
    for ontology in (before, after):
        ontology.require_resolved()
    old, new = Closures(before), Closures(after)
    return Diff(
        (before.name, before.version),
        (after.name, after.version),
        _changes(before, after),
        _pairs(_ids(old, old.ancestors), _ids(new, new.ancestors)),
        _pairs(_ids(old, old.exclusive, symmetric=True), _ids(new, new.exclusive, symmetric=True)),
        {label.id: label.name for ontology in (before, after) for label in ontology.labels},
    )


def _changes(before: Ontology, after: Ontology) -> tuple[Change, ...]:
    """Facts that went, came, or are replaced by another with the same key; each fact counts by itself."""
    both = before.by_id.keys() & after.by_id.keys()
    old, new = _facts(before, both), _facts(after, both)
    gone, come = _by_key(old, set(new)), _by_key(new, set(old))
    changes: list[Change] = []
    for key in sorted({*gone, *come}):
        lost, made = gone.get(key, []), come.get(key, [])
        if len(lost) == len(made) == 1:
            changes.append(Change(lost[0], made[0]))
        else:
            changes += [*(Change(fact, None) for fact in lost), *(Change(None, fact) for fact in made)]
    return tuple(changes)


def _facts(ontology: Ontology, apart: Iterable[str]) -> list[Fact]:
    """All facts; of the labels ``apart`` their parts, of others the whole."""
    found: list[Fact] = []
    wanted = set(apart)
    for fact in facts_of(ontology):
        if isinstance(fact, Label) and fact.id in wanted:
            found += label_facts(fact)
        elif isinstance(fact, Header):
            found.append(replace(fact, notices=tuple(sorted(set(fact.notices)))))
        else:
            found.append(fact)
    return found


def _by_key(facts: Iterable[Fact], without: set[Fact]) -> dict[Key, list[Fact]]:
    found: dict[Key, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact not in without:
            found[key_of(fact)].append(fact)
    return found


def _ids(closures: Closures, matrix: algebra.BoolMatrix, symmetric: bool = False) -> set[Pair]:
    ids = [label.id for label in closures.ontology.labels]
    return {(ids[i], ids[j]) for i, j in algebra.to_pairs(matrix, symmetric)}


def _pairs(old: set[Pair], new: set[Pair]) -> PairsDiff:
    return PairsDiff(tuple(sorted(new - old)), tuple(sorted(old - new)))


def _place(fact: Fact) -> str:
    """The label that a fact is shown at."""
    match fact:
        case Label():
            return fact.id
        case LabelText() | LabelStatus() | LabelSynonym() | LabelMapping():
            return fact.label
        case Relation():
            return fact.child
        case ExclusivePair() | ExclusionException():
            return fact.a
        case SoftRelation():
            return fact.subject
        case Foreign():
            found = _LABEL.search(fact.statement)
            return v.decode_id(found[1]) if found else ""
        case _:
            return ""


def _by_first(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    found: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        found[pair[0]].append(pair)
    return found


def _lists(pairs: Iterable[Pair]) -> list[list[str]]:
    return [list(pair) for pair in pairs]
