"""Kill -9 while lesions are loaded: afterwards the graph holds the old state or the new one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from killing import broken_relationships, kill, kill_points
from small_release import first_lesions

from ingest.load import load_deeplesion
from kg.embedded import open_folder

SCRIPT = """
import sys
import pyarrow.compute as pc
from ingest.label_lists import LabelLists
from ingest.load import load_deeplesion
from ingest.release import Release
from kg.embedded import open_folder
whole, count = Release.shipped(), int(sys.argv[2])
table = whole.labels.table.filter(pc.less(whole.labels.table["index"], count))
release = Release(whole.lesions.slice(0, count), LabelLists(whole.labels.terms, table))
with open_folder(__import__("pathlib").Path(sys.argv[1])) as store:
    print("ready", flush=True)
    load_deeplesion(store, release)
    print("done", flush=True)
"""


def held(folder: Path) -> tuple[int, ...]:
    """Numbers of lesions, of relationships to labels, and of lesions in a cohort."""
    with open_folder(folder) as store:
        counts = (
            store.read(f"MATCH {pattern} RETURN count(*) AS n ORDER BY n")[0]["n"]
            for pattern in ("(l:Lesion)", "(:Lesion)-[:HAS_LABEL]->(:Label)", "(:Lesion)-[:IN_COHORT]->(:Cohort)")
        )
        return tuple(counts)


def kill_loads(template: Path, folder: Path, lesions: int, points: int) -> None:
    """Kill loads of more lesions into a graph that holds some, each in its own copy, and load one of them again."""
    old = held(template)
    shutil.copytree(template, folder)
    seconds = kill(SCRIPT, folder, str(lesions), after=None)
    assert seconds is not None
    new = held(folder)
    assert new > old > (0, 0, 0)
    for number, after in enumerate(kill_points(seconds, points)):
        killed = folder.with_name(f"killed-{number}")
        shutil.copytree(template, killed)
        kill(SCRIPT, killed, str(lesions), after=after)
        assert held(killed) in (old, new)
        assert not broken_relationships(killed)
        if number == 0:
            with open_folder(killed) as store:
                load_deeplesion(store, first_lesions(lesions))
            assert held(killed) == new
        shutil.rmtree(killed)


def test_a_killed_load_leaves_the_old_or_the_new_state(loaded_folder: Path, tmp_path: Path) -> None:
    kill_loads(loaded_folder, tmp_path / "graph", lesions=300, points=2)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_loads_killed_at_twenty_points_leave_the_old_or_the_new_state(loaded_folder: Path, tmp_path: Path) -> None:
    kill_loads(loaded_folder, tmp_path / "graph", lesions=4000, points=20)
