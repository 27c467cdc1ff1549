"""Carrying a proposal out: noted in the curation store, done in the graph, noted as done.

The graph decides: its revision bears the id of the proposal, in the transaction that changes the ontology. A process
that is killed in between leaves a note that it began; :func:`kg.curation.reconcile.reconcile` asks the graph.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from kg.curation.application import apply_changes
from kg.curation.assessment import Assessment
from kg.curation.policy import require_reviewer
from kg.curation.proposal import Event, EventKind, Proposal, Status
from kg.curation.proposal_store import change, locked, now
from kg.curation.proposal_tables import PROPOSALS
from kg.curation.proposals import require_same_graph
from kg.curation.texts import require_line
from kg.errors import ConflictError, OntologyError, StaleRevisionError, UsageError
from kg.ownership import Ownership
from kg.relational import Database
from kg.store import GraphStore

_LONGEST = timedelta(minutes=10)
"""No apply takes so long; one that began earlier was stopped, wherever it ran."""

_GONE = "gone"
"""Stands for a worker that gave up without knowing whether the graph took the change."""


@dataclass(frozen=True)
class AppliedProposal:
    """A proposal that was carried out.

    Attributes:
        proposal: the proposal afterwards.
        already: it had been carried out before; nothing was done.
        assessment: what the rules said; None when it had been carried out before.
    """

    proposal: Proposal
    already: bool
    assessment: Assessment | None


def apply(database: Database, store: GraphStore, proposal: str, actor: str) -> AppliedProposal:
    """Carry out an accepted proposal: one graph transaction, once, however often and by whomever it is asked for.

    Args:
        database: the curation store.
        store: the graph.
        proposal: number or id.
        actor: who applies it.

    Raises:
        UsageError: no such proposal, nobody named, or the policy says that another must review it first.
        ConflictError: it is not accepted, another process applies it, it was made for another graph, or a newer
            revision touched the same facts; the graph is as before.
        ChangeRefusedError: the rules refuse it now; the graph is as before.
        OntologyError, StaleRevisionError: as :func:`kg.curation.application.apply_changes`.
    """
    found = _begin(database, proposal, actor)
    if found.status is Status.APPLIED:
        return AppliedProposal(found, already=True, assessment=None)
    try:
        require_same_graph(store, found)
        change_set = replace(found.change_set, review=_review(found))
        applied = apply_changes(store, change_set, found.base, found.id)
    except (ConflictError, OntologyError, StaleRevisionError, UsageError) as error:
        settle(database, found, EventKind.REFUSED, actor, str(error))
        raise
    except BaseException:
        _give_up(database, found)
        raise
    done = settle(database, found, EventKind.APPLIED, actor, "", applied.sequence)
    return AppliedProposal(done, applied.already, applied.assessment)


def settle(
    database: Database, proposal: Proposal, kind: EventKind, actor: str, comment: str, revision: int = 0
) -> Proposal:
    """Note how an apply ended; nothing when it is noted already, or no longer so.

    Args:
        database: the curation store.
        proposal: the proposal as it was seen.
        kind: ``APPLIED``, ``REFUSED``, ``ROLLED_BACK`` or ``LOST``.
        actor: who applied it.
        comment: what was said.
        revision: the revision that carries it out; 0 for none.
    """
    with database.write() as connection:
        found = locked(connection, proposal.id, tuple(Status), while_applied=True)
        if not _ends(found, proposal, kind, revision):
            return found
        status = Status.APPLIED if revision else Status.ACCEPTED
        event = Event(len(found.events) + 1, kind, actor, now(), comment, status, revision)
        return change(connection, found, event, worker="", working_since="")


def stopped(proposal: Proposal) -> bool:
    """Whether an apply began that nobody works at any more."""
    if not proposal.worker:
        return False
    host, _, pid = proposal.worker.rpartition("/")
    if proposal.worker == _GONE or (host == socket.gethostname() and not Ownership(int(pid)).alive):
        return True
    return datetime.now(UTC) - datetime.fromisoformat(proposal.working_since) > _LONGEST


def _ends(found: Proposal, seen: Proposal, kind: EventKind, revision: int) -> bool:
    """Whether an event still says something new: another process may have noted the same, or gone on, meanwhile."""
    match kind:
        case EventKind.APPLIED:
            return found.revision != revision
        case EventKind.LOST:
            return found.revision == seen.revision != 0
        case _:
            return (found.worker, found.working_since) == (seen.worker, seen.working_since)


def _begin(database: Database, proposal: str, actor: str) -> Proposal:
    if not actor.strip():
        raise UsageError(f"proposal {proposal}: somebody must answer for this; give a name")
    require_line(actor)
    with database.write() as connection:
        found = locked(connection, proposal, (Status.ACCEPTED, Status.APPLIED), while_applied=True)
        if found.status is Status.APPLIED:
            return found
        if found.worker and not stopped(found):
            raise ConflictError(
                f"proposal {found.number}: {found.events[-1].actor} is applying it; look again in a moment"
            )
        reviewer = found.review.actor if found.review else ""
        require_reviewer(connection, f"proposal {found.number}", reviewer, found.authors)
        began = now()
        event = Event(len(found.events) + 1, EventKind.BEGAN, actor, began, "", Status.ACCEPTED)
        return change(connection, found, event, worker=f"{socket.gethostname()}/{os.getpid()}", working_since=began)


def _give_up(database: Database, proposal: Proposal) -> None:
    with database.write() as connection:
        connection.execute(update(PROPOSALS).where(PROPOSALS.c.number == proposal.number).values(worker=_GONE))


def _review(proposal: Proposal) -> str:
    """Who accepted it, and what was said, in one line."""
    accepted = proposal.review
    assert accepted is not None, "an accepted proposal has an acceptance"
    said = f": {' '.join(accepted.comment.split())}" if accepted.comment.strip() else ""
    return f"{accepted.actor}, {accepted.created[:10]}{said}"
