"""What curators decided about items of the review queues: kept by what an item is about, whatever model brought it up.

A decision is never changed or removed; a later one about the same item takes its place. They are kept in the relational
store; the ``review`` of correlations in the graph is a copy (:func:`kg.curation.queues_graph.stamp_reviews`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, func, select

from kg.curation.queues import Item, current_id, topic_of
from kg.curation.queues_tables import DECISIONS
from kg.errors import ConflictError, UsageError
from kg.ontology import Ontology
from kg.relational import Database


class Action(StrEnum):
    """What can be decided."""

    PROMOTED = "promoted"
    """It became a proposal, and comes back if that fails."""
    DEFERRED = "deferred"
    """Not now: it stays away until a day, or until somebody asks for deferred items."""
    REJECTED = "rejected"
    """Never again, whatever later models say."""
    REOPENED = "reopened"
    """What was decided before no longer holds."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision; attributes as in :data:`kg.curation.queues_tables.DECISIONS`."""

    item: str
    action: Action
    reviewer: str
    reason: str
    created: str
    number: int = 1
    until: str = ""
    proposal: str = ""
    evidence: str = ""

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {name.name: getattr(self, name.name) for name in fields(self)}


@dataclass(frozen=True, slots=True)
class Standing:
    """An item with what was decided about it last.

    Attributes:
        item: the item.
        decision: the newest decision; None when nobody decided yet.
        open: whether it waits for a decision.
    """

    item: Item
    decision: Decision | None
    open: bool


def decide(database: Database, decision: Decision, seen: Decision | None = None) -> Decision:
    """Keep a decision.

    Args:
        database: the curation store.
        decision: what was decided; its number is given here.
        seen: the newest decision about the item that its reviewer saw; None for none.

    Raises:
        UsageError: no such item, no reviewer or no reason, or it was rejected for good and is not reopened.
        ConflictError: somebody decided about the item meanwhile.
    """
    require_allowed(decision, seen)
    numbered = replace(decision, number=seen.number + 1 if seen else 1)
    with database.write() as connection:
        statement = database.insert(DECISIONS).values(**numbered.as_dict()).on_conflict_do_nothing()
        if connection.execute(statement.returning(DECISIONS.c.number)).first() is None:
            newest = _about(connection, decision.item)[-1]
            raise ConflictError(
                f"{decision.item}: {newest.reviewer} {newest.action} it on {newest.created[:10]} meanwhile; look again"
            )
    return numbered


def require_allowed(decision: Decision, seen: Decision | None = None) -> None:
    """Check that a decision may follow another.

    Raises:
        UsageError: as :func:`decide`.
    """
    topic_of(decision.item)
    for name in ("reviewer", "reason"):
        if not getattr(decision, name).strip():
            raise UsageError(f"{decision.item}: a decision needs a {name}; give one")
    if seen is None and decision.action is Action.REOPENED:
        raise UsageError(f"{decision.item}: nobody decided about it yet; there is nothing to reopen")
    if seen is not None and seen.action is Action.REJECTED and decision.action is not Action.REOPENED:
        raise UsageError(
            f"{decision.item}: rejected for good by {seen.reviewer} on {seen.created[:10]} ({seen.reason}); "
            "reopen it first"
        )


def latest(database: Database, ontology: Ontology | None = None) -> dict[str, Decision]:
    """The newest decision about each item, by item.

    Args:
        database: the curation store.
        ontology: when given, decisions about labels that it merged count for what replaces them, with number 0.
    """
    newest = select(DECISIONS.c.item, func.max(DECISIONS.c.number).label("number")).group_by(DECISIONS.c.item)
    last = newest.subquery()
    both = (DECISIONS.c.item == last.c.item) & (DECISIONS.c.number == last.c.number)
    statement = select(DECISIONS).join(last, both).order_by(DECISIONS.c.created, DECISIONS.c.item)
    with database.read() as connection:
        found = [_decision(row) for row in connection.execute(statement).mappings()]
    if ontology is None:
        return {decision.item: decision for decision in found}
    about = {decision.item: current_id(decision.item, ontology) for decision in found}
    moved = {about[d.item]: replace(d, item=about[d.item], number=0) for d in found if about[d.item] != d.item}
    # A decision about the label itself goes before one that came with a merged label.
    return moved | {decision.item: decision for decision in found if about[decision.item] == decision.item}


def decisions_about(database: Database, item: str) -> list[Decision]:
    """All decisions about an item, oldest first."""
    with database.read() as connection:
        return _about(connection, item)


def _about(connection: Connection, item: str) -> list[Decision]:
    statement = select(DECISIONS).where(DECISIONS.c.item == item).order_by(DECISIONS.c.number)
    return [_decision(row) for row in connection.execute(statement).mappings()]


def standing(
    items: Iterable[Item], decisions: dict[str, Decision], today: str, failed: Collection[str] = ()
) -> list[Standing]:
    """Items with what was decided about them, in their order.

    Args:
        items: the items of a queue.
        decisions: from :func:`latest`.
        today: ISO date; deferred items whose day has come are open again.
        failed: ids of proposals that came to nothing: rejected, withdrawn, or applied and undone.
    """
    found: list[Standing] = []
    for item in items:
        decision = decisions.get(item.id)
        found.append(Standing(item, decision, decision is None or _open(decision, today, failed)))
    return found


def _open(decision: Decision, today: str, failed: Collection[str]) -> bool:
    match decision.action:
        case Action.PROMOTED:
            return decision.proposal in failed
        case Action.DEFERRED:
            return bool(decision.until) and decision.until <= today
        case Action.REJECTED:
            return False
        case Action.REOPENED:
            return True


def _decision(row: RowMapping) -> Decision:
    return Decision(**{**row, "action": Action(row["action"])})
