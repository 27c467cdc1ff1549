"""Kill -9 while reports are mined: whole batches stay, and running again gives what one run without a kill gives."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from killing import broken_relationships, kill, kill_points
from mined_state import mined_state
from synthetic_reports import synthetic_reports, write_marks

from ingest.mining.pipeline import MiningOptions, mine_reports
from ingest.mining.workers import Miner
from ingest.vault import Vault
from kg.embedded import open_folder
from kg.ontology import Ontology

BATCH = 20
SCRIPT = """
import sys
from pathlib import Path
from ingest.marks import load_marks
from ingest.mining.lexicon import Lexicon
from ingest.mining.matcher import Matcher
from ingest.mining.pipeline import MiningOptions, mine_reports
from ingest.mining.rule_relevance import RuleRelevance
from ingest.mining.workers import Miner
from ingest.vault import Vault
from kg.embedded import open_folder
from kg.shipped import load_shipped
from synthetic_reports import synthetic_reports
ontology = load_shipped()
miner = Miner(Matcher(Lexicon.of_ontology(ontology)), RuleRelevance())
folder, table, count, batch = sys.argv[1:]
with open_folder(Path(folder)) as store:
    print("ready", flush=True)
    with Vault(folder + ".db") as vault:
        load_marks(store, vault, Path(table), batch=50)
        mine_reports(store, vault, synthetic_reports(int(count)), miner, ontology.content_hash,
                     MiningOptions(batch=int(batch), new_lesions=True))
    print("done", flush=True)
"""


def held(folder: Path) -> dict[str, list[Any]]:
    """What is in the graph, with real keys in place of surrogates; keyed hashes are left out."""
    with open_folder(folder) as store, Vault(f"{folder}.db") as vault:

        def named(text: str) -> str:
            return re.sub(r"[PSRLT]-[0-9a-f]{20}", lambda found: repr(vault.real_key(found[0])), text)

        state = mined_state(store)
        for report in state["Report"]:
            del report["digest"], report["settings"]
        return {name: sorted(named(repr(row)) for row in rows) for name, rows in state.items()}


def kill_mining(template: Path, folder: Path, count: int, points: int, miner: Miner, ontology: Ontology) -> None:
    """Kill runs at several points, each with its own graph and vault, and finish each."""
    table = write_marks(folder / "marks.csv", count)
    whole = folder / "whole"
    shutil.copytree(template, whole)
    seconds = kill(SCRIPT, whole, str(table), str(count), str(BATCH), after=None)
    assert seconds is not None
    wanted = held(whole)
    assert len(wanted["Report"]) == count
    assert len(wanted["Lesion"]) == 3 * count
    for number, after in enumerate(kill_points(seconds, points)):
        killed = folder / f"killed-{number}"
        shutil.copytree(template, killed)
        kill(SCRIPT, killed, str(table), str(count), str(BATCH), after=after)
        assert not broken_relationships(killed)
        left = held(killed)
        assert len(left["Report"]) % BATCH == 0
        assert set(left["MENTIONS"]) <= set(wanted["MENTIONS"])
        assert set(left["HAS_LABEL"]) <= set(wanted["HAS_LABEL"])
        kill(SCRIPT, killed, str(table), str(count), str(BATCH), after=None)
        assert held(killed) == wanted
        with open_folder(killed) as store, Vault(f"{killed}.db") as vault:
            options = MiningOptions(new_lesions=True)
            again = mine_reports(store, vault, synthetic_reports(count), miner, ontology.content_hash, options)
        assert (again.written, again.unchanged) == (0, count)
        shutil.rmtree(killed)


def test_a_killed_run_leaves_whole_batches_and_is_finished_by_the_next(
    ontology_folder: Path, tmp_path: Path, miner: Miner, ontology: Ontology
) -> None:
    kill_mining(ontology_folder, tmp_path, 60, 1, miner, ontology)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_runs_killed_at_twenty_points_are_finished_by_the_next(
    ontology_folder: Path, tmp_path: Path, miner: Miner, ontology: Ontology
) -> None:
    kill_mining(ontology_folder, tmp_path, 400, 20, miner, ontology)
