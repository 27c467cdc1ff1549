"""``lesionkg train`` and ``lesionkg evaluate`` on the real lesions of a graph."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_release import first_lesions

from ingest.load import load_deeplesion
from kg.connect import open_store
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped
from lesionkg.cli.app import run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose graph holds the ontology and the first 1,000 lesions, and a recipe for a tiny network."""
    folder = tmp_path_factory.mktemp("home")
    with open_store(folder / "graph") as store:
        save_ontology(store, load_shipped())
        load_deeplesion(store, first_lesions(1000))
    recipe = {"width": 16, "depth": 1, "embedding": 8, "epochs": 2, "triplets": 100, "learning_rate": 0.02}
    (folder / "tiny.json").write_text(json.dumps(recipe))
    return folder


@pytest.fixture(scope="module")
def trained(home: Path) -> dict[str, Any]:
    """Trained as a user would, in a process of its own."""
    start = [sys.executable, "-c", "from lesionkg.cli import main; raise SystemExit(main())"]
    options = ["train", "--home", home, "--recipe", home / "tiny.json", "--seeds", "4,2", "--json"]
    done = subprocess.run([*start, *map(str, options)], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_training_reads_the_graph_and_leaves_a_run(home: Path, trained: dict[str, Any]) -> None:
    assert trained["seeds"] == [4, 2]
    assert trained["saw_pixels"] is False
    assert trained["cohort"].startswith("lesanet-")
    assert trained["metrics"]["test"]["lesions"] == 34
    config = json.loads((home / "runs" / trained["run"] / "config.json").read_text())
    assert config["matrix_hash"] == trained["matrix_hash"]
    assert config["revision"] == trained["revision"] == 1
    assert config["recipe"]["epochs"] == 2


def test_evaluation_repeats_the_figures_of_the_run(
    home: Path, trained: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", trained["run"], "--home", str(home), "--json", "--per-label"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"] == trained["metrics"]
    assert len(found["labels"]) == 171
    assert all((label["evidence"] == "sufficient") == (label["test_positives"] >= 10) for label in found["labels"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param([], ["macro AUC", "coherent", "insufficient evidence", "saw no pixels"], id="summary"),
        pytest.param(["--per-label"], ["sufficient", "saw no pixels"], id="labels"),
    ],
)
def test_evaluation_prints_tables_that_say_no_pixels(
    home: Path, trained: dict[str, Any], capsys: pytest.CaptureFixture[str], options: list[str], expected: list[str]
) -> None:
    assert run(["evaluate", str(home / "runs" / trained["run"]), "--home", str(home), *options]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for words in expected:
        assert words in text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["train", "--features", "pixels"], 2, "give 'metadata' or 'image'", id="features"),
        pytest.param(["train", "--seeds", "1,two"], 2, "whole numbers separated by commas", id="seeds"),
        pytest.param(["train", "--seeds", "1,1"], 2, "distinct", id="seed twice"),
        pytest.param(["train", "--cohort", "absent"], 1, "absent", id="no such cohort"),
        pytest.param(["train", "--recipe", "absent.json"], 1, "absent.json", id="no such recipe"),
        pytest.param(["evaluate", "absent"], 1, "not a whole run", id="no such run"),
    ],
)
def test_wrong_use_is_one_line_and_an_exit_code(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    assert run([*arguments, "--home", str(home)]) == code
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
