"""Proposals and revisions in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kg.curation.describe import describe
from lesionkg.cli.context import console

if TYPE_CHECKING:
    from kg.curation.change_set import ChangeSet
    from kg.curation.history import RevisionEntry
    from kg.curation.proposal import Proposal

_FEW = 3
"""Changes of each proposal or revision in a list."""

_MANY = 40
"""Changes of one that is shown alone."""


def print_proposals(found: Sequence[Proposal], names: Mapping[str, str]) -> None:
    """A list of proposals."""
    for one in found:
        _say(_headline(one))
        _changes(one.change_set, names, _FEW)
    if not found:
        _say("no proposals")


def print_proposal(one: Proposal, names: Mapping[str, str]) -> None:
    """One proposal with all that happened to it."""
    _say(_headline(one))
    _about(one.change_set)
    _changes(one.change_set, names, _MANY)
    for event in one.events:
        said = f": {_line(event.comment)}" if event.comment else ""
        _say(f"  {event.created[:19]}  {event.kind} by {_line(event.actor)}{said}")


def print_revisions(found: Sequence[RevisionEntry], names: Mapping[str, str]) -> None:
    """A list of revisions."""
    for entry in found:
        _say(_stamp(entry))
        if entry.kind != "import" and entry.change_set is not None:
            _changes(entry.change_set, names, _FEW)
    if not found:
        _say("no revisions")


def print_revision(entry: RevisionEntry, names: Mapping[str, str]) -> None:
    """One revision with all that it changed."""
    _say(_stamp(entry))
    _say(f"  ontology {entry.ontology} {entry.version}, hash {entry.ontology_hash}")
    for name, value in sorted(entry.matrix_hashes.items()):
        _say(f"  matrices of {name}: {value}")
    if entry.change_set is None:
        _say("  made by a version that kept no changes")
        return
    _about(entry.change_set)
    _changes(entry.change_set, names, _MANY)


def _headline(one: Proposal) -> str:
    where = f" as revision {one.revision}" if one.revision else f" on revision {one.base}"
    reason = _line(one.change_set.reason)
    return f"proposal {one.number}  {one.created[:10]}  {one.status}{where}  {_line(one.author)}: {reason}"


def _stamp(entry: RevisionEntry) -> str:
    notes = [f"undoes {entry.undoes}"] if entry.undoes else []
    notes += [f"taken back by {entry.undone_by}"] if entry.undone_by else []
    notes += [f"proposal {entry.proposal.partition('-')[0]}"] if entry.proposal else []
    after = f"  ({', '.join(notes)})" if notes else ""
    said = f": {_line(entry.reason)}" if entry.reason else ""
    author = _line(entry.author) or "somebody"
    return f"revision {entry.sequence}  {entry.created[:19]}  {entry.kind}  {author}{said}{after}"


def _about(change_set: ChangeSet) -> None:
    for name in ("source", "impact", "review"):
        if value := getattr(change_set, name):
            _say(f"  {name}: {_line(value)}")
    for rule, reason in sorted(change_set.overrides.items()):
        _say(f"  against warning {rule}: {_line(reason)}")


def _changes(change_set: ChangeSet, names: Mapping[str, str], most: int) -> None:
    for change in change_set.changes[:most]:
        _say(f"    {describe(change, names)}")
    rest = len(change_set.changes) - most
    if rest > 0:
        _say(f"    and {rest:,} more (--json shows all)")


def _line(text: str) -> str:
    return " ".join(text.split())


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
