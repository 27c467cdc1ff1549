"""Kill -9 while the ontology is saved: afterwards the graph holds the old ontology or the new one, whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from killing import broken_relationships, kill, kill_points
from made_ontology import generation

from kg.embedded import open_folder
from kg.graph_ontology import load_ontology, save_ontology, verify

SAVE = """
import sys
from pathlib import Path
from kg.embedded import open_folder
from kg.graph_ontology import save_ontology
from made_ontology import generation
with open_folder(Path(sys.argv[1])) as store:
    ontology = generation(int(sys.argv[2]))
    print("ready", flush=True)
    save_ontology(store, ontology)
    print("done", flush=True)
"""


def survive(folder: Path, points: int) -> None:
    with open_folder(folder) as store:
        save_ontology(store, generation(1))
    seconds = kill(SAVE, folder, "2", after=None)
    assert seconds is not None
    held = 2
    for number, moment in enumerate(kill_points(seconds, points), start=3):
        done = kill(SAVE, folder, str(number), after=moment)
        assert broken_relationships(folder) == []
        with open_folder(folder) as store:
            verify(store)
            found = load_ontology(store)
        assert found in (generation(held), generation(number))
        assert done is None or found == generation(number)
        held = int(found.version)


def test_a_killed_save_leaves_the_old_or_the_new_ontology(empty_graph_folder: Path, tmp_path: Path) -> None:
    survive(Path(shutil.copytree(empty_graph_folder, tmp_path / "graph")), points=1)


@pytest.mark.slow
def test_twenty_killed_saves_leave_the_old_or_the_new_ontology(empty_graph_folder: Path, tmp_path: Path) -> None:
    survive(Path(shutil.copytree(empty_graph_folder, tmp_path / "graph")), points=20)


def test_the_generations_differ() -> None:
    made = [generation(n) for n in range(1, 8)]
    assert len({o.content_hash for o in made}) == len(made)
