"""``lesionkg evaluate`` with hand labels, tables and pages, and ``lesionkg ablate``, on the real lesions of a graph."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from small_release import first_lesions

from kg.cohort import Cohort
from kg.errors import LesionKGError
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped
from learn.image.contralateral import Laterality
from learn.recipe import Recipe
from learn.run import Run
from learn.training import train
from lesionkg.cli import ablate
from lesionkg.cli.app import run
from lesionkg.training_data import COHORT, LATERALITY, MATRICES

TINY = Recipe(seeds=(0,), width=16, depth=1, embedding=8, epochs=2, triplets=100, learning_rate=0.02)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder, and beside it what the graph would give: the first 1,000 lesions and their relations."""
    folder = tmp_path_factory.mktemp("home")
    ontology = load_shipped()
    matrices = RelationMatrices.from_ontology(ontology, "lesanet-171")
    (folder / "pulled").mkdir()
    first_lesions(1000).cohort(matrices).write_parquet(folder / "pulled" / COHORT)
    matrices.save(folder / "pulled" / MATRICES)
    Laterality.from_ontology(ontology, "lesanet-171").save(folder / "pulled" / LATERALITY)
    return folder


@pytest.fixture(autouse=True)
def no_graph(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph's engine takes seconds to start; ``test_cli_train`` asks a real one."""

    @contextmanager
    def pulled(graph: str, cohort: str) -> Iterator[Path]:
        assert graph == str(home / "graph")
        assert cohort in ("lesanet", Cohort.read_parquet(home / "pulled" / COHORT).id)
        yield home / "pulled"

    monkeypatch.setattr("lesionkg.training_data.pulled", pulled)


@pytest.fixture(scope="module")
def runs(home: Path) -> list[Run]:
    """Two tiny runs on its lesions."""
    cohort = Cohort.read_parquet(home / "pulled" / COHORT)
    matrices = RelationMatrices.load(home / "pulled" / MATRICES)
    return [train(cohort, matrices, replace(TINY, epochs=epochs), home / "runs") for epochs in (1, 2)]


@pytest.fixture(scope="module")
def hand(home: Path) -> Path:
    """Hand labels of six test lesions; one term is no label."""
    cohort = Cohort.read_parquet(home / "pulled" / COHORT)
    indices = cohort.subset("test").table["index"].to_pylist()[:6]
    rows = [{"text": "SECRET", "lesion_idx": index, "expanded_terms": ["chest", "lung"]} for index in indices]
    rows[0]["expanded_terms"] = ["abdomen", "elbow"]
    path = home / "hand.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def test_hand_labels_are_judged_beside_the_others_and_what_was_left_out_is_said(
    home: Path, runs: list[Run], hand: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", runs[0].run_id, "--home", str(home), "--hand", str(hand)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Hand-labelled: 6 of 6 lesions could be judged." in text
    assert "elbow (1)" in text and "SECRET" not in text
    assert run(["evaluate", runs[0].run_id, "--home", str(home), "--hand", str(hand), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["hand"] == {"lesions": 6, "judged": 6, "terms_outside": {"elbow": 1}}
    assert found["metrics"]["hand"]["lesions"] == 6
    assert {k: v for k, v in found["metrics"].items() if k != "hand"} == runs[0].metrics


def test_a_decoder_is_chosen_by_name(home: Path, runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", runs[0].run_id, "--home", str(home), "--decoder", "exact", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["metrics"]
    assert found["decoder"] == "exact"
    assert found["test"]["coherent"] == found["test"]["ways"]["exact"]["decisions"]
    assert found["test"]["ways"] == runs[0].metrics["test"]["ways"]


def test_tables_and_pages_of_two_runs_are_written(
    home: Path, runs: list[Run], hand: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [one.run_id for one in runs]
    options = ["--home", str(home), "--hand", str(hand), "--tables", str(tmp_path / "t"), "--page"]
    assert run(["evaluate", *names, *options, "--labels", "lung,chest"]) == 0
    said = capsys.readouterr().out
    with (tmp_path / "t" / "table1.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows[:10:5]] == [f"LesaNet on metadata ({name})" for name in names]
    assert rows[0]["hand-labelled, AUC"]
    note = (tmp_path / "t" / "table1.md").read_text()
    assert "6 of 6 hand-labelled lesions" in note and "real lesions" in note
    assert (tmp_path / "t" / "table2.csv").read_text().splitlines()[1].startswith("lung,")
    for name in names:
        page = (home / "runs" / name / "report.html").read_text()
        assert f"<h1>Run {name}</h1>" in page and "hand-labelled" in page
        assert f"Run {name} saw no pixels." in said
        assert Run.read(home / "runs" / name).run_id == name


def test_pictures_are_written_as_png_files(home: Path, runs: list[Run], tmp_path: Path) -> None:
    assert run(["evaluate", runs[0].run_id, "--pictures", str(tmp_path / "p"), "--home", str(home)]) == 0
    written = {path.name.removeprefix(f"{runs[0].run_id}-"): path.read_bytes() for path in (tmp_path / "p").iterdir()}
    assert set(written) == {
        *("precision-recall.png", "calibration.png", "auc-frequency.png", "embeddings.png"),
        *("propagation.png", "propagation-strongest.png"),
    }
    assert all(content.startswith(b"\x89PNG") for content in written.values())


def test_one_page_goes_where_it_is_told(
    home: Path, runs: list[Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", runs[0].run_id, "--home", str(home), "--report", str(tmp_path / "r.html"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"] == runs[0].run_id
    assert "<!DOCTYPE html>" in (tmp_path / "r.html").read_text()
    assert run(["evaluate", *(one.run_id for one in runs), "--home", str(home), "--json"]) == 0
    assert [one["run"] for one in json.loads(capsys.readouterr().out)["runs"]] == [one.run_id for one in runs]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["--labels", "lung"], 2, "--tables", id="labels without tables"),
        pytest.param(["--patches", "x"], 2, "--hand", id="patches without hand labels"),
        pytest.param(["--hand", "absent.json"], 1, "absent.json: not a file of hand-labelled", id="no such file"),
        pytest.param(["--decoder", "coin"], 2, "decoder 'coin': give one of greedy", id="no such decoder"),
        pytest.param(["--decoder", "paper"], 2, "decoder 'paper': its label sets can break", id="not coherent"),
        pytest.param(["SECOND", "--report", "TMP"], 2, "one file for 2 runs", id="one page for two"),
    ],
)
def test_wrong_use_is_one_line_and_an_exit_code(
    home: Path,
    runs: list[Run],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    meant = {"SECOND": runs[1].run_id, "TMP": str(tmp_path / "out")}
    given = [meant.get(argument, argument) for argument in arguments]
    assert run(["evaluate", runs[0].run_id, *given, "--home", str(home)]) == code
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1


def ablated(home: Path, *options: str) -> None:
    """Run ``ablate`` alone, whatever else the command line holds."""
    app = typer.Typer()
    app.command()(ablate.command)
    app(args=["--home", str(home), *options], standalone_mode=False)


def test_an_ablation_prints_its_rows_and_goes_on_where_it_was(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "tiny.json"
    recipe.write_text(json.dumps({k: v for k, v in TINY.as_dict().items() if k != "seeds"}), encoding="utf-8")
    options = ["--recipe", str(recipe), "--set", "epochs=1", "--seeds", "0,1", "--rows", "full,no-rhem"]
    ablated(home, *options, "--csv", str(tmp_path / "a.csv"))
    text = " ".join(capsys.readouterr().out.split())
    assert "without RHEM" in text and "±" in text and "saw no pixels" in text and "ynthetic" not in text
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows] == ["full", "no-rhem"]
    assert float(rows[0]["AUC, mean"]) > 0.3
    names = [name for row in rows for name in row["runs"].split()]
    written = {name: (home / "ablation" / name / "config.json").stat().st_mtime_ns for name in names}
    ablated(home, *options, "--json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [name for row in found["rows"] for name in row["runs"]] == names
    assert all((home / "ablation" / name / "config.json").stat().st_mtime_ns == at for name, at in written.items())
    assert found["rows"][0]["mean"]["AUC"] == pytest.approx(float(rows[0]["AUC, mean"]), abs=1e-6)
    assert (found["saw_pixels"], found["synthetic"]) == (False, False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(["--rows", "full,elbow"], "row 'elbow'", id="row"),
        pytest.param(["--seeds", "1,1"], "distinct", id="seeds"),
        pytest.param(["--features", "sound"], "features 'sound'", id="features"),
        pytest.param(["--patches", "x"], "--patches", id="patches"),
    ],
)
def test_wrong_use_of_an_ablation_is_refused_before_anything_is_trained(
    home: Path, options: list[str], message: str
) -> None:
    with pytest.raises(LesionKGError, match=message):
        ablated(home, *options)
