"""What people decide about the ontology in the workbench: proposals to judge and apply, revisions to take back.

Every function that changes something asks for the role first and is written to the audit log.
"""

from __future__ import annotations

from kg.curation import proposal_application
from kg.curation.application import undo as undo_revision
from kg.curation.change_set import ChangeSet
from kg.curation.graph_identity import graph_identity
from kg.curation.history import RevisionEntry, read_revisions
from kg.curation.payload import RevisionKind
from kg.curation.policy import require_reviewer
from kg.curation.preview import Preview
from kg.curation.proposal import Proposal, Status
from kg.curation.proposals import find, proposals, review, withdraw
from kg.errors import UsageError
from kg.graph_cohort import OFFICIAL
from lesionkg.server.audit import Action
from lesionkg.server.people import Role, User
from lesionkg.server.workplace import Workplace
from lesionkg.workbench.ontology_work import previews

OPEN = (Status.DRAFT, Status.PROPOSED, Status.ACCEPTED)
"""Proposals that can still come to something."""


def judge(place: Workplace, user: User, proposal: str, accept: bool, comment: str, seen: int | None = None) -> Proposal:
    """Accept or reject a proposal.

    Raises:
        NotAllowedError: the user is no curator.
        UsageError, ConflictError: as :func:`kg.curation.proposals.review`.
    """
    user.require(Role.CURATOR)
    place.audit.record(user, Action.CHANGE, f"proposal {proposal}", did="accept" if accept else "reject")
    return review(place.database, proposal, accept, user.name, comment, seen)


def carry_out(place: Workplace, user: User, proposal: str) -> Proposal:
    """Apply an accepted proposal.

    Raises:
        NotAllowedError: the user is no curator.
        LesionKGError: as :func:`kg.curation.proposal_application.apply`.
    """
    user.require(Role.CURATOR)
    place.audit.record(user, Action.CHANGE, f"proposal {proposal}", did="apply")
    return proposal_application.apply(place.database, place.store, proposal, user.name).proposal


def take_back(place: Workplace, user: User, proposal: str, comment: str) -> Proposal:
    """Withdraw a proposal.

    Raises:
        NotAllowedError: the user is no curator.
        UsageError, ConflictError: as :func:`kg.curation.proposals.withdraw`.
    """
    user.require(Role.CURATOR)
    place.audit.record(user, Action.CHANGE, f"proposal {proposal}", did="withdraw")
    return withdraw(place.database, proposal, user.name, comment)


def open_proposals(place: Workplace, every: bool = False) -> list[Proposal]:
    """Proposals for this graph, newest first: those that can still come to something, or all."""
    graph = place.store.read_transaction(graph_identity)
    return proposals(place.database, () if every else OPEN, graph=graph)


def proposal_preview(place: Workplace, proposal: str, cohort: str = OFFICIAL) -> Preview:
    """What a proposal would do to the newest revision.

    Raises:
        UsageError: no such proposal.
    """
    found = find(place.database, proposal)
    return previews(place).preview(place.ontology(), found.change_set, found.base, cohort)


def undo_preview(place: Workplace, sequence: int, cohort: str = OFFICIAL) -> tuple[ChangeSet, Preview]:
    """What taking a revision back would change and do.

    Raises:
        UsageError: no such revision, or one that cannot be taken back.
    """
    entry = _entry(place, sequence)
    if entry.change_set is None or entry.kind == RevisionKind.IMPORT:
        raise UsageError(f"revision {sequence}: loaded a whole ontology; it cannot be taken back")
    change_set = ChangeSet(entry.change_set.inverse(), source=f"undo of revision {sequence}")
    return change_set, previews(place).preview(place.ontology(), change_set, sequence, cohort)


def undo(place: Workplace, user: User, sequence: int, reason: str) -> int:
    """Take a revision back; gives the number of the revision that does so.

    Raises:
        NotAllowedError: the user is no curator.
        UsageError: no reason, the policy says that another one reviews, or it cannot be taken back.
        ConflictError: later revisions touched the same.
        ChangeRefusedError: without it a rule would be broken.
    """
    user.require(Role.CURATOR)
    if not reason.strip():
        raise UsageError(f"undo of revision {sequence}: has no reason; give one")
    with place.database.read() as connection:
        require_reviewer(connection, f"undo of revision {sequence}", user.name, [user.name])
    place.audit.record(user, Action.CHANGE, f"revision {sequence}", did="undo")
    return undo_revision(place.store, sequence, user.name, reason).sequence


def _entry(place: Workplace, sequence: int) -> RevisionEntry:
    found = place.store.read_transaction(lambda tx: read_revisions(tx, after=sequence - 1))
    entry = next((one for one in found if one.sequence == sequence), None)
    if entry is None:
        raise UsageError(f"revision {sequence}: there is none; look at the history")
    return entry
