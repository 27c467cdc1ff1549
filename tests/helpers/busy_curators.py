"""A curator in a process of its own, who proposes, accepts and applies changes of the made ontology; synthetic."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

from made_ontology import LIVER, LUNG
from proposed import accepted, by, synonym

from kg.connect import open_store
from kg.curation.proposal import Status
from kg.curation.proposal_application import apply
from kg.curation.proposal_tables import open_curation_at
from kg.curation.proposals import proposals
from kg.errors import ChangeRefusedError, ConflictError
from kg.relational import Database
from kg.store import GraphStore

Done = tuple[str, int, bool]
"""Id of a proposal, the revision that carries it out, and whether it had been applied already."""


def curate(folder: Path, address: str, name: str, number: int, contested: int, answer: Connection) -> None:
    """Work, and answer with what was applied.

    Args:
        folder: a graph folder that another process serves.
        address: of the curation store.
        name: of the curator.
        number: changes that nobody else makes.
        contested: changes that everybody makes, so that one of all goes through.
        answer: where to send a list of :data:`Done`, and how many were refused.
    """
    done: list[Done] = []
    refused = 0
    with open_store(folder) as store, open_curation_at(address) as database:
        for i in range(number):
            done.append(_apply(database, store, accepted(database, store, by(name, synonym(LUNG, f"{name} {i}"))).id))
        for i in range(contested):
            try:
                one = accepted(database, store, by(name, synonym(LIVER, f"contested {i}")))
                done.append(_apply(database, store, one.id))
            except (ConflictError, ChangeRefusedError):
                refused += 1
        for one in proposals(database, (Status.ACCEPTED, Status.APPLIED)):  # everybody applies everything once more
            try:
                done.append(_apply(database, store, one.id))
            except (ConflictError, ChangeRefusedError):
                refused += 1
    answer.send((done, refused))


def _apply(database: Database, store: GraphStore, proposal: str) -> Done:
    applied = apply(database, store, proposal, "whoever")
    return proposal, applied.proposal.revision, applied.already
