"""Changes in the making: they pile up, wait for whoever began them, and only curators may touch them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from kg.curation import composites, edits
from kg.curation.pending import entries_of
from kg.curation.proposal import Status
from kg.curation.proposal_tables import open_curation
from kg.errors import ChangeRefusedError, ConflictError, InputError, UsageError
from kg.graph_ontology import load_ontology, save_ontology
from kg.ontology import Ontology
from kg.relational import Database
from kg.shipped import load_shipped
from kg.store import GraphStore
from lesionkg.server.audit import Audit
from lesionkg.server.people import NotAllowedError, Role, User
from lesionkg.server.workplace import Workplace
from lesionkg.workbench import ontology_decisions, ontology_work

CARLA, OTTO, RITA = User("carla", Role.CURATOR), User("otto", Role.CURATOR), User("rita", Role.READER)


@dataclass(eq=False)
class Made:
    """As much of a workplace as changes need."""

    store: GraphStore
    database: Database
    audit: Audit

    def ontology(self) -> Ontology:
        return load_ontology(self.store)


@pytest.fixture
def place(embedded_store: GraphStore, tmp_path: Path) -> Iterator[Workplace]:
    save_ontology(embedded_store, load_shipped())
    with open_curation(tmp_path) as database:
        yield cast("Workplace", Made(embedded_store, database, Audit(database)))


def pair(ontology: Ontology) -> Any:
    return edits.add_exclusive(ontology, "cyst", "mass")


def test_changes_pile_up_rest_on_one_another_and_are_applied_together(place: Workplace) -> None:
    ontology_work.add(place, CARLA, pair)
    ontology_work.add(place, CARLA, lambda o: edits.rename(o, "cyst", "cystic lesion"))
    worked = ontology_work.add(place, CARLA, lambda o: composites.deprecate(o, "cystic lesion", "fluid"))
    assert len(worked.changes) == 3 and not worked.problem
    assert entries_of(worked.pending.text) == worked.pending.entries
    assert ontology_work.worked(place, OTTO).pending.entries == (), "each has his own"
    with pytest.raises(UsageError, match="no reason"):
        ontology_work.save(place, CARLA, apply=True)
    ontology_work.explain(place, CARLA, "why", "a book")
    with pytest.raises(ChangeRefusedError, match="deprecated-relation"):
        ontology_work.save(place, CARLA, apply=True)
    ontology_work.explain(place, CARLA, "why", "a book", {"deprecated-relation": "old lesions keep it"})
    kept = ontology_work.save(place, CARLA, apply=True)
    assert (kept.status, kept.revision, kept.author) == (Status.APPLIED, 2, "carla")
    after = place.ontology()
    assert after.by_name["cystic lesion"].replaced_by == after.by_name["fluid"].id
    new = next(p for p in after.exclusive_pairs if p.author == "carla")
    assert new.source == "a book" and new.created
    assert ontology_work.count_entries(place, CARLA) == 0


def test_who_was_slower_is_told_and_leaves_nothing_behind(place: Workplace) -> None:
    for person, name in ((CARLA, "cystic"), (OTTO, "cystic lesion")):
        ontology_work.add(place, person, lambda o, name=name: edits.rename(o, "cyst", name))
        ontology_work.explain(place, person, "why", "a book")
    ontology_work.save(place, OTTO, apply=True)
    found = ontology_work.preview(place, CARLA)
    assert found.conflict and [entry.author for entry in found.faster] == ["otto"]
    with pytest.raises(ConflictError):
        ontology_work.save(place, CARLA, apply=True)
    assert ontology_decisions.open_proposals(place) == []
    assert ontology_work.count_entries(place, CARLA) == 1, "what she wrote is not lost"
    with pytest.raises(InputError, match="look at the newest revision"):
        ontology_work.write(place, CARLA, ontology_work.worked(place, CARLA).pending.text)
    ontology_work.write(place, CARLA, "rename 'cystic lesion' to 'cystic'")
    assert ontology_work.save(place, CARLA, apply=True).revision == 3


@pytest.mark.slow
def test_a_change_that_others_rest_on_stays(place: Workplace) -> None:
    ontology_work.add(place, CARLA, lambda o: edits.rename(o, "cyst", "cystic"))
    ontology_work.write(place, CARLA, "rename cyst to 'cystic'\ncreate edge cystic exclusive_with mass")
    with pytest.raises(InputError, match="line 1"):
        ontology_work.remove(place, CARLA, 0)
    assert ontology_work.remove(place, CARLA, 1).pending.entries == ("rename cyst to 'cystic'",)


@pytest.mark.slow
def test_a_proposal_goes_its_way_and_an_undo_needs_a_reason(place: Workplace) -> None:
    ontology_work.add(place, CARLA, pair)
    ontology_work.explain(place, CARLA, "why", "a book")
    kept = ontology_work.save(place, CARLA, apply=False)
    assert [one.number for one in ontology_decisions.open_proposals(place)] == [kept.number]
    ontology_decisions.judge(place, OTTO, kept.id, True, "fine", len(kept.events))
    assert ontology_decisions.carry_out(place, OTTO, kept.id).revision == 2
    with pytest.raises(UsageError, match="no reason"):
        ontology_decisions.undo(place, CARLA, 2, " ")
    assert ontology_decisions.undo(place, CARLA, 2, "a mistake") == 3
    assert place.ontology() == load_shipped()
    said = [(e.person, e.subject, e.details["did"]) for e in reversed(place.audit.entries())]
    number = kept.id
    assert said == [
        ("carla", "ontology", "propose"),
        ("otto", f"proposal {number}", "accept"),
        ("otto", f"proposal {number}", "apply"),
        ("carla", "revision 2", "undo"),
    ]


def test_readers_change_nothing(place: Workplace) -> None:
    attempts = (
        lambda: ontology_work.add(place, RITA, pair),
        lambda: ontology_work.remove(place, RITA, 0),
        lambda: ontology_work.write(place, RITA, "rename cyst to cystic"),
        lambda: ontology_work.explain(place, RITA, "why", "a book"),
        lambda: ontology_work.discard(place, RITA),
        lambda: ontology_work.save(place, RITA, apply=False),
        lambda: ontology_decisions.judge(place, RITA, "1", True, ""),
        lambda: ontology_decisions.carry_out(place, RITA, "1"),
        lambda: ontology_decisions.take_back(place, RITA, "1", ""),
        lambda: ontology_decisions.undo(place, RITA, 1, "why"),
    )
    for attempt in attempts:
        with pytest.raises(NotAllowedError, match="rita is reader; this needs a curator"):
            attempt()
    assert place.audit.entries() == ()
