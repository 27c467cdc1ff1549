"""Edits that take several changes: merging, splitting, deprecating and removing labels, pushing an exclusion down.

Labels are named by id or preferred name. Each function checks that the edit makes sense and gives a composite whose
parts are plain changes, so that it has an exact inverse. What the rules say of the outcome is for
:mod:`kg.curation.assessment`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from kg import algebra
from kg.closures import Closures
from kg.curation.change_set import Change, Composite
from kg.curation.draft import Draft, facts_of
from kg.curation.edits import UNKNOWN, Provenance, add_label, new_label_id
from kg.curation.facts import Fact, LabelMapping, LabelStatus, LabelSynonym, key_of, labels_of
from kg.errors import UsageError
from kg.names import folded
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    Ontology,
    Relation,
    RelationKind,
    SoftRelation,
    Synonym,
    SynonymScope,
)

_Between = Relation | SoftRelation | ExclusivePair | ExclusionException


def merge(ontology: Ontology, gone: str, kept: str, source: str = "") -> Composite:
    """Make one label of two: everything that is said of ``gone`` is said of ``kept``.

    Relations, pairs, groups, exceptions, synonyms and mappings move, without duplicates and without a relation of
    ``kept`` to itself; what moves keeps its source, and says in its evidence of which label it was said. The name of
    ``gone`` becomes an exact synonym. ``gone`` is deprecated and points to ``kept``; it remains a label, and in its
    label sets, so that lesions and predictions stay readable.

    Args:
        ontology: what it is made on.
        gone: the label that is given up.
        kept: the label that stays.
        source: what asserts the new synonym.

    Raises:
        UsageError: no such label, both are one, or one of them is deprecated.
    """
    old, new = ontology.label(gone), ontology.label(kept)
    _require_two_in_use(old, new)
    work = _Work(ontology)
    for fact in _about(ontology, old.id):
        moved = _moved(fact, old.id, new.id)
        if isinstance(moved, _Between):
            moved = replace(moved, evidence="; ".join(filter(None, (moved.evidence, f"said of {old.name}"))))
        work.change(fact, moved if moved is not None and work.is_free(moved, fact) else None)
    for synonym in old.synonyms:
        there = LabelSynonym(new.id, synonym)
        same_as_name = folded(synonym.text) == folded(new.name)
        work.change(LabelSynonym(old.id, synonym), there if not same_as_name and work.is_free(there) else None)
    _add_name(work, old, new, source)
    for mapping in old.mappings:
        target = LabelMapping(new.id, mapping)
        work.change(LabelMapping(old.id, mapping), target if work.is_free(target) else None)
    work.change(_status(old), LabelStatus(old.id, True, new.id))
    return Composite("merge", (old.id, new.id), tuple(work.parts))


def deprecate(ontology: Ontology, label: str, replacement: str = "") -> Composite:
    """Stop using a label; lesions that have it count for its replacement.

    It keeps its relations, so that what is known of such lesions stays. With a replacement, whatever stands between
    the two goes: the label now implies its replacement, whatever they were to each other.

    Raises:
        UsageError: no such label, it is deprecated already, or it would be replaced by itself or a deprecated label.
    """
    old = ontology.label(label)
    work = _Work(ontology)
    if not replacement:
        if old.deprecated:
            raise UsageError(f"label {old.name!r}: is deprecated already; nothing is to be done")
        work.change(_status(old), LabelStatus(old.id, True))
        return Composite("deprecate", (old.id,), tuple(work.parts))
    new = ontology.label(replacement)
    _require_two_in_use(old, new)
    for fact in _about(ontology, old.id):
        if new.id in labels_of(fact):
            work.change(fact, _without(fact, old.id) if isinstance(fact, ExclusiveGroup) else None)
    work.change(_status(old), LabelStatus(old.id, True, new.id))
    return Composite("deprecate", (old.id, new.id), tuple(work.parts))


def split(
    ontology: Ontology,
    label: str,
    into: Iterable[str],
    keep: bool = True,
    by: Provenance = UNKNOWN,
    used_ids: Iterable[str] = (),
) -> Composite:
    """Make several finer labels of one, of its class.

    Args:
        ontology: what it is made on.
        label: the label.
        into: names of the new labels.
        keep: the label stays, and the new ones lie below it (``IS_A``). Otherwise it is deprecated, without one
            replacement since there are several, and each new label takes over its parents, pairs, groups, exceptions
            and soft relations.
        by: provenance of the new labels and relations.
        used_ids: ids that are given away elsewhere.

    Raises:
        UsageError: no such label, it is deprecated, fewer than two names, a name is taken, or labels lie below one
            that is not kept.
    """
    old, names = ontology.label(label), tuple(into)
    if old.deprecated or len(names) < 2:
        what = "is deprecated" if old.deprecated else "cannot be split into fewer than two labels"
        raise UsageError(f"label {old.name!r}: {what}; name a label in use and two or more new names")
    below = sorted({r.child for r in ontology.relations if r.parent == old.id})
    if below and not keep:
        raise UsageError(
            f"label {old.name!r}: {ontology.by_id[below[0]].name!r} lies below it ({len(below)} in all); "
            "move what lies below first, or keep the label"
        )
    if len({folded(name) for name in names}) < len(names):
        raise UsageError(f"label {old.name!r}: two of the new names are alike; give each its own")
    work, made = _Work(ontology), list[str]()
    for name in names:
        made.append(new_label_id(ontology, (*used_ids, *made)))
        work.put(add_label(ontology, name, old.label_class, made[-1], source=by.source))
    for label_id in made:
        if keep:
            work.change(None, Relation(label_id, RelationKind.IS_A, old.id, *by.values()))
            continue
        for fact in _about(ontology, old.id):
            if isinstance(fact, ExclusiveGroup):
                # In the group itself they would exclude each other, which nobody said.
                for other in sorted({*fact.members} - {old.id}):
                    work.add_free(ExclusivePair(label_id, other, fact.source))
            else:
                moved = _moved(fact, old.id, label_id)
                if moved is not None:
                    work.add_free(moved)
    if not keep:
        work.change(_status(old), LabelStatus(old.id, True))
    return Composite("split", (old.id, *made), tuple(work.parts))


def remove_label(ontology: Ontology, label: str) -> Composite:
    """Take a label out, and every relation, pair, group and exception that it has.

    Only a label that nothing uses may go: the graph refuses one that lesions, reports or models point to.

    Raises:
        UsageError: no such label, it is in a label set, or it replaces another.
    """
    old = ontology.label(label)
    inside = [s.name for s in ontology.label_sets if old.id in s.members]
    merged = [k.name for k in ontology.labels if k.replaced_by == old.id]
    if inside or merged:
        why = f"label set {inside[0]} has it" if inside else f"it replaces {merged[0]!r}"
        raise UsageError(f"label {old.name!r}: {why}, so it cannot be removed; deprecate it")
    work = _Work(ontology)
    for fact in _about(ontology, old.id):
        work.change(fact, _without(fact, old.id) if isinstance(fact, ExclusiveGroup) else None)
    work.change(old, None)
    return Composite("remove-label", (old.id,), tuple(work.parts))


def push_down(
    ontology: Ontology, a: str, b: str, except_for: Iterable[str | tuple[str, str]], by: Provenance = UNKNOWN
) -> Composite:
    """Replace an exclusive pair by the fewest pairs below it that leave what may meet out.

    Args:
        ontology: what it is made on.
        a: one label of the pair.
        b: the other.
        except_for: what may meet: pairs of labels, one at or below ``a`` and one at or below ``b``; or single labels:
            one below ``a`` may meet ``b``, one below ``b`` may meet ``a``, one below both is possible at all.
        by: provenance of the new pairs; their source is that of the pair unless given.

    Raises:
        UsageError: no such label or pair, a label is not below the pair, or what may meet is exclusive for another
            reason too.
    """
    first, second = ontology.label(a), ontology.label(b)
    pair = ExclusivePair(first.id, second.id)
    replaced = [p for p in ontology.exclusive_pairs if (p.a, p.b) == (pair.a, pair.b)]
    if not replaced:
        raise UsageError(
            f"{first.name!r} and {second.name!r}: are not listed as an exclusive pair; push down the pair or group "
            "that they inherit it from"
        )
    closures = Closures(ontology)
    open_ = [_open_pair(ontology, closures, first.id, second.id, one) for one in except_for]
    if not open_:
        raise UsageError(f"{first.name!r} and {second.name!r}: nothing may meet; name what the push-down is for")
    rest = Closures(replace(ontology, exclusive_pairs=tuple(p for p in ontology.exclusive_pairs if p not in replaced)))
    for x, y in open_:
        if rest.exclusive[closures.index[x], closures.index[y]]:
            names = " and ".join(repr(ontology.by_id[i].name) for i in (x, y))
            raise UsageError(f"{names}: are exclusive for another reason too; push that pair down first")
    left = _below(closures, (pair.a, pair.b), open_)
    minimal = algebra.minus(_topmost(left, closures.ancestors), rest.exclusive)
    work = _Work(ontology)
    for old in replaced:
        work.change(old, None)
    evidence = by.evidence or f"pushed down from {first.name} x {second.name}"
    origin = replace(by, source=by.source or replaced[0].source, evidence=evidence)
    labels = ontology.labels
    for i, j in algebra.to_pairs(minimal, symmetric=True):
        work.add_free(ExclusivePair(labels[i].id, labels[j].id, *origin.values()))
    named = dict.fromkeys(i for both in open_ for i in both if i not in (first.id, second.id))
    return Composite("push-down", (first.id, second.id, *named), tuple(work.parts))


def _open_pair(ontology: Ontology, closures: Closures, a: str, b: str, named: str | tuple[str, str]) -> tuple[str, str]:
    """The pair of ids that may meet."""

    def under(low: str, high: str) -> bool:
        return low == high or bool(closures.ancestors[closures.index[low], closures.index[high]])

    if isinstance(named, str):
        one = ontology.label(named).id
        x, y = (one if under(one, a) else a), (one if under(one, b) else b)
        fits = one in (x, y)
    else:
        x, y = (ontology.label(name).id for name in named)
        x, y = (x, y) if under(x, a) and under(y, b) else (y, x)
        fits = under(x, a) and under(y, b)
    if not fits or {x, y} == {a, b}:
        names = ontology.by_id[a].name, ontology.by_id[b].name
        raise UsageError(f"{named!r}: does not lie below {names[0]!r} or {names[1]!r}; name what does")
    return x, y


def _below(closures: Closures, pair: tuple[str, str], open_: Iterable[tuple[str, str]]) -> algebra.BoolMatrix:
    """All pairs that inherit from one pair and lie neither at nor above a pair that may meet; C x C, symmetric."""
    size = len(closures.index)

    def cells(pairs: Iterable[tuple[str, str]]) -> algebra.BoolMatrix:
        found = np.array([(closures.index[x], closures.index[y]) for x, y in pairs])
        return algebra.from_pairs(found, size, symmetric=True)

    return algebra.inherit_exclusive(cells([pair]), closures.ancestors, cells(open_))


def _topmost(pairs: algebra.BoolMatrix, ancestors: algebra.BoolMatrix) -> algebra.BoolMatrix:
    """Of pairs closed under inheritance those of two labels that no other such pair implies."""
    pairs = algebra.minus(pairs, algebra.identity(pairs.shape[0]))
    implied = algebra.union(algebra.product(ancestors, pairs), algebra.product(pairs, ancestors.T))
    return algebra.minus(pairs, implied)


def _require_two_in_use(old: Label, new: Label) -> None:
    if old.id == new.id:
        raise UsageError(f"label {old.name!r}: cannot replace itself; name another label")
    for label in (old, new):
        if label.deprecated:
            raise UsageError(f"label {label.name!r}: is deprecated; name labels that are in use")


def _status(label: Label) -> LabelStatus:
    return LabelStatus(label.id, label.deprecated, label.replaced_by)


def _about(ontology: Ontology, label_id: str) -> list[Fact]:
    """Relations, pairs, groups and exceptions of a label."""
    return [
        fact
        for fact in facts_of(ontology)
        if isinstance(fact, _Between | ExclusiveGroup) and label_id in labels_of(fact)
    ]


def _moved(fact: Fact, old: str, new: str) -> Fact | None:
    """A fact with one label in the place of another; None when nothing would be left of it."""

    def other(label_id: str) -> str:
        return new if label_id == old else label_id

    match fact:
        case Relation():
            moved = replace(fact, child=other(fact.child), parent=other(fact.parent))
            return None if moved.child == moved.parent else moved
        case SoftRelation():
            soft = replace(fact, subject=other(fact.subject), object=other(fact.object))
            return None if soft.subject == soft.object else soft
        case ExclusivePair():
            pair = replace(fact, a=other(fact.a), b=other(fact.b))
            return None if pair.a == pair.b else pair
        case ExclusionException():
            return replace(fact, a=other(fact.a), b=other(fact.b))
        case ExclusiveGroup():
            group = replace(fact, members=tuple(map(other, fact.members)))
            return group if len(group.members) > 1 else None
        case _:
            raise AssertionError(fact)


def _without(group: ExclusiveGroup, label_id: str) -> ExclusiveGroup | None:
    """A group without a label; None when fewer than two are left."""
    left = replace(group, members=tuple(m for m in group.members if m != label_id))
    return left if len(left.members) > 1 else None


def _add_name(work: _Work, old: Label, new: Label, source: str) -> None:
    """Make the name of one label an exact synonym of another."""
    wanted = LabelSynonym(new.id, Synonym(old.name, SynonymScope.EXACT, source))
    there = work.find(wanted)
    if folded(old.name) == folded(new.name):
        return
    if not isinstance(there, LabelSynonym):
        work.change(None, wanted)
    elif there.synonym.scope is not SynonymScope.EXACT:
        work.change(there, LabelSynonym(new.id, replace(there.synonym, scope=SynonymScope.EXACT)))


class _Work:
    """Changes collected one after the other, and what is there after them."""

    def __init__(self, ontology: Ontology) -> None:
        self._draft = Draft(ontology)
        self.parts: list[Change] = []

    def find(self, like: Fact) -> Fact | None:
        """The fact under the key of another."""
        return self._draft.find(like)

    def is_free(self, fact: Fact, leaving: Fact | None = None) -> bool:
        """Whether a fact can be added once another has left."""
        return self.find(fact) is None or (leaving is not None and key_of(leaving) == key_of(fact))

    def add_free(self, fact: Fact) -> None:
        """Add a fact unless it is there."""
        if self.is_free(fact):
            self.change(None, fact)

    def change(self, before: Fact | None, after: Fact | None) -> None:
        """Replace a fact by another."""
        self.put(Change(before, after))

    def put(self, change: Change) -> None:
        """Make a change."""
        if change.before is not None:
            self._draft.remove(change.before)
        if change.after is not None:
            self._draft.add(change.after)
        self.parts.append(change)
