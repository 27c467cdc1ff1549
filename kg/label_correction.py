"""Corrections of a lesion's labels by a curator.

A curator's statement stands in place of what other sources say of a lesion and a label: ``HAS_LABEL`` with the source
``curator``, or ``LACKS_LABEL``. What the others say is kept as ``SUPERSEDED`` (``said``: the types it had) and comes
back when the statement is undone, so that ``HAS_LABEL`` alone always is what counts: one relationship for a lesion and
a label once a curator spoke, none once a curator took the label away. A statement that another one replaced, or that
was undone, is kept in the same way: it is the history. Loading and mining leave what curators said alone
(:func:`corrected_pairs`). Frozen cohorts do not change.

The statements of one correction are stored together and undone together.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kg.correction_edges import ACTIVE, CURATOR, LACKS, SUPERSEDED, Edge, restate, withdraw
from kg.correction_rules import Obstacle, Statement, obstacles, require_statements
from kg.errors import ChangeRefusedError, ConflictError, UsageError
from kg.store import GraphStore, Row, Transaction

Pair = tuple[str, str]
"""Ids of a lesion and a label."""

_PAIR = f"""
MATCH (l:Lesion {{id: $lesion}})-[r:{"|".join((*ACTIVE, SUPERSEDED))}]->(c:Label {{id: $label}})
RETURN type(r) AS kind, properties(r) AS has ORDER BY kind, has.source, has.created
"""
_DELETE = f"""
MATCH (l:Lesion {{id: $lesion}})-[r:{"|".join((*ACTIVE, SUPERSEDED))}]->(c:Label {{id: $label}})
WITH collect(r) AS found FOREACH (r IN found | DELETE r)
"""
_OF_CURATORS = f"""
MATCH (l:Lesion {{id: $lesion}})-[r:HAS_LABEL|{LACKS}|{SUPERSEDED} {{source: $source}}]->(c:Label)
RETURN type(r) AS kind, c.id AS label, c.name AS name, properties(r) AS has ORDER BY name, label, kind
"""


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction of a lesion's labels.

    Attributes:
        id: of the correction.
        lesion: id of the lesion.
        author: who made it.
        created: when, ISO 8601, UTC.
        reason: why.
        statements: what was said of which labels.
        names: preferred names of these labels, in the same order.
        standing: all of it holds; else some of it was replaced by a later one, or it was undone.
        undone_by, undone, undo_reason: who undid it, when, why; empty while it was not undone.
    """

    id: str
    lesion: str
    author: str
    created: str
    reason: str
    statements: tuple[Statement, ...]
    names: tuple[str, ...]
    standing: bool
    undone_by: str = ""
    undone: str = ""
    undo_reason: str = ""


def assess(store: GraphStore, lesion: str, statements: Sequence[Statement]) -> tuple[Obstacle, ...]:
    """What stands against a correction, before it is made.

    Args:
        store: the graph.
        lesion: id of the lesion.
        statements: what would be said of labels.

    Raises:
        UsageError: no such lesion or label, or the statements do not fit together.
    """

    def work(tx: Transaction) -> tuple[Obstacle, ...]:
        require_statements(tx, lesion, statements)
        return obstacles(tx, lesion, statements)

    return store.read_transaction(work)


def correct(
    store: GraphStore,
    lesion: str,
    statements: Sequence[Statement],
    author: str,
    reason: str,
    *,
    against_relations: bool = False,
) -> Correction:
    """Store a correction: all of its statements, or none.

    Args:
        store: the graph.
        lesion: id of the lesion.
        statements: what the curator says of labels.
        author: name of the curator.
        reason: why; it is kept with the statements.
        against_relations: keep both of two exclusive labels. A label never stands beside the removal of one that it
            implies.

    Returns:
        The correction as stored.

    Raises:
        ChangeRefusedError: a label would stand against a relation; the message names both, and nothing was stored.
        UsageError: no such lesion or label, no reason or author, or nothing would change.
    """
    stamp: Row = {
        "correction": f"C-{secrets.token_hex(8)}",
        "author": author.strip(),
        "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "reason": reason.strip(),
    }
    if not stamp["author"] or not stamp["reason"]:
        raise UsageError(f"correction of {lesion}: give an author and a reason; both are kept with it")

    def work(tx: Transaction) -> Correction:
        require_statements(tx, lesion, statements)
        _refuse(lesion, obstacles(tx, lesion, statements), against_relations)
        for statement in statements:
            edges = _edges(tx, lesion, statement.label)
            _write(tx, lesion, statement.label, restate(edges, statement.has, stamp))
        return _found(tx, lesion, stamp["correction"])

    return store.write_transaction(work)


def undo(store: GraphStore, lesion: str, correction: str, author: str, reason: str = "") -> Correction:
    """Take a correction back: what it replaced holds again.

    Args:
        store: the graph.
        lesion: id of the lesion.
        correction: id of the correction.
        author: name of the curator who undoes it.
        reason: why.

    Raises:
        ConflictError: it was undone before, or a later correction replaced some of it; undo that one first.
        UsageError: the lesion has no such correction.
    """
    stamp: Row = {
        "undone_by": author,
        "undone": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "undo_reason": reason.strip(),
    }

    def work(tx: Transaction) -> Correction:
        found = _found(tx, lesion, correction)
        if found.undone:
            raise ConflictError(f"correction {correction} of {lesion}: was undone already by {found.undone_by}")
        if not found.standing:
            raise ConflictError(f"correction {correction} of {lesion}: a later one replaced it; undo that one first")
        for statement in found.statements:
            edges = _edges(tx, lesion, statement.label)
            _write(tx, lesion, statement.label, withdraw(edges, correction, stamp))
        return _found(tx, lesion, correction)

    return store.write_transaction(work)


def history(store: GraphStore, lesion: str) -> tuple[Correction, ...]:
    """All corrections of a lesion's labels, newest first, those that were undone too."""
    return store.read_transaction(lambda tx: _history(tx, lesion))


def corrected_pairs(tx: Transaction, lesions: Iterable[str] | None = None) -> set[Pair]:
    """Lesions and labels of which a curator's statement holds; other sources must not write over it.

    Args:
        tx: an open transaction.
        lesions: ids of lesions to look at; all when None.
    """
    chosen = "" if lesions is None else "UNWIND $lesions AS one MATCH (l:Lesion {id: one}) "
    rows = tx.run(
        f"{chosen}MATCH (l:Lesion)-[r:HAS_LABEL|{LACKS} {{source: $source}}]->(c:Label) "
        "RETURN l.id AS lesion, c.id AS label ORDER BY lesion, label",
        {"source": CURATOR, "lesions": sorted(lesions or ())},
    )
    return {(row["lesion"], row["label"]) for row in rows}


def _refuse(lesion: str, found: Sequence[Obstacle], against_relations: bool) -> None:
    for obstacle in found:
        if obstacle.implied or not against_relations:
            raise ChangeRefusedError(f"labels of {lesion}: {obstacle.text}; nothing was stored")


def _edges(tx: Transaction, lesion: str, label: str) -> list[Edge]:
    return [Edge(row["kind"], row["has"]) for row in tx.run(_PAIR, {"lesion": lesion, "label": label})]


def _write(tx: Transaction, lesion: str, label: str, edges: Sequence[Edge]) -> None:
    pair = {"lesion": lesion, "label": label}
    tx.run(_DELETE, pair)
    for edge in edges:
        tx.run(
            f"MATCH (l:Lesion {{id: $lesion}}) MATCH (c:Label {{id: $label}}) CREATE (l)-[r:{edge.kind}]->(c) "
            "SET r = $has",
            {**pair, "has": edge.has},
        )


def _found(tx: Transaction, lesion: str, correction: str) -> Correction:
    for found in _history(tx, lesion):
        if found.id == correction:
            return found
    raise UsageError(f"correction {correction[:80]!r}: not among those of {lesion}; its page lists them")


def _history(tx: Transaction, lesion: str) -> tuple[Correction, ...]:
    groups: dict[str, list[Row]] = {}
    for row in tx.run(_OF_CURATORS, {"lesion": lesion, "source": CURATOR}):
        groups.setdefault(str(row["has"].get("correction") or ""), []).append(row)
    made = [_correction(lesion, key, rows) for key, rows in groups.items()]
    return tuple(sorted(made, key=lambda one: (one.created, one.id), reverse=True))


def _correction(lesion: str, key: str, rows: Sequence[Row]) -> Correction:
    first: Row = rows[0]["has"]
    kinds = [row["kind"] if row["kind"] != SUPERSEDED else row["has"]["said"][0] for row in rows]
    return Correction(
        id=key,
        lesion=lesion,
        author=str(first.get("author") or ""),
        created=str(first.get("created") or ""),
        reason=str(first.get("reason") or ""),
        statements=tuple(Statement(row["label"], kind != LACKS) for row, kind in zip(rows, kinds, strict=True)),
        names=tuple(row["name"] for row in rows),
        standing=all(row["kind"] != SUPERSEDED for row in rows),
        undone_by=str(first.get("undone_by") or ""),
        undone=str(first.get("undone") or ""),
        undo_reason=str(first.get("undo_reason") or ""),
    )
