"""What changed since an earlier release, as Markdown: change set by change set, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kg.curation.change_set import ChangeSet
from kg.curation.describe import describe
from kg.curation.history import RevisionEntry
from kg.ontology import Ontology

_MOST_LINES = 200
"""Changes of one change set that are told line by line; an import has thousands."""

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One step of the history.

    Attributes:
        title: what to call it, e.g. ``revision 12``.
        author: who answers for it.
        created: when it was made, ISO 8601, UTC.
        reason: why.
        source: what it rests on.
        change_set: what it changed; None where that was not kept.
        ontology: name of the ontology after it.
        ontology_hash: hash of its content.
    """

    title: str
    author: str
    created: str
    reason: str
    source: str
    change_set: ChangeSet | None
    ontology: str
    ontology_hash: str


def entries_of_revisions(revisions: Iterable[RevisionEntry]) -> list[LogEntry]:
    """Revisions of a graph, in their order."""
    return [
        LogEntry(
            f"revision {r.sequence}" + (f" takes back revision {r.undoes}" if r.undoes else ""),
            r.author,
            r.created,
            r.reason,
            r.source,
            r.change_set,
            r.ontology,
            r.ontology_hash,
        )
        for r in revisions
    ]


def entries_of_change_sets(base: Ontology, change_sets: Iterable[ChangeSet]) -> list[LogEntry]:
    """Change sets that were made on a base one after the other, newest first.

    Raises:
        ConflictError: they do not follow from the base.
    """
    entries, now = [], base
    for number, one in enumerate(change_sets, start=1):
        now = one.apply(now)
        title = f"change set {number}"
        entries.append(
            LogEntry(title, one.author, one.created, one.reason, one.source, one, now.name, now.content_hash)
        )
    return entries[::-1]


def since(entries: Sequence[LogEntry], previous: Ontology) -> list[LogEntry]:
    """The entries after the newest one that left this name and content; all of them when none did.

    The version does not count: that of a release is given when it is made.
    """
    left = (previous.name, previous.content_hash)
    newer = next((i for i, entry in enumerate(entries) if (entry.ontology, entry.ontology_hash) == left), len(entries))
    return list(entries[:newer])


def change_log(title: str, entries: Iterable[LogEntry], names: Mapping[str, str]) -> str:
    """The change log.

    Args:
        title: its heading.
        entries: what to tell, newest first.
        names: preferred names by label id.
    """
    lines = [f"# {_escaped(title)}"]
    for entry in entries:
        lines += ["", f"## {_escaped(entry.title)}, {entry.created}, {_escaped(entry.author or 'unknown')}", ""]
        lines += [f"{what}: {_escaped(text)}  " for what, text in _about(entry) if text]
        changes = entry.change_set.changes if entry.change_set else ()
        if len(changes) > _MOST_LINES:
            lines += ["", f"{len(changes):,} changes"]
        elif changes:
            lines += ["", *(f"- {_escaped(describe(change, names))}" for change in changes)]
    if len(lines) == 1:
        lines += ["", "No change set is known."]
    return "\n".join(lines) + "\n"


def _about(entry: LogEntry) -> list[tuple[str, str]]:
    made = entry.change_set or ChangeSet(())
    against = [(f"In spite of {rule}", reason) for rule, reason in sorted(made.overrides.items())]
    return [
        ("Reason", entry.reason), ("Source", entry.source), ("Impact", made.impact), ("Review", made.review), *against
    ]  # fmt: skip


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
