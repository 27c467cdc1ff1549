"""Curators in several processes, through the Bolt of the owner: none lost, none applied twice, history exact."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from pathlib import Path

import pytest
from busy_curators import Done, curate
from made_ontology import LIVER, LUNG, small

from kg.curation.graph_identity import graph_identity
from kg.curation.history import as_of, revisions
from kg.curation.mirror import search
from kg.curation.proposal import EventKind, Status
from kg.curation.proposal_tables import open_curation_at
from kg.curation.proposals import proposals
from kg.curation.reconcile import reconcile
from kg.graph_ontology import load_ontology, save_ontology, verify
from kg.ownership import Ownership
from kg.store import GraphStore

PROCESSES = 4


def work(folder: Path, address: str, each: int, contested: int) -> list[Done]:
    """Let the curators work; what they say they applied."""
    spawn = multiprocessing.get_context("spawn")
    pipes = [spawn.Pipe(duplex=False) for _ in range(PROCESSES)]
    curators = [
        spawn.Process(target=curate, args=(folder, address, f"curator {i}", each, contested, answer))
        for i, (_, answer) in enumerate(pipes)
    ]
    for curator in curators:
        curator.start()
    for _, answer in pipes:
        answer.close()  # so that a curator who dies ends the waiting
    answers = [question.recv() for question, _ in pipes]
    for curator in curators:
        curator.join(timeout=60)
        assert curator.exitcode == 0
    return [one for done, _ in answers for one in done]


def check(store: GraphStore, address: str, done: list[Done], each: int, contested: int) -> None:
    """Check that what was applied is in the graph, once, and that all accounts of it agree."""
    with open_curation_at(address) as database:
        made = proposals(database)
        applied = [one for one in made if one.status is Status.APPLIED]
        assert len(applied) == PROCESSES * each + contested
        entries = revisions(store)
        assert [entry.sequence for entry in entries] == list(range(len(applied) + 1, 0, -1))
        carried = {entry.proposal: entry.sequence for entry in entries if entry.proposal}
        assert carried == {one.id: one.revision for one in applied}
        assert {(proposal, revision) for proposal, revision, _ in done} == set(carried.items())
        first = Counter(proposal for proposal, _, already in done if not already)
        assert set(first) <= set(carried) and set(first.values()) <= {1}, "nobody applied what another had applied"
        by_id = {one.id: one for one in applied}
        for entry in entries[:-1]:
            assert entry.change_set is not None
            assert entry.change_set.changes == by_id[entry.proposal].change_set.changes
        for one in made:
            assert one.worker == ""
            kinds = Counter(event.kind for event in one.events)
            assert kinds[EventKind.APPLIED] == (one.status is Status.APPLIED)
        assert reconcile(database, store).lines() == []
        assert search(database, store.read_transaction(graph_identity)) == entries
    verify(store)
    ontology = load_ontology(store)
    assert as_of(store, len(applied) + 1) == ontology
    before = {label.id: {s.text for s in label.synonyms} for label in small().labels}
    now = {label.id: {s.text for s in label.synonyms} for label in ontology.labels}
    assert now[LUNG] - before[LUNG] == {f"curator {i} {j}" for i in range(PROCESSES) for j in range(each)}
    assert now[LIVER] - before[LIVER] == {f"contested {j}" for j in range(contested)}


@pytest.mark.parametrize(
    "curation_address", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)
def test_a_few_changes_of_four_curators(
    bolt_store: GraphStore, served: tuple[Path, Ownership], curation_address: str
) -> None:
    save_ontology(bolt_store, small(), author="importer")
    check(bolt_store, curation_address, work(served[0], curation_address, 3, 2), 3, 2)


@pytest.mark.slow
def test_two_hundred_changes_of_four_curators(
    bolt_store: GraphStore, served: tuple[Path, Ownership], curation_address: str
) -> None:
    save_ontology(bolt_store, small(), author="importer")
    check(bolt_store, curation_address, work(served[0], curation_address, 45, 20), 45, 20)
