"""What applying a change tells of cohorts that fall behind, and what was decided about an item."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_release import first_lesions

from ingest.load import load_deeplesion
from kg.connect import open_store
from kg.curation.decisions import Action, Decision, decide
from kg.curation.proposal_tables import open_curation
from kg.curation.queues import Topic, item_id
from kg.curation.queues_tables import make_queue_tables
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped
from lesionkg.cli.app import run

ITEM = item_id(Topic.TOGETHER, *(load_shipped().label(name).id for name in ("nodule", "solid")))


def test_a_change_of_the_matrices_tells_which_cohort_to_freeze_anew(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with open_store(tmp_path / "graph") as store:
        save_ontology(store, load_shipped())
        cohort = load_deeplesion(store, first_lesions(200)).cohort

    def applied(line: str) -> str:
        capfd.readouterr()
        words = ["ontology", "propose", line, "--author", "ann", "--reason", "a test", "--apply", "--home"]
        assert run([*words, str(tmp_path)]) == 0
        return capfd.readouterr().err

    assert "freezes it anew" not in applied("create exact synonym 'pulmo' for 'lung'")
    told = applied("create edge hemangioma located_in liver")
    assert f"`lesionkg cohort freeze lesanet --split-from {cohort}` freezes it anew" in told
    assert run(["cohort", "freeze", "lesanet", "--split-from", cohort, "--home", str(tmp_path)]) == 0
    assert "freezes it anew" not in applied("create exact synonym 'hepar' for 'liver'")


def test_all_decisions_about_an_item_are_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with open_curation(tmp_path) as database:
        make_queue_tables(database)
        first = decide(database, Decision(ITEM, Action.DEFERRED, "ann", "later", "2026-11-20T10:00:00+00:00"), None)
        decide(database, Decision(ITEM, Action.REJECTED, "bob", "never", "2026-11-21T10:00:00+00:00"), first)
    assert run(["ontology", "decisions", ITEM, "--home", str(tmp_path), "--json"]) == 0
    assert [one["reviewer"] for one in json.loads(capfd.readouterr().out)] == ["ann", "bob"]
    assert run(["ontology", "decisions", "other", "--home", str(tmp_path)]) == 0
    assert "nothing was decided" in capfd.readouterr().out
