"""Start-up brings the curation store in line with the graph: the graph decides, and what was put right is told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made_ontology import LIVER, LUNG, small
from proposed import accepted, by, rename, synonym
from sqlalchemy import text

from kg.curation.application import apply_changes, undo
from kg.curation.history import revisions
from kg.curation.proposal import EventKind, Proposal, Status
from kg.curation.proposal_application import _begin, apply
from kg.curation.proposals import find, proposals, propose, review, withdraw
from kg.curation.reconcile import failed, reconcile
from kg.embedded import open_folder
from kg.errors import ConflictError, StoreError
from kg.graph_ontology import save_ontology
from kg.relational import Database
from kg.store import GraphStore


@pytest.fixture
def store(embedded_store: GraphStore) -> GraphStore:
    """A graph that holds the made ontology as revision 1."""
    save_ontology(embedded_store, small(), author="importer")
    return embedded_store


def work_of(database: Database, proposal: Proposal, worker: str, since: datetime | None = None) -> None:
    """Leave a note as if another process applied a proposal."""
    _begin(database, proposal.id, "ann")
    with database.write() as connection:
        connection.execute(
            text("UPDATE proposals SET worker = :worker, working_since = :since WHERE number = :number"),
            {
                "worker": worker,
                "since": (since or datetime.now(UTC)).isoformat(timespec="milliseconds"),
                "number": proposal.number,
            },
        )


def dead_process() -> str:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return f"{os.uname().nodename}/{process.pid}"


def test_nothing_to_put_right_is_not_told(database: Database, store: GraphStore) -> None:
    apply(database, store, accepted(database, store, by("ann", synonym(LUNG, "pulmo"))).id, "ann")
    reconcile(database, store)
    found = reconcile(database, store)
    assert (found.lines(), found.finished, found.rolled_back, found.lost) == ([], (), (), ())
    assert (found.mirror.added, found.mirror.rebuilt) == (0, False)


def test_what_a_dead_process_left_is_finished_or_rolled_back(database: Database, store: GraphStore) -> None:
    took, not_yet = (accepted(database, store, by("ann", synonym(LUNG, text))) for text in ("pulmo", "pulmones"))
    apply_changes(store, took.change_set, took.base, took.id)
    for one in (took, not_yet):
        work_of(database, one, dead_process())
    found = reconcile(database, store)
    assert found.lines() == [
        "proposal 1: its apply was interrupted; the graph took it as revision 2, noted as applied",
        "proposal 2: its apply was interrupted; the graph did not take it, rolled back; apply it again",
    ]
    assert (find(database, "1").status, find(database, "1").revision) == (Status.APPLIED, 2)
    assert [event.kind for event in find(database, "2").events[-2:]] == [EventKind.BEGAN, EventKind.ROLLED_BACK]
    assert reconcile(database, store).lines() == []
    assert apply(database, store, "2", "bob").proposal.revision == 3


def test_a_living_process_is_left_alone(database: Database, store: GraphStore) -> None:
    proposal = accepted(database, store, by("ann", synonym(LUNG, "pulmo")))
    for worker in (f"{os.uname().nodename}/{os.getpid()}", "another-host/7"):
        work_of(database, proposal, worker)
        assert reconcile(database, store).lines() == []
        with pytest.raises(ConflictError, match="ann is applying it"):
            withdraw(database, proposal.id, "bob")
        with database.write() as connection:
            connection.execute(text("UPDATE proposals SET worker = ''"))
    work_of(database, proposal, "another-host/7", datetime.now(UTC) - timedelta(hours=1))
    assert len(reconcile(database, store).rolled_back) == 1


def test_an_apply_that_was_stopped_half_way_in_a_living_process_is_settled(
    database: Database, store: GraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = accepted(database, store, by("ann", synonym(LUNG, "pulmo")))

    def stopped(*arguments: object) -> object:
        apply_changes(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr("kg.curation.proposal_application.apply_changes", stopped)
    with pytest.raises(KeyboardInterrupt):
        apply(database, store, proposal.id, "ann")
    monkeypatch.undo()
    assert find(database, proposal.id).status is Status.ACCEPTED
    assert [one.number for one in reconcile(database, store).finished] == [1]
    assert apply(database, store, proposal.id, "ann").already
    assert len(revisions(store)) == 2


def test_an_error_of_the_graph_after_its_commit_does_not_apply_twice(
    database: Database, store: GraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection broke after the commit: asked to apply again, the graph says that it took it."""
    proposal = accepted(database, store, by("ann", synonym(LUNG, "pulmo")))
    calls: list[object] = []

    def broken(*arguments: object) -> object:
        calls.append(arguments)
        applied = apply_changes(*arguments)  # type: ignore[arg-type]
        if len(calls) == 1:
            raise StoreError("graph: the connection broke")
        return applied

    monkeypatch.setattr("kg.curation.proposal_application.apply_changes", broken)
    with pytest.raises(StoreError, match="the connection broke"):
        apply(database, store, proposal.id, "ann")
    done = apply(database, store, proposal.id, "ann")
    assert (done.already, done.proposal.status, done.proposal.revision) == (True, Status.APPLIED, 2)
    assert len(revisions(store)) == 2


def test_applying_again_finishes_what_was_interrupted(database: Database, store: GraphStore) -> None:
    proposal = accepted(database, store, by("ann", synonym(LUNG, "pulmo")))
    apply_changes(store, proposal.change_set, proposal.base, proposal.id)
    work_of(database, proposal, dead_process())
    again = apply(database, store, proposal.id, "bob")
    assert (again.already, again.proposal.status, again.proposal.revision) == (True, Status.APPLIED, 2)


def test_a_restored_older_backup_has_its_proposals_applied_once_more(
    database: Database, empty_graph_folder: Path, tmp_path: Path
) -> None:
    folder, backup = tmp_path / "graph", tmp_path / "backup"
    shutil.copytree(empty_graph_folder, folder)
    with open_folder(folder) as store:
        save_ontology(store, small(), author="importer")
        apply(database, store, accepted(database, store, by("ann", synonym(LUNG, "pulmo"))).id, "ann")
    shutil.copytree(folder, backup)
    with open_folder(folder) as store:
        apply(database, store, accepted(database, store, by("ann", rename(LUNG, "lung", "lungs"))).id, "ann")
        reconcile(database, store)
    with open_folder(backup) as store:
        found = reconcile(database, store)
        assert found.lines() == [
            "proposal 2: the graph no longer holds its revision; accepted again, apply it again",
            "mirror of the history: did not fit the graph, made anew",
        ]
        assert find(database, "1").status is Status.APPLIED
        assert apply(database, store, "2", "bob").proposal.revision == 3
        kinds = [event.kind.value for event in find(database, "2").events]
        assert kinds == ["created", "accepted", "began", "applied", "lost", "began", "applied"]


def test_proposals_for_another_graph_stay_as_they_are(
    database: Database, store: GraphStore, empty_graph_folder: Path, tmp_path: Path
) -> None:
    import graphs

    apply(database, store, accepted(database, store, by("ann", synonym(LUNG, "pulmo"))).id, "ann")
    with graphs.fresh(empty_graph_folder, tmp_path / "other") as other:
        save_ontology(other, small(), author="somebody else")
        assert reconcile(database, other).lines() == []
    assert find(database, "1").status is Status.APPLIED


def test_proposals_that_came_to_nothing(database: Database, store: GraphStore) -> None:
    for number in range(5):
        accepted(database, store, by("ann", synonym(LIVER, f"hepar {number}")))
    review(database, "1", False, "bob", "no")
    withdraw(database, "2", "ann")
    for number in ("3", "4"):
        apply(database, store, number, "ann")
    undo(store, find(database, "3").revision, "ann", "a mistake")
    ids = {one.number: one.id for one in proposals(database)}
    assert failed(database, store) == {ids[1], ids[2], ids[3]}
    undo(store, revisions(store)[0].sequence, "ann", "it was none")
    assert failed(database, store) == {ids[1], ids[2]}
    assert propose(database, store, by("ann", synonym(LUNG, "x"))).id not in failed(database, store)
