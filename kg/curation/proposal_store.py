"""Proposals in the curation store: reading them, and writing what happens to them."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from kg.curation.proposal import Event, Proposal, Status, proposal_from_rows
from kg.curation.proposal_tables import EVENTS, PROPOSALS
from kg.errors import ConflictError, UsageError
from kg.relational import Database

_ID = re.compile(r"(\d{1,9})(?:-([0-9a-f]{8}))?")


def find(database: Database, proposal: str) -> Proposal:
    """One proposal, by number or id.

    Raises:
        UsageError: there is none.
    """
    with database.read() as connection:
        return read_one(connection, proposal)


def proposals(
    database: Database, statuses: Collection[Status] = (), author: str = "", label: str = "", graph: str = ""
) -> list[Proposal]:
    """Proposals, newest first.

    Args:
        database: the curation store.
        statuses: only of these; all when empty.
        author: only of this author.
        label: id of a label that they must be about.
        graph: only those for this graph.
    """
    statement = select(PROPOSALS)
    if statuses:
        statement = statement.where(PROPOSALS.c.status.in_([status.value for status in statuses]))
    if author:
        statement = statement.where(PROPOSALS.c.author == author)
    if graph:
        statement = statement.where(PROPOSALS.c.graph == graph)
    with database.read() as connection:
        found = _read(connection, statement.order_by(PROPOSALS.c.number.desc()))
    return [one for one in found if not label or label in one.change_set.labels]


def now() -> str:
    """The moment, ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def locked(
    connection: Connection,
    proposal: str,
    allowed: Collection[Status],
    seen: int | None = None,
    while_applied: bool = False,
) -> Proposal:
    """A proposal that nobody else changes before the write transaction ends.

    Raises:
        UsageError: there is none.
        ConflictError: its status is not among those allowed, somebody is applying it (unless ``while_applied``), or
            more happened to it than ``seen``.
    """
    number = _number(proposal)
    connection.execute(select(PROPOSALS.c.number).where(PROPOSALS.c.number == number).with_for_update())
    found = read_one(connection, proposal)
    newest = found.events[-1]
    require_status(found, allowed)
    if found.worker and not while_applied:
        raise ConflictError(f"proposal {found.number}: {newest.actor} is applying it; look again in a moment")
    if seen is not None and len(found.events) > seen:
        raise ConflictError(f"proposal {found.number}: was {newest.kind} by {newest.actor} meanwhile; look again")
    return found


def require_status(found: Proposal, allowed: Collection[Status]) -> None:
    """Check where a proposal stands.

    Raises:
        ConflictError: its status is not among those allowed.
    """
    newest = found.events[-1]
    if found.status not in allowed:
        raise ConflictError(
            f"proposal {found.number}: is {found.status} (by {newest.actor} on {newest.created[:10]}), not "
            f"{' or '.join(allowed)}; nothing was done"
        )


def change(connection: Connection, proposal: Proposal, event: Event, **values: Any) -> Proposal:
    """Write an event and what it makes of a proposal that is locked."""
    row = {"status": event.status.value, "revision": event.revision, **values}
    connection.execute(update(PROPOSALS).where(PROPOSALS.c.number == proposal.number).values(**row))
    add_event(connection, proposal.number, event)
    return read_one(connection, str(proposal.number))


def add_event(connection: Connection, number: int, event: Event) -> None:
    """Write an event."""
    row = {
        "proposal": number,
        "number": event.number,
        "kind": event.kind.value,
        "actor": event.actor,
        "created": event.created,
        "comment": event.comment,
        "status": event.status.value,
        "revision": event.revision,
        "changes": event.change_set.to_json() if event.change_set else "",
    }
    connection.execute(insert(EVENTS), row)


def _number(proposal: str) -> int:
    found = _ID.fullmatch(proposal.strip())
    if found is None:
        raise UsageError(f"proposal {proposal!r}: is no number; `lesionkg ontology proposals` lists them")
    return int(found[1])


def read_one(connection: Connection, proposal: str) -> Proposal:
    """As :func:`find`, on an open connection."""
    number = _number(proposal)
    found = _read(connection, select(PROPOSALS).where(PROPOSALS.c.number == number))
    if not found or ("-" in proposal and found[0].id != proposal.strip()):
        raise UsageError(f"proposal {proposal}: there is none; `lesionkg ontology proposals` lists them")
    return found[0]


def _read(connection: Connection, statement: Select[Any]) -> list[Proposal]:
    rows = connection.execute(statement).mappings().all()
    numbers = statement.with_only_columns(PROPOSALS.c.number).order_by(None)
    events = connection.execute(
        select(EVENTS).where(EVENTS.c.proposal.in_(numbers)).order_by(EVENTS.c.proposal, EVENTS.c.number)
    ).mappings()
    by_number: dict[int, list[Any]] = {row["number"]: [] for row in rows}
    for event in events:
        if event["proposal"] in by_number:
            by_number[event["proposal"]].append(event)
    return [proposal_from_rows(row, by_number[row["number"]]) for row in rows]
