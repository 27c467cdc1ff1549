"""kill -9 at any point of an apply leaves the old or the new revision; start-up finishes or rolls back, and says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import postgres
import pytest
from killed_apply import POINTS, SCRIPT, die
from killing import broken_relationships, kill, kill_points
from made_ontology import LUNG, small
from proposed import accepted, by, rename

from kg.connect import open_store
from kg.curation.graph_identity import graph_identity
from kg.curation.history import revisions
from kg.curation.mirror import search
from kg.curation.proposal import EventKind, Status
from kg.curation.proposal_application import apply
from kg.curation.proposal_tables import open_curation_at
from kg.curation.proposals import find
from kg.curation.reconcile import reconcile
from kg.graph_ontology import load_ontology, save_ontology, verify

ENDINGS = {
    "noted": ("rolled back", False),
    "before the commit": ("rolled back", False),
    "committed": ("the graph took it as revision 2", True),
    "settled": ("", True),
    "mirror half written": ("", True),
}
"""What start-up says, and whether the graph holds the change."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose graph holds the made ontology."""
    home = tmp_path_factory.mktemp("template") / "home"
    with open_store(home / "graph") as store:
        save_ontology(store, small(), author="importer")
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(template, tmp_path / "home")
    return tmp_path / "home"


def prepare(home: Path, address: str) -> None:
    with open_store(home / "graph") as store, open_curation_at(address) as database:
        accepted(database, store, by("ann", rename(LUNG, "lung", "lungs")))


def check(home: Path, address: str) -> tuple[str, bool]:
    """What start-up says, and whether the change is in the graph; all else must be in order, and stay so."""
    assert broken_relationships(home / "graph") == []
    with open_store(home / "graph") as store, open_curation_at(address) as database:
        verify(store)
        said = "\n".join(reconcile(database, store).lines())
        assert reconcile(database, store).lines() == []
        proposal = find(database, "1")
        took = load_ontology(store).label(LUNG).name == "lungs"
        assert (took, len(revisions(store)), proposal.revision) in {(False, 1, 0), (True, 2, 2)}
        assert proposal.status is (Status.APPLIED if took else Status.ACCEPTED)
        assert proposal.worker == ""
        assert apply(database, store, "1", "bob").already is took
        entries = revisions(store)
        assert [entry.proposal for entry in entries] == [proposal.id, ""]
        reconcile(database, store)
        assert search(database, store.read_transaction(graph_identity)) == entries
        kinds = [event.kind for event in find(database, "1").events]
        assert kinds.count(EventKind.APPLIED) == 1
        assert [event.number for event in find(database, "1").events] == list(range(1, len(kinds) + 1))
    return said, took


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(
    "curation_address", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)
def test_a_kill_at_each_step_of_an_apply(home: Path, curation_address: str, point: str) -> None:
    prepare(home, curation_address)
    die(home / "graph", curation_address, point)
    said, took = check(home, curation_address)
    expected, taken = ENDINGS[point]
    assert took is taken
    assert expected in said if expected else said == ""


def killed_at_any_moment(template: Path, folder: Path, server: str, count: int) -> set[bool]:
    """Kill an apply at ``count`` moments, after one that is let go; whether the graph took the change each time."""
    seen: set[bool] = set()
    points: list[float | None] = [None]
    for number in range(count + 1):
        home = folder / f"home{number}"
        shutil.copytree(template, home)
        address = postgres.new_database(server) if server else str(home / "curation.sqlite")
        prepare(home, address)
        took = kill(SCRIPT, home / "graph", address, after=points[number])
        if number == 0:
            assert took is not None
            points += kill_points(took, count)
        seen.add(check(home, address)[1])
        shutil.rmtree(home)
    return seen


def test_a_kill_at_a_few_moments_of_an_apply(template: Path, tmp_path: Path) -> None:
    assert killed_at_any_moment(template, tmp_path, "", 2) <= {True, False}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_kill_at_many_moments_of_an_apply(
    template: Path, tmp_path: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    address = request.getfixturevalue("postgres_server") if engine == "postgresql" else ""
    assert killed_at_any_moment(template, tmp_path, address, 40) == {True, False}
