"""What curators decided about items of the review queues: kept by what an item is about, whatever model brought it up.

A decision is never changed or removed; a later one about the same item takes its place. They are kept in the relational
store; the ``review`` of correlations in the graph is a copy (:func:`kg.curation.queues_graph.stamp_reviews`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from sqlalchemy import Column, Engine, Integer, MetaData, RowMapping, Table, Text, func, insert, select
from sqlalchemy.exc import IntegrityError

from kg.curation.queues import Item, current_id, topic_of
from kg.errors import ConflictError, UsageError
from kg.ontology import Ontology

METADATA = MetaData()

DECISIONS = Table(
    "queue_decisions",
    METADATA,
    Column("item", Text, primary_key=True),
    Column("number", Integer, primary_key=True, comment="1 for the first decision about the item."),
    Column("action", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created", Text, nullable=False, comment="ISO 8601, UTC."),
    Column("until", Text, nullable=False, comment="Day on which a deferred item comes back, or empty."),
    Column("proposal", Text, nullable=False, comment="Id of the proposal that an item became, or empty."),
    Column("evidence", Text, nullable=False, comment="The evidence at the time, one line."),
)


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
    """One decision; attributes as in :data:`DECISIONS`."""

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


def decide(engine: Engine, decision: Decision, seen: Decision | None = None) -> Decision:
    """Keep a decision.

    Args:
        engine: the relational store.
        decision: what was decided; its number is given here.
        seen: the newest decision about the item that its reviewer saw; None for none.

    Raises:
        UsageError: no such item, no reviewer or no reason, or it was rejected for good and is not reopened.
        ConflictError: somebody decided about the item meanwhile.
    """
    require_allowed(decision, seen)
    numbered = replace(decision, number=seen.number + 1 if seen else 1)
    METADATA.create_all(engine)
    try:
        with engine.begin() as connection:
            connection.execute(insert(DECISIONS).values(**numbered.as_dict()))
    except IntegrityError as error:
        newest = decisions_about(engine, decision.item)[-1]
        raise ConflictError(
            f"{decision.item}: {newest.reviewer} {newest.action} it on {newest.created[:10]} meanwhile; look again"
        ) from error
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


def latest(engine: Engine, ontology: Ontology | None = None) -> dict[str, Decision]:
    """The newest decision about each item, by item.

    Args:
        engine: the relational store.
        ontology: when given, decisions about labels that it merged count for what replaces them, with number 0.
    """
    METADATA.create_all(engine)
    newest = select(DECISIONS.c.item, func.max(DECISIONS.c.number).label("number")).group_by(DECISIONS.c.item)
    last = newest.subquery()
    both = (DECISIONS.c.item == last.c.item) & (DECISIONS.c.number == last.c.number)
    statement = select(DECISIONS).join(last, both).order_by(DECISIONS.c.created, DECISIONS.c.item)
    with engine.connect() as connection:
        found = [_decision(row) for row in connection.execute(statement).mappings()]
    if ontology is None:
        return {decision.item: decision for decision in found}
    about = {decision.item: current_id(decision.item, ontology) for decision in found}
    moved = {about[d.item]: replace(d, item=about[d.item], number=0) for d in found if about[d.item] != d.item}
    # A decision about the label itself goes before one that came with a merged label.
    return moved | {decision.item: decision for decision in found if about[decision.item] == decision.item}


def decisions_about(engine: Engine, item: str) -> list[Decision]:
    """All decisions about an item, oldest first."""
    METADATA.create_all(engine)
    statement = select(DECISIONS).where(DECISIONS.c.item == item).order_by(DECISIONS.c.number)
    with engine.connect() as connection:
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
