"""Deciding about an item of a review queue: promote, defer, reject, reopen; and taking the last decision back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from kg.curation.decisions import Action, Decision, Standing, decide, latest, require_allowed
from kg.curation.edits import new_label_id
from kg.curation.proposal import Status
from kg.curation.proposals import find, proposals, withdraw
from kg.curation.queues_graph import stamp_reviews
from kg.curation.queues_promotion import Choice, promote
from kg.curation.queues_proposals import propose_item, require_no_open_proposal
from kg.curation.queues_text import why
from kg.errors import ConflictError, UsageError
from kg.relational import Database
from kg.store import GraphStore
from queries.kept import Kept
from queries.review_board import Board

_OPEN = (Status.DRAFT, Status.PROPOSED, Status.ACCEPTED)


def promote_item(
    database: Database,
    store: GraphStore,
    board: Board,
    seen: Standing,
    reviewer: str,
    reason: str,
    choice: Choice,
) -> Decision:
    """Propose what an item becomes, and keep the decision.

    Args:
        database: the curation store.
        store: the graph.
        board: the queues as the reviewer saw them.
        seen: the item as the reviewer saw it.
        reviewer: who decides.
        reason: why.
        choice: what the reviewer adds to the evidence.

    Raises:
        ChangeRefusedError: the evidence carries no such change, or it would break a rule.
        ConflictError: somebody decided about the item meanwhile, or a proposal for it is open.
        UsageError: no reason, a choice is missing, or the item was rejected for good.
    """
    made = _decision(seen, Action.PROMOTED, reviewer, reason)
    require_allowed(made, seen.decision)
    _require_unchanged(database, board, seen)
    ontology = board.gathered.sources.lesions.ontology
    if choice.label_class is not None and not choice.new_id:
        proposed = {label for one in proposals(database) for label in one.change_set.labels}
        choice = replace(choice, new_id=new_label_id(ontology, proposed))
    change_set = promote(seen.item, ontology, reviewer, made.created, reason, choice)
    return propose_item(database, store, change_set, made, seen.decision, board.gathered.sources.revision)


def defer_item(database: Database, seen: Standing, reviewer: str, reason: str, until: str) -> Decision:
    """Put an item off until a day, or until somebody reopens it when the day is empty.

    Raises:
        ConflictError: as :func:`promote_item`.
        UsageError: no reason, no such day, one that is past, or the item was rejected for good.
    """
    made = _decision(seen, Action.DEFERRED, reviewer, reason)
    require_no_open_proposal(database, seen.item.id, seen.decision)
    return decide(database, replace(made, until=_day(until)), seen.decision)


def reject_item(database: Database, seen: Standing, reviewer: str, reason: str) -> Decision:
    """Reject an item for good.

    Raises:
        ConflictError, UsageError: as :func:`defer_item`.
    """
    made = _decision(seen, Action.REJECTED, reviewer, reason)
    require_no_open_proposal(database, seen.item.id, seen.decision)
    return decide(database, made, seen.decision)


def take_back(database: Database, seen: Decision, reviewer: str) -> Decision:
    """Take a decision back, so that its item waits again; the open proposal that it made is withdrawn.

    Raises:
        ConflictError: somebody decided about the item meanwhile, or its proposal is applied or being applied.
        UsageError: it is taken back already.
    """
    if seen.action is Action.REOPENED:
        raise UsageError(f"{seen.item}: is open already; nothing to take back")
    if seen.proposal:
        found = find(database, seen.proposal)
        if found.status is Status.APPLIED:
            raise ConflictError(
                f"{seen.item}: proposal {found.number} is applied as revision {found.revision}; undo that revision in "
                "the history of the ontology, and the item waits again"
            )
        if found.status in _OPEN:
            withdraw(database, seen.proposal, reviewer, "the decision was taken back")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    back = Decision(seen.item, Action.REOPENED, reviewer, f"takes back: {seen.action}", now, evidence=seen.evidence)
    return decide(database, back, seen)


def stamp(kept: Kept, database: Database, board: Board) -> int:
    """Copy the decisions to the correlations of the graph; returns how many changed."""
    ontology = board.gathered.sources.lesions.ontology
    return kept.through(lambda: stamp_reviews(kept.store, latest(database, ontology)))


def _decision(seen: Standing, action: Action, reviewer: str, reason: str) -> Decision:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Decision(seen.item.id, action, reviewer, reason.strip(), now, evidence=why(seen.item))


def _require_unchanged(database: Database, board: Board, seen: Standing) -> None:
    """Find out that somebody decided meanwhile before a proposal is made, not after.

    Raises:
        ConflictError: somebody did.
    """
    newest = latest(database, board.gathered.sources.lesions.ontology).get(seen.item.id)
    if newest is not None and newest != seen.decision:
        raise ConflictError(
            f"{seen.item.id}: {newest.reviewer} {newest.action} it on {newest.created[:10]} meanwhile; look again"
        )


def _day(until: str) -> str:
    if not until:
        return ""
    try:
        day = date.fromisoformat(until)
    except ValueError as error:
        raise UsageError(f"until {until!r}: no day; write YYYY-MM-DD") from error
    if day <= datetime.now(UTC).date():
        raise UsageError(f"until {until}: is past; give a day to come, or none")
    return day.isoformat()
