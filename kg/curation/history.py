"""The history of an ontology: every revision with its change, and the ontology as it was at any of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from kg.curation.between import EMPTY
from kg.curation.change_set import ChangeSet
from kg.curation.payload import COLUMNS, payload_of
from kg.errors import StaleRevisionError, UsageError
from kg.matrices import RelationMatrices
from kg.ontology import Ontology
from kg.store import GraphStore, Transaction

_STAMP = (
    "r.author AS author, r.created AS created, r.ontology AS ontology, r.version AS version, "
    "r.ontology_hash AS ontology_hash, r.label_sets AS label_sets, r.matrix_hashes AS matrix_hashes, "
    "r.reason AS reason, r.source AS source, r.labels AS labels"
)


_ALL = 1_000_000
"""Stands for no limit; the embedded engine makes room for a limit near 2^31 and fails."""


@dataclass(frozen=True)
class RevisionEntry:
    """One revision.

    Attributes:
        sequence: its number, from 1.
        kind: ``import``, ``adopt``, ``change`` or ``undo``; empty for one made before changes were kept.
        author: who answers for it.
        created: when it was made, ISO 8601, UTC.
        reason: why.
        source: what it rests on.
        undoes: number of the revision that it takes back; 0 for none.
        undone_by: number of the revision that takes it back; 0 for none.
        proposal: id of the proposal that it carries out; empty for none.
        labels: ids of the labels that it is about.
        ontology: name of the ontology after it.
        version: its version.
        ontology_hash: hash of all of its content.
        matrix_hashes: hash of the relation matrices of each label set.
        change_set: what it changed; None for one made before changes were kept.
    """

    sequence: int
    kind: str
    author: str
    created: str
    reason: str
    source: str
    undoes: int
    undone_by: int
    proposal: str
    labels: tuple[str, ...]
    ontology: str
    version: str
    ontology_hash: str
    matrix_hashes: Mapping[str, str]
    change_set: ChangeSet | None

    @property
    def overrides(self) -> Mapping[str, str]:
        """Reasons for going against warnings, by rule."""
        return self.change_set.overrides if self.change_set else {}

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "change_set"}
        plain |= {"labels": list(self.labels), "matrix_hashes": dict(self.matrix_hashes)}
        return plain | {"change_set": self.change_set.as_dict() if self.change_set else None}


def revisions(
    store: GraphStore, label: str = "", author: str = "", since: str = "", until: str = "", limit: int | None = None
) -> list[RevisionEntry]:
    """Revisions, newest first.

    Args:
        store: the graph.
        label: id of a label that they must be about.
        author: who must have made them.
        since: earliest date or time, ISO 8601, UTC when it names no zone.
        until: latest date or time, likewise; a date means its whole day.
        limit: at most so many.

    Raises:
        UsageError: ``since`` or ``until`` is no date or time.
    """
    return store.read_transaction(lambda tx: read_revisions(tx, label, author, since, until, limit))


def read_revisions(
    tx: Transaction,
    label: str = "",
    author: str = "",
    since: str = "",
    until: str = "",
    limit: int | None = None,
    after: int = 0,
) -> list[RevisionEntry]:
    """As :func:`revisions`, inside an open transaction; ``after`` leaves out revisions up to this number."""
    since, until = bounds(since, until)
    rows = tx.run(
        f"MATCH (r:Revision) WHERE r.sequence > $after AND ($label = '' OR $label IN r.labels) "
        "AND ($author = '' OR r.author = $author) AND ($since = '' OR r.created >= $since) "
        f"AND ($until = '' OR r.created <= $until) RETURN {_STAMP}, {COLUMNS} ORDER BY sequence DESC LIMIT $limit",
        {
            "label": label,
            "author": author,
            "since": since,
            "until": until,
            "limit": _ALL if limit is None else limit,
            "after": after,
        },
    )
    undone = {
        row["undoes"]: row["sequence"]
        for row in tx.run(
            "MATCH (r:Revision) WHERE r.undoes > 0 RETURN r.undoes AS undoes, r.sequence AS sequence ORDER BY sequence"
        )
    }
    return [_entry(row, undone) for row in rows]


def bounds(since: str, until: str) -> tuple[str, str]:
    """The first and last moment between two dates or times, as texts that sort as the moments of revisions do.

    Args:
        since: a date or time, ISO 8601, UTC when it names no zone; empty for none.
        until: likewise; all of its day, or second, is before it.

    Raises:
        UsageError: one of them is no date or time.
    """
    return _moment(since), f"{last}.999999+99" if "T" in (last := _moment(until)) else last and f"{last}T99"


def _moment(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r}: no day or time; write it as 2026-01-31 or 2026-01-31T12:00") from None
    return moment.replace(microsecond=0, tzinfo=None).isoformat()


def as_of(store: GraphStore, sequence: int) -> Ontology:
    """The ontology as it was at a revision.

    Raises:
        UsageError: no such revision.
        StaleRevisionError: it was made before changes were kept, or the history was damaged.
    """
    return store.read_transaction(lambda tx: read_as_of(tx, sequence))


def read_as_of(tx: Transaction, sequence: int) -> Ontology:
    """As :func:`as_of`, inside an open transaction."""
    rows = tx.run(
        f"MATCH (r:Revision) WHERE r.sequence <= $sequence RETURN {COLUMNS}, r.ontology_hash AS hash ORDER BY sequence",
        {"sequence": sequence},
    )
    if not rows or rows[-1]["sequence"] != sequence:
        raise UsageError(f"revision {sequence}: there is none; `lesionkg ontology history` lists them")
    start = max((i for i, row in enumerate(rows) if row["base"]), default=None)
    if start is None:
        raise StaleRevisionError(
            f"revision {sequence}: was made by a version that kept no changes; look at a newer revision"
        )
    ontology = EMPTY
    for row in rows[start:]:
        ontology = payload_of(row).change_set.apply(ontology)
    if ontology.content_hash != rows[-1]["hash"]:
        raise StaleRevisionError(f"revision {sequence}: its history was damaged; restore a backup of the graph")
    return ontology


def matrices_as_of(store: GraphStore, sequence: int, label_set: str) -> RelationMatrices:
    """The relation matrices of a label set as they were at a revision; saved, the same bytes as then.

    Raises:
        UsageError: no such revision, or no such label set in it.
        StaleRevisionError: as :func:`as_of`.
    """
    return RelationMatrices.from_ontology(as_of(store, sequence), label_set, revision=sequence)


def _entry(row: Mapping[str, Any], undone: Mapping[int, int]) -> RevisionEntry:
    kept = row["changes"] is not None
    return RevisionEntry(
        sequence=row["sequence"],
        kind=row["kind"] or "",
        author=row["author"],
        created=row["created"],
        reason=row["reason"] or "",
        source=row["source"] or "",
        undoes=row["undoes"] or 0,
        undone_by=undone.get(row["sequence"], 0),
        proposal=row["proposal"] or "",
        labels=tuple(row["labels"] or ()),
        ontology=row["ontology"],
        version=row["version"],
        ontology_hash=row["ontology_hash"],
        matrix_hashes=dict(zip(row["label_sets"], row["matrix_hashes"], strict=True)),
        change_set=payload_of(row).change_set if kept else None,
    )
