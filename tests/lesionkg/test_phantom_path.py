"""The whole path on a small synthetic set, from image files to a table, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kg.connect import open_store
from lesionkg.cli.app import run

SMALL = ["--lesions", "300", "--set", "epochs=1", "--set", "batch=32", "--set", "width=0.0625"]


pytestmark = pytest.mark.slow  # continuous integration runs the whole of it on a larger set instead


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("phantom") / "home"


@pytest.fixture(scope="module")
def report(home: Path) -> dict[str, Any]:
    """What one run over the set printed with ``--json``."""
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run(["phantom", "run", "--home", str(home), "--json", *SMALL]) == 0
    printed: dict[str, Any] = json.loads(out.getvalue())
    return printed


def test_every_step_leaves_what_the_next_one_needs(home: Path, report: dict[str, Any]) -> None:
    assert report["synthetic"] is True
    assert set(report["timings"]) == {
        *("set", "graph", "patches", "train", "evaluate", "publish", "follow-ups", "total"),
    }
    assert all(Path(file).stat().st_size > 0 for file in report["files"])
    test = report["figures"]["metrics"]["test"]
    # One epoch of a tiny network: better than chance, and no relation is broken.
    assert test["macro_auc"] > 0.55
    assert test["coherence"]["decoded"] == {"lesions_incoherent": 0, "missing_ancestors": 0, "exclusive_pairs": 0}
    assert report["figures"]["metrics"]["hand"]["lesions"] == test["lesions"]


def test_known_follow_ups_are_found_again(report: dict[str, Any]) -> None:
    found = report["figures"]["follow_ups"]["decisions"]
    assert found["hits"] > found["misses"] and report["figures"]["matched"]["edges"] > 0


def test_the_graph_holds_predictions_and_says_that_they_are_synthetic(home: Path, report: dict[str, Any]) -> None:
    with open_store(str(home / "graph"), read_only=True) as store:
        (row,) = store.read_transaction(
            lambda tx: tx.run(
                "MATCH (l:Lesion)-[r:PREDICTED]->(c:Label) "
                "RETURN count(r) AS edges, count(DISTINCT l.source) AS sources, min(l.source) AS source ORDER BY edges"
            )
        )
        same = store.read_transaction(
            lambda tx: tx.run("MATCH (a:Lesion)-[r:SAME_LESION_AS]->(b:Lesion) RETURN count(r) AS edges ORDER BY edges")
        )
        (model,) = store.read_transaction(
            lambda tx: tx.run(
                "MATCH (m:Model) RETURN m.saw_pixels AS saw, m.note AS note, m.cohort AS cohort ORDER BY cohort"
            )
        )
    assert row["edges"] == report["figures"]["published"]["predicted"] > 0
    assert (row["sources"], row["source"]) == (1, "phantom (synthetic)")
    assert same[0]["edges"] == report["figures"]["matched"]["edges"]
    assert model["saw"] is True and "synthetic" in model["note"] and model["cohort"].startswith("phantom-")
    assert "synthetic" in (home / "runs" / report["run"] / "model_card.md").read_text()
    assert "synthetic" in Path(report["files"][0]).read_text()


def test_matching_again_changes_nothing_and_says_that_the_lesions_are_synthetic(
    home: Path, report: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    again = ["match", report["run"], "--home", str(home), "--follow-ups", str(home / "set" / "follow_ups.csv")]
    assert run([*again, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.pop("synthetic") is True
    assert told == {**report["figures"]["matched"], "changed": False}
    assert run(again) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "already matched like this" in shown and "synthetic CT-like patches, not patients" in shown
    assert run([*again, "--t2", "0.5"]) == 2


def test_a_set_made_otherwise_is_refused(
    home: Path, report: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["phantom", "run", "--home", str(home), "--lesions", "200"]) == 2
    assert "holds a set made otherwise" in " ".join(capsys.readouterr().err.split())
