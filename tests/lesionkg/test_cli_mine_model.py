"""``lesionkg mine train`` and ``lesionkg mine evaluate``, on synthetic sentences and on a file of annotated ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from learn.relation.annotations import write_annotations
from learn.relation.corpus import made_dev
from learn.relation.run import RelationRun
from lesionkg.cli.app import run

SECRET = "Smith"


@pytest.fixture(scope="module")
def annotations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("annotations") / "ours.jsonl"
    write_annotations(path, made_dev(150)["dev, seen"])
    return path


def _json(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    assert run([*arguments, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture(scope="module")
def trained(annotations: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data folder with a run trained on the annotation file, and the run's id."""
    home = tmp_path_factory.mktemp("home")
    assert run(["mine", "train", str(annotations), "--home", str(home), "--epochs", "1", "--json"]) == 0
    (folder,) = (home / "relation").iterdir()
    return home, folder.name


def test_training_on_a_file_leaves_a_run_that_names_it(trained: tuple[Path, str]) -> None:
    home, name = trained
    read = RelationRun.read(home / "relation" / name)
    assert read.trained_on.name == "ours.jsonl"
    assert not read.trained_on.synthetic
    assert set(read.metrics) == {"held back"}
    assert "ours.jsonl" in (home / "relation" / name / "model_card.md").read_text()


@pytest.mark.slow
def test_training_without_a_file_says_that_its_sentences_are_synthetic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--out", str(tmp_path / "runs"), "--sentences", "60", "--epochs", "1", "--seed", "3"]
    assert run(["mine", "train", *options]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "60 synthetic sentences" in text
    assert "synthetic, held-out families" in text
    assert "Research use only" in text
    (folder,) = (tmp_path / "runs").iterdir()
    assert RelationRun.read(folder).recipe.seed == 3


def test_evaluation_on_a_file_repeats_its_figures_by_id_and_by_folder(
    trained: tuple[Path, str], annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, name = trained
    by_id = _json(capsys, "mine", "evaluate", name, str(annotations), "--home", str(home))
    by_folder = _json(capsys, "mine", "evaluate", str(home / "relation" / name), str(annotations))
    assert by_id == by_folder
    assert by_id["left_out"] == 0
    assert by_id["synthetic"] is False
    models = by_id["metrics"]["ours.jsonl"]
    assert models["CNN"]["pairs"] == models["rules"]["pairs"] > 300
    assert models["papers' rules"]["f1"] < models["rules"]["f1"]


def test_the_table_holds_the_baselines_and_the_papers_figures_as_a_reference(
    trained: tuple[Path, str], annotations: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, name = trained
    assert run(["mine", "evaluate", name, str(annotations), "--home", str(home)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for words in (
        "nearest bookmark",
        "papers' rules",
        "CNN + rules",
        "0.806",
        "cannot be compared",
        "Research use only",
    ):
        assert words in text


def test_bad_lines_are_reported_by_number_never_by_text_and_the_batch_goes_on(
    trained: tuple[Path, str], annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, name = trained
    path = tmp_path / "some.jsonl"
    path.write_text(annotations.read_text() + json.dumps({"text": SECRET, "mentions": [{"label": SECRET}]}) + "\n")
    assert run(["mine", "evaluate", name, str(path), "--home", str(home), "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["left_out"] == 1
    assert "line 151: mention 0" in printed.err
    assert SECRET not in printed.out + printed.err
    assert len(printed.err.strip().splitlines()) == 1
    assert run(["mine", "train", str(path), "--home", str(tmp_path), "--epochs", "1", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["left_out"] == 1


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        pytest.param(["mine", "evaluate", "relation-none"], "not a whole relation model", 1, id="no such run"),
        pytest.param(["mine", "train", "none.jsonl"], "cannot be read", 1, id="no such file"),
        pytest.param(["mine", "train", "--epochs", "0"], "epochs must be 1 or more", 2, id="no epochs"),
        pytest.param(["mine", "train", "x.jsonl", "--sentences", "9"], "--sentences", 2, id="sentences of a file"),
    ],
)
def test_wrong_usage_is_one_line(
    arguments: list[str], words: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--home", str(tmp_path)]) == code
    printed = capsys.readouterr().err
    assert words in printed
    assert len(printed.strip().splitlines()) == 1


def test_a_file_without_judged_pairs_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text("")
    assert run(["mine", "train", str(path), "--home", str(tmp_path)]) == 1
    assert "no sentence with a judged pair" in capsys.readouterr().err
