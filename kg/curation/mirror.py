"""The mirror: a copy of the graph's history in the curation store, to be searched by words.

The graph holds the truth. The mirror follows it (:func:`follow`), and is made anew where it does not fit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, delete, select

from kg.curation.change_set import change_set_from_dict
from kg.curation.describe import describe
from kg.curation.graph_identity import graph_identity, label_names
from kg.curation.history import RevisionEntry, bounds, read_revisions
from kg.curation.payload import RevisionKind
from kg.curation.proposal_tables import REVISION_LABELS, REVISIONS
from kg.relational import Database
from kg.store import GraphStore, Transaction


@dataclass(frozen=True, slots=True)
class Followed:
    """What following the graph did to the mirror.

    Attributes:
        added: revisions that are new in it.
        rebuilt: it did not fit the graph and was made anew.
    """

    added: int
    rebuilt: bool


@dataclass(frozen=True, slots=True)
class _Read:
    graph: str
    fits: bool
    entries: list[RevisionEntry]
    names: Mapping[str, str]


def follow(database: Database, store: GraphStore) -> Followed:
    """Copy the revisions that the mirror lacks; all of them where what it holds is not the graph's history.

    Raises:
        UsageError: the graph holds no ontology yet.
    """
    graph = store.read_transaction(graph_identity)
    with database.read() as connection:
        newest = _newest(connection, graph)
    read = store.read_transaction(lambda tx: _missing(tx, graph, *newest))
    with database.write() as connection:
        anew = not read.fits and _newest(connection, graph) == newest
        if anew:
            _clear(connection, graph)
        if read.fits or anew:  # otherwise another process made it anew meanwhile
            _write(database, connection, read)
    return Followed(len(read.entries), anew)


def rebuild(database: Database, store: GraphStore) -> Followed:
    """Make the mirror of a graph anew.

    Raises:
        UsageError: the graph holds no ontology yet.
    """
    graph = store.read_transaction(graph_identity)
    with database.write() as connection:
        _clear(connection, graph)
    return replace(follow(database, store), rebuilt=True)


def search(
    database: Database,
    graph: str,
    words: str = "",
    label: str = "",
    author: str = "",
    since: str = "",
    until: str = "",
    limit: int | None = None,
) -> list[RevisionEntry]:
    """Mirrored revisions of a graph, newest first.

    Args:
        database: the curation store.
        graph: from :func:`kg.curation.graph_identity.graph_identity`.
        words: they must all occur in what a revision says: changes in words, reason, source, author, review.
        label: id of a label that they must be about.
        author: who must have made them.
        since: earliest date or time, ISO 8601, UTC when it names no zone.
        until: latest date or time, likewise; a date means its whole day.
        limit: at most so many.

    Raises:
        UsageError: ``since`` or ``until`` is no date or time.
    """
    since, until = bounds(since, until)
    table = REVISIONS.c
    statement = select(table.entry).where(table.graph == graph)
    for word in words.casefold().split():
        statement = statement.where(table.words.contains(word, autoescape=True))
    if label:
        about = select(REVISION_LABELS.c.sequence).where(
            REVISION_LABELS.c.graph == graph, REVISION_LABELS.c.label == label
        )
        statement = statement.where(table.sequence.in_(about))
    if author:
        statement = statement.where(table.author == author)
    if since:
        statement = statement.where(table.created >= since)
    if until:
        statement = statement.where(table.created <= until)
    undone = select(table.undoes, table.sequence).where(table.graph == graph, table.undoes > 0)
    with database.read() as connection:
        rows = connection.execute(statement.order_by(table.sequence.desc()).limit(limit)).scalars().all()
        back = {row.undoes: row.sequence for row in connection.execute(undone.order_by(table.sequence))}
    return [replace(entry, undone_by=back.get(entry.sequence, 0)) for entry in map(_entry, rows)]


def _missing(tx: Transaction, graph: str, sequence: int, stamp: str) -> _Read:
    """The revisions from the mirror's newest on; all of them when that one differs."""
    found = read_revisions(tx, after=max(sequence - 1, 0))
    fits = sequence == 0 or (bool(found) and _stamp(found[-1]) == stamp and found[-1].sequence == sequence)
    entries = [entry for entry in found if entry.sequence > sequence] if fits else read_revisions(tx)
    return _Read(graph, fits, entries, label_names(tx) if entries else {})


def _newest(connection: Connection, graph: str) -> tuple[int, str]:
    table = REVISIONS.c
    statement = select(table.sequence, table.stamp).where(table.graph == graph).order_by(table.sequence.desc()).limit(1)
    row = connection.execute(statement).one_or_none()
    return (row.sequence, row.stamp) if row else (0, "")


def _clear(connection: Connection, graph: str) -> None:
    for table in (REVISIONS, REVISION_LABELS):
        connection.execute(delete(table).where(table.c.graph == graph))


def _write(database: Database, connection: Connection, read: _Read) -> None:
    """Write revisions; another process that mirrors the same goes first."""
    if not read.entries:
        return
    rows: list[dict[str, Any]] = [
        {
            "graph": read.graph,
            "sequence": entry.sequence,
            "author": entry.author,
            "created": entry.created,
            "undoes": entry.undoes,
            "stamp": _stamp(entry),
            "words": "\n".join(_words(entry, read.names)).casefold(),
            "entry": json.dumps(entry.as_dict(), ensure_ascii=False, separators=(",", ":")),
        }
        for entry in read.entries
    ]
    labels = [
        {"graph": read.graph, "sequence": entry.sequence, "label": label}
        for entry in read.entries
        for label in entry.labels
    ]
    database.fill(connection, REVISIONS, *rows)
    if labels:
        database.fill(connection, REVISION_LABELS, *labels)


def _stamp(entry: RevisionEntry) -> str:
    return f"{entry.created} {entry.ontology_hash}"


def _words(entry: RevisionEntry, names: Mapping[str, str]) -> Iterable[str]:
    """What a revision says; of a whole ontology that was loaded, not every fact."""
    yield from (entry.kind, entry.author, entry.reason, entry.source, entry.proposal)
    if entry.change_set is not None:
        yield from (entry.change_set.review, entry.change_set.impact, *entry.overrides.values())
        if entry.kind != RevisionKind.IMPORT:
            yield from (describe(change, names) for change in entry.change_set.changes)


def _entry(text: str) -> RevisionEntry:
    value = json.loads(text)
    change_set = value.pop("change_set")
    value["labels"] = tuple(value["labels"])
    return RevisionEntry(**value, change_set=change_set_from_dict(change_set) if change_set is not None else None)
