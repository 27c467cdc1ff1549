"""Typed changes and change sets: what curators propose, review, apply and undo.

A change replaces one fact by another; without a fact before it adds, without one after it removes. Larger edits (a
merge, a split, a push-down) are composites of such changes, so that every change has an exact inverse.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from kg.curation.draft import Draft
from kg.curation.facts import Fact, Key, from_json, key_of, labels_of, name_of, to_json
from kg.errors import ConflictError, InputError
from kg.ontology import Label, Ontology


@dataclass(frozen=True, slots=True)
class Change:
    """One fact added, removed or replaced by another of its kind."""

    before: Fact | None
    after: Fact | None

    def __post_init__(self) -> None:
        if self.before == self.after:
            raise InputError("change: changes nothing; leave it out")
        if self.before is not None and self.after is not None and type(self.before) is not type(self.after):
            raise InputError("change: replaces a fact by one of another kind; make it two changes")

    @property
    def fact(self) -> Fact:
        """The fact it leaves, or the one it takes away."""
        found = self.after if self.after is not None else self.before
        assert found is not None
        return found

    @property
    def verb(self) -> str:
        """``add``, ``remove`` or ``edit``."""
        return "add" if self.before is None else "remove" if self.after is None else "edit"

    def inverse(self) -> Change:
        """The change that takes this one back."""
        return Change(self.after, self.before)

    def primitives(self) -> Iterator[Change]:
        """This change."""
        yield self

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"change": name_of(self.fact), "before": to_json(self.before), "after": to_json(self.after)}


@dataclass(frozen=True, slots=True)
class Composite:
    """Several changes that belong together.

    Attributes:
        kind: what they do together: ``merge``, ``split``, ``deprecate``, ``push-down``, ``adopt-term``, ...
        labels: ids of the labels it is about, the one at the centre first.
        parts: in the order in which they are made.
        undone: this is the inverse of such a composite.
    """

    kind: str
    labels: tuple[str, ...]
    parts: tuple[Change, ...]
    undone: bool = False

    def inverse(self) -> Composite:
        """The composite that takes this one back."""
        return Composite(self.kind, self.labels, tuple(c.inverse() for c in reversed(self.parts)), not self.undone)

    def primitives(self) -> Iterator[Change]:
        """Its parts."""
        yield from self.parts

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "change": "composite",
            "kind": self.kind,
            "labels": list(self.labels),
            "undone": self.undone,
            "parts": [part.as_dict() for part in self.parts],
        }


@dataclass(frozen=True)
class ChangeSet:
    """Changes made together.

    Attributes:
        changes: in the order in which they are made.
        author: who answers for them.
        created: when, ISO 8601, UTC.
        reason: why.
        source: what they rest on, e.g. ``RadLex 4.2``, a correlation of a model, a file.
        overrides: reasons for going against warnings, by rule.
        impact: what it does to label data, in one line, as measured before it was saved.
        review: who read it before it was saved, and what was said.
    """

    changes: tuple[Change | Composite, ...]
    author: str = ""
    created: str = ""
    reason: str = ""
    source: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict)
    impact: str = ""
    review: str = ""

    def primitives(self) -> Iterator[Change]:
        """All changes, composites taken apart."""
        for change in self.changes:
            yield from change.primitives()

    @cached_property
    def keys(self) -> frozenset[Key]:
        """Keys of all facts that it touches."""
        return frozenset(key_of(fact) for c in self.primitives() for fact in (c.before, c.after) if fact is not None)

    @cached_property
    def labels(self) -> frozenset[str]:
        """Ids of all labels that it is about."""
        facts = (fact for c in self.primitives() for fact in (c.before, c.after) if fact is not None)
        return frozenset().union(*(labels_of(fact) for fact in facts))

    def inverse(self) -> tuple[Change | Composite, ...]:
        """The changes that take these back, last first."""
        return tuple(change.inverse() for change in reversed(self.changes))

    def apply(self, ontology: Ontology) -> Ontology:
        """The ontology after these changes.

        Raises:
            ConflictError: something a change removes, or replaces, is not there as it says, or what it adds is.
        """
        draft = Draft(ontology)
        for change in self.primitives():
            _make(draft, change)
        return draft.finish()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "author": self.author,
            "created": self.created,
            "reason": self.reason,
            "source": self.source,
            "impact": self.impact,
            "review": self.review,
            "overrides": dict(self.overrides),
            "changes": [change.as_dict() for change in self.changes],
        }

    def to_json(self) -> str:
        """One line of JSON; equal change sets give equal text."""
        return json.dumps(self.as_dict(), ensure_ascii=False, separators=(",", ":"))


def change_set_from_dict(value: Any) -> ChangeSet:
    """The inverse of :meth:`ChangeSet.as_dict`; ``changes`` is all it needs.

    Raises:
        InputError: it is no change set.
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("changes"), list):
        raise InputError("change set: holds no list of changes; write it as `lesionkg ontology history --json` shows")
    texts = {name: value.get(name, "") for name in ("author", "created", "reason", "source", "impact", "review")}
    overrides = value.get("overrides", {})
    fits = isinstance(overrides, Mapping) and all(
        isinstance(text, str) for text in [*texts.values(), *overrides.values()]
    )
    if not fits:
        raise InputError(
            "change set: author, created, reason, source, impact, review and overrides are texts; write them as such"
        )
    return ChangeSet(tuple(change_from_dict(one) for one in value["changes"]), overrides=dict(overrides), **texts)


def _require_moment(text: str) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"change set: created {text[:40]!r} is no moment; write it in ISO 8601, e.g. 2026-11-21T14:30:00Z"
        ) from None


def change_set_from_json(text: str) -> ChangeSet:
    """The inverse of :meth:`ChangeSet.to_json`.

    Raises:
        InputError: not JSON, or no change set.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError("change set: is not JSON; write it as `lesionkg ontology history --json` shows") from error
    found = change_set_from_dict(value)
    if found.created:
        _require_moment(found.created)
    return found


def change_from_dict(value: Any) -> Change | Composite:
    """The inverse of ``as_dict`` of a change.

    Raises:
        InputError: it is no change.
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("change"), str):
        raise InputError("change: does not say of what; write it as `lesionkg ontology history --json` shows")
    name = value["change"]
    if name != "composite":
        return Change(from_json(name, value.get("before")), from_json(name, value.get("after")))
    labels, parts, kind, undone = (value.get(key) for key in ("labels", "parts", "kind", "undone"))
    if not isinstance(labels, list) or not isinstance(parts, list) or not isinstance(kind, str):
        raise InputError("composite change: lacks its kind, labels or parts; write all three")
    if undone not in (None, False, True):
        raise InputError("composite change: undone is neither true nor false; write it so")
    made = [change_from_dict(part) for part in parts]
    if not all(isinstance(part, Change) for part in made):
        raise InputError("composite change: holds a composite; list its parts instead")
    return Composite(kind, tuple(map(str, labels)), tuple(p for p in made if isinstance(p, Change)), bool(undone))


def _make(draft: Draft, change: Change) -> None:
    what = " ".join(key_of(change.fact))
    if change.before is not None:
        found = draft.find(change.before)
        if found is None:
            raise ConflictError(f"change of {what}: it is not there any more; look at the newest revision")
        if found != change.before:
            raise ConflictError(f"change of {what}: it is not what the change was made on; look at the newest revision")
    if change.after is not None:
        there = draft.find(change.after)
        if there is not None and (change.before is None or key_of(change.after) != key_of(change.before)):
            raise ConflictError(f"change of {what}: it is there already; look at the newest revision")
        if not isinstance(change.after, Label):
            missing = sorted(i for i in labels_of(change.after) if not draft.has_label(i))
            if missing:
                raise ConflictError(f"change of {what}: there is no label {missing[0]}; add the label first")
    if change.before is not None:
        draft.remove(change.before)
    if change.after is not None:
        draft.add(change.after)
