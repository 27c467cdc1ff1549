"""Bringing the curation store in line with the graph, at start-up: the graph decides.

An apply that was killed after the graph took it is noted as done; one that was killed before is noted as rolled back,
and its proposal may be applied again. A proposal whose revision is gone, because an older backup of the graph was
restored, waits to be applied once more. The mirror of the history follows the graph.
"""

from __future__ import annotations

from dataclasses import dataclass

from kg.curation.graph_identity import carried_out, graph_identity
from kg.curation.mirror import Followed, follow
from kg.curation.proposal import EventKind, Proposal, Status
from kg.curation.proposal_application import settle, stopped
from kg.curation.proposals import proposals
from kg.relational import Database
from kg.store import GraphStore


@dataclass(frozen=True)
class Reconciled:
    """What had to be put right.

    Attributes:
        finished: proposals that the graph carries out, which the store did not know.
        rolled_back: proposals whose apply was stopped before the graph took it.
        lost: proposals that were applied, and that the graph no longer carries out.
        mirror: what following the graph did to the mirror.
    """

    finished: tuple[Proposal, ...]
    rolled_back: tuple[Proposal, ...]
    lost: tuple[Proposal, ...]
    mirror: Followed

    def lines(self) -> list[str]:
        """What happened, for people; nothing when all was in order."""
        cut = "its apply was interrupted"
        told = [
            (one, f"{cut}; the graph took it as revision {one.revision}, noted as applied") for one in self.finished
        ]
        told += [(one, f"{cut}; the graph did not take it, rolled back; apply it again") for one in self.rolled_back]
        told += [(one, "the graph no longer holds its revision; accepted again, apply it again") for one in self.lost]
        mirror = ["mirror of the history: did not fit the graph, made anew"] if self.mirror.rebuilt else []
        return [f"proposal {one.number}: {said}" for one, said in told] + mirror


def reconcile(database: Database, store: GraphStore) -> Reconciled:
    """Bring the curation store in line with the graph.

    Raises:
        UsageError: the graph holds no ontology yet.
    """
    graph = store.read_transaction(graph_identity)
    # The store first: what it says was applied was in the graph before, so a graph that lacks it has lost it.
    known = proposals(database, graph=graph)
    done = store.read_transaction(carried_out)
    finished, rolled_back, lost = [], [], []
    for one in reversed(known):
        actor = one.events[-1].actor
        revision = done[one.id].sequence if one.id in done else 0
        if revision and one.revision != revision and (stopped(one) or not one.worker):
            said = f"found in the graph as revision {revision}"
            finished.append(settle(database, one, EventKind.APPLIED, actor, said, revision))
        elif not revision and one.status is Status.APPLIED:
            said = f"the graph no longer holds revision {one.revision}"
            lost.append(settle(database, one, EventKind.LOST, actor, said))
        elif not revision and stopped(one):
            rolled_back.append(settle(database, one, EventKind.ROLLED_BACK, actor, "the graph did not take it"))
    return Reconciled(tuple(finished), tuple(rolled_back), tuple(lost), follow(database, store))


def failed(database: Database, store: GraphStore) -> frozenset[str]:
    """Ids of the proposals that came to nothing: rejected, withdrawn, or applied and taken back."""
    graph = store.read_transaction(graph_identity)
    closed = proposals(database, (Status.REJECTED, Status.WITHDRAWN), graph=graph)
    done = store.read_transaction(carried_out)
    return frozenset({one.id for one in closed} | {name for name, entry in done.items() if not entry.in_force})
