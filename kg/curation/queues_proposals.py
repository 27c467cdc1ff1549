"""Items that became proposals, each once."""

from __future__ import annotations

from dataclasses import replace

from kg.curation.change_set import ChangeSet
from kg.curation.decisions import Decision, decide, require_allowed
from kg.curation.proposal import Proposal, Status
from kg.curation.proposals import proposals, propose
from kg.errors import ConflictError
from kg.relational import Database
from kg.store import GraphStore

_OPEN = (Status.DRAFT, Status.PROPOSED, Status.ACCEPTED)


def propose_item(
    database: Database, store: GraphStore, change_set: ChangeSet, decision: Decision, seen: Decision | None, base: int
) -> Decision:
    """Propose what an item becomes, and keep the decision.

    When it was stopped between the two before, the proposal is there already and is not made again.

    Args:
        database: the curation store.
        store: the graph.
        change_set: from :func:`kg.curation.queues_promotion.promote`.
        decision: the promotion, without proposal.
        seen: the newest decision about the item that its reviewer saw.
        base: the revision that the change set was made on.

    Raises:
        UsageError: the decision is not allowed.
        ConflictError: another proposal for the item is open, or somebody decided about it meanwhile.
        ChangeRefusedError: the change set goes against a warning without a reason.
    """
    require_allowed(decision, seen)
    found = open_proposal(database, decision.item, seen)
    if found is None:
        found = propose(database, store, change_set, base)
    elif (seen is not None and seen.proposal == found.id) or not _same_but_date(found.change_set, change_set):
        raise _there_already(decision.item, found)
    return decide(database, replace(decision, proposal=found.id), seen)


def open_proposal(database: Database, item: str, seen: Decision | None) -> Proposal | None:
    """The proposal that makes an item a change and is not applied or closed yet; None for none.

    It is the one that the newest decision names, or, where that was not kept any more, the one whose source says so.
    """
    start, known = f"{item}: ", seen.proposal if seen else ""
    found = proposals(database, _OPEN)
    return next((one for one in found if one.id == known or one.change_set.source.startswith(start)), None)


def require_no_open_proposal(database: Database, item: str, seen: Decision | None) -> None:
    """Check that nothing is proposed for an item.

    Raises:
        ConflictError: something is; it must be withdrawn first.
    """
    found = open_proposal(database, item, seen)
    if found is not None:
        raise _there_already(item, found)


def _there_already(item: str, found: Proposal) -> ConflictError:
    return ConflictError(
        f"{item}: proposal {found.number} by {found.author} is open; review it, or "
        f"`lesionkg ontology withdraw {found.number}` first"
    )


def _same_but_date(one: ChangeSet, other: ChangeSet) -> bool:
    """Whether two change sets make the same changes for the same author, whenever."""
    return one.author == other.author and one.changes == other.changes
