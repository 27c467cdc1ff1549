"""Proposals: change sets apart from the truth until somebody accepted and applied them.

A proposal is made by :func:`propose`, judged by :func:`review`, and carried out by
:func:`kg.curation.proposal_application.apply`. Whatever happens to it is an event that stays, with who did it when::

    draft --submit--> proposed --accept--> accepted --apply--> applied
                      proposed --reject--> rejected

Until it is applied or rejected it can be revised (earlier reviews then count no more) and withdrawn.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, insert

from kg.curation.assessment import assess, require_sound
from kg.curation.change_set import ChangeSet
from kg.curation.graph_identity import graph_identity
from kg.curation.policy import require_reviewer
from kg.curation.proposal import Event, EventKind, Proposal, Status
from kg.curation.proposal_store import (
    add_event,
    change,
    find,
    locked,
    now,
    proposals,
    read_one,
    require_status,
)
from kg.curation.proposal_tables import PROPOSALS
from kg.curation.texts import require_line, require_readable, require_text
from kg.errors import ChangeRefusedError, ConflictError, UsageError
from kg.relational import Database
from kg.revision import verified
from kg.store import GraphStore, Transaction

__all__ = ["find", "proposals", "propose", "require_same_graph", "review", "revise", "submit", "withdraw"]

Beside = Callable[[Connection, Proposal], None]
"""Writes something of its own in the transaction of a step: both happen or neither."""

_OPEN = (Status.DRAFT, Status.PROPOSED, Status.ACCEPTED)


def propose(
    database: Database,
    store: GraphStore,
    change_set: ChangeSet,
    base: int | None = None,
    draft: bool = False,
    beside: Beside | None = None,
) -> Proposal:
    """Keep a change set as a proposal; the graph stays as it is.

    Args:
        database: the curation store.
        store: the graph that it shall change.
        change_set: the changes; its author answers for them. It is dated now when it has no date.
        base: the revision it was made on; the newest when None.
        draft: keep it whatever the rules say; :func:`submit` asks them.
        beside: what is written with it, or neither.

    Raises:
        UsageError: no author or no reason, or the graph has no such revision.
        ConflictError: what it changes is not there any more.
        ChangeRefusedError: it breaks a rule, goes against a warning without a reason, or changes nothing.
    """
    change_set = _dated(change_set)
    graph, base, base_hash = store.read_transaction(lambda tx: _judged(tx, change_set, base, draft))
    status = Status.DRAFT if draft else Status.PROPOSED
    created = now()
    row = {
        "token": secrets.token_hex(4),
        "graph": graph,
        "base": base,
        "base_hash": base_hash,
        "status": status.value,
        "author": change_set.author,
        "created": created,
        "revision": 0,
        "changes": change_set.to_json(),
        "worker": "",
        "working_since": "",
    }
    with database.write() as connection:
        number = connection.execute(insert(PROPOSALS).returning(PROPOSALS.c.number), row).scalar_one()
        made = Event(1, EventKind.CREATED, change_set.author, created, change_set.reason, status, 0, change_set)
        add_event(connection, number, made)
        kept = read_one(connection, str(number))
        if beside:
            beside(connection, kept)
        return kept


def revise(
    database: Database,
    store: GraphStore,
    proposal: str,
    change_set: ChangeSet,
    base: int | None = None,
    seen: int | None = None,
    comment: str = "",
) -> Proposal:
    """Put another change set in place of a proposal's; a draft stays a draft, others wait for a review again.

    Args:
        database: the curation store.
        store: the graph.
        proposal: number or id.
        change_set: the new changes; its author is who revises.
        base: the revision they were made on; the newest when None.
        seen: how many events the author saw; more than these is a conflict.
        comment: why.

    Raises:
        UsageError: as :func:`propose`, or no such proposal.
        ConflictError: as :func:`propose`, it is closed or being applied, or something happened to it meanwhile.
        ChangeRefusedError: as :func:`propose`.
    """
    change_set = _dated(change_set)
    known = find(database, proposal)
    require_status(known, _OPEN)
    draft = known.status is Status.DRAFT
    graph, base, base_hash = store.read_transaction(lambda tx: _judged(tx, change_set, base, draft))
    with database.write() as connection:
        found = locked(connection, proposal, _OPEN, seen)
        if (found.status is Status.DRAFT) is not draft:
            raise ConflictError(f"proposal {found.number}: is {found.status} since a moment; look again")
        status = Status.DRAFT if draft else Status.PROPOSED
        values = {"graph": graph, "base": base, "base_hash": base_hash, "changes": change_set.to_json()}
        return _move(connection, found, EventKind.REVISED, change_set.author, comment, status, change_set, **values)


def submit(database: Database, store: GraphStore, proposal: str, actor: str) -> Proposal:
    """Ask for a review of a draft.

    Raises:
        UsageError: no such proposal, or nobody named.
        ConflictError: it is no draft, was made for another graph, or what it changes is not there any more.
        ChangeRefusedError: as :func:`propose`.
    """
    draft = find(database, proposal)
    require_status(draft, (Status.DRAFT,))
    require_same_graph(store, draft)
    store.read_transaction(lambda tx: _judged(tx, draft.change_set, draft.base, draft=False))
    with database.write() as connection:
        found = locked(connection, proposal, (Status.DRAFT,), len(draft.events))
        return _move(connection, found, EventKind.SUBMITTED, actor, "", Status.PROPOSED)


def review(
    database: Database,
    proposal: str,
    accept: bool,
    reviewer: str,
    comment: str = "",
    seen: int | None = None,
    beside: Beside | None = None,
) -> Proposal:
    """Accept or reject a proposal. One that was accepted can still be rejected until it is applied.

    Args:
        database: the curation store.
        proposal: number or id.
        accept: yes or no.
        reviewer: who decides.
        comment: why; a rejection needs one.
        seen: how many events the reviewer saw; more than these is a conflict.
        beside: what is written with the decision, or neither.

    Raises:
        UsageError: no such proposal, nobody named, no reason for a rejection, or an author where the policy says that
            the reviewer differs.
        ConflictError: it waits for no review, is being applied, or something happened to it meanwhile.
    """
    with database.write() as connection:
        allowed = (Status.PROPOSED,) if accept else (Status.PROPOSED, Status.ACCEPTED)
        found = locked(connection, proposal, allowed, seen)
        if accept:
            require_reviewer(connection, f"proposal {found.number}", reviewer, found.authors)
            done = _move(connection, found, EventKind.ACCEPTED, reviewer, comment, Status.ACCEPTED)
        elif comment.strip():
            done = _move(connection, found, EventKind.REJECTED, reviewer, comment, Status.REJECTED)
        else:
            raise UsageError(f"proposal {found.number}: a rejection needs a reason; give a comment")
        if beside:
            beside(connection, done)
        return done


def withdraw(database: Database, proposal: str, actor: str, comment: str = "") -> Proposal:
    """Take a proposal back before it is applied.

    Raises:
        UsageError: no such proposal, or nobody named.
        ConflictError: it is closed, or being applied.
    """
    with database.write() as connection:
        found = locked(connection, proposal, _OPEN)
        return _move(connection, found, EventKind.WITHDRAWN, actor, comment, Status.WITHDRAWN)


def require_same_graph(store: GraphStore, proposal: Proposal) -> None:
    """Check that a graph is the one that a proposal was made for, and holds the revision it was made on.

    Raises:
        ConflictError: it is not.
    """

    def check(tx: Transaction) -> bool:
        rows = tx.run(
            "MATCH (r:Revision {sequence: $base}) RETURN r.ontology_hash AS hash ORDER BY hash",
            {"base": proposal.base},
        )
        return graph_identity(tx) == proposal.graph and [row["hash"] for row in rows] == [proposal.base_hash]

    if not store.read_transaction(check):
        raise ConflictError(
            f"proposal {proposal.number}: was made for another graph, or on a revision {proposal.base} that this one "
            "no longer has; withdraw it and propose it anew"
        )


def _move(
    connection: Connection,
    found: Proposal,
    kind: EventKind,
    actor: str,
    comment: str,
    status: Status,
    change_set: ChangeSet | None = None,
    **values: Any,
) -> Proposal:
    if not actor.strip():
        raise UsageError(f"proposal {found.number}: somebody must answer for this; give a name")
    require_line(actor)
    require_text(comment)
    event = Event(len(found.events) + 1, kind, actor, now(), comment, status, 0, change_set)
    return change(connection, found, event, **values, **({"author": actor} if change_set else {}))


def _dated(change_set: ChangeSet) -> ChangeSet:
    for name in ("author", "reason"):
        if not getattr(change_set, name).strip():
            raise UsageError(f"proposal: has no {name}; give one")
    require_readable(change_set)
    return change_set if change_set.created else replace(change_set, created=now())


def _judged(tx: Transaction, change_set: ChangeSet, base: int | None, draft: bool) -> tuple[str, int, str]:
    """The graph, the revision that a change set was made on and its hash, once the rules allow the change set."""
    head, ontology = verified(tx)
    if not draft:
        assessment = assess(ontology, change_set)
        if assessment.after == ontology and assessment.after.notices == ontology.notices:
            raise ChangeRefusedError("change set: changes nothing; leave it out")
        require_sound(assessment, change_set)
    made_on = tx.run(
        "MATCH (r:Revision {sequence: $base}) RETURN r.sequence AS sequence, r.ontology_hash AS hash ORDER BY hash",
        {"base": head.sequence if base is None else base},
    )
    if not made_on:
        raise UsageError(f"revision {base}: there is none, the newest is {head.sequence}; make the change on that one")
    return graph_identity(tx), made_on[0]["sequence"], made_on[0]["hash"]
