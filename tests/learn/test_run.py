"""A run's folder: whole, or refused in one line."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tiny_runs import Trained

from kg.cohort import Cohort
from kg.errors import InputError, TrainingError
from kg.matrices import RelationMatrices
from learn.run import Run, run_id_of


@pytest.fixture
def copied(trained: Trained, tmp_path: Path) -> Path:
    """A copy of a run's folder to spoil."""
    return Path(shutil.copytree(trained.folder, tmp_path / trained.folder.name))


def test_reading_gives_what_was_written(trained: Trained) -> None:
    read, run = Run.read(trained.folder), trained.run
    for name in ("run_id", "features", "saw_pixels", "cohort", "created", "recipe", "seeds", "lesions", "metrics"):
        assert getattr(read, name) == getattr(run, name), name
    for name in ("thresholds", "split", "score", "probability", "embedding", "spl_weight", "spl_bias"):
        assert np.array_equal(getattr(read, name), getattr(run, name)), name
    assert read.matrices.matrix_hash == run.matrices.matrix_hash
    assert read.score.shape == read.probability.shape == (1976 + 1879, 171)
    assert read.embedding.shape == (1976 + 1879, 16)


def test_score_propagation_is_stored_from_columns_to_rows_for_every_seed(trained: Trained) -> None:
    stored = load_file(trained.folder / "spl.safetensors")
    assert stored["weight"].shape == (2, 171, 171)
    assert stored["bias"].shape == (2, 171)
    assert stored["weight"].dtype == np.float32
    assert np.array_equal(stored["weight"][1], trained.run.weights["1.propagation.weight"])


def test_the_table_of_labels_marks_insufficient_evidence(trained: Trained, matrices: RelationMatrices) -> None:
    with (trained.folder / "per_label.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["label_id"] for row in rows] == list(matrices.label_ids)
    few = [row for row in rows if int(row["test_positives"]) < 10]
    assert len(few) == 75
    assert {row["evidence"] for row in few} == {"insufficient"}
    assert {row["evidence"] for row in rows if row not in few} == {"sufficient"}


def test_the_model_card_says_what_the_model_saw_and_how_it_fares(trained: Trained) -> None:
    card = (trained.folder / "model_card.md").read_text(encoding="utf-8")
    assert "Research use only" in card
    assert "saw no pixels" in card
    assert f"{trained.run.metrics['test']['macro_auc']:.4f}" in card
    assert "4 in train and val, 0 in train and test, 0 in val and test" in card
    for word in ("| sex | F |", "| age | under 40 |", "| size | 30 mm or over |", "insufficient evidence"):
        assert word in card


@pytest.mark.parametrize(
    "name",
    [
        "weights.safetensors",
        "matrices.safetensors",
        "predictions.parquet",
        "metrics.json",
        "thresholds.json",
        "config.json",
    ],
)
def test_a_truncated_or_missing_file_is_refused_in_one_line(copied: Path, name: str) -> None:
    content = (copied / name).read_bytes()
    (copied / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="not a whole run") as error:
        Run.read(copied)
    assert "\n" not in str(error.value)
    (copied / name).unlink()
    with pytest.raises(InputError, match="not a whole run"):
        Run.read(copied)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"format": "lesionkg-run/999"}, id="newer format"),
        pytest.param({"label_ids": ["LKG:0000001"]}, id="other labels"),
        pytest.param({"matrix_hash": "0" * 64}, id="other relations"),
        pytest.param({"cohort": "lesanet-0000000000"}, id="other cohort"),
        pytest.param({"recipe": {"seeds": [5]}}, id="other recipe"),
        pytest.param({"recipe": {"speed": 5}}, id="unknown setting"),
    ],
)
def test_an_altered_configuration_is_refused(copied: Path, change: dict[str, object]) -> None:
    path = copied / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match="not a whole run"):
        Run.read(copied)


def test_a_run_from_before_a_setting_existed_takes_its_default(trained: Trained, tmp_path: Path) -> None:
    config = json.loads((trained.folder / "config.json").read_text())
    older = {name: value for name, value in config["recipe"].items() if name != "triplet_lesions"}
    run = trained.run
    run_id = run_id_of(run.features, run.cohort, run.label_data_hash, run.matrices, older)
    folder = Path(shutil.copytree(trained.folder, tmp_path / run_id))
    (folder / "config.json").write_text(json.dumps(config | {"recipe": older, "run_id": run_id}))
    assert Run.read(folder).recipe == run.recipe
    assert run_id != run.run_id


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give a run's folder"):
        Run.read(tmp_path)


def test_an_interrupted_write_leaves_no_trace(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="disk full"):
        trained.run.write(tmp_path, "", "")
    assert not list(tmp_path.iterdir())


def test_a_run_is_judged_only_on_its_own_cohort(trained: Trained, cohort: Cohort) -> None:
    from dataclasses import replace

    trained.run.require_cohort(cohort)
    with pytest.raises(TrainingError, match="or not in that order"):
        trained.run.require_cohort(replace(cohort, label_ids=cohort.label_ids[::-1]))
    with pytest.raises(TrainingError, match="trained on cohort"):
        trained.run.require_cohort(replace(cohort, id="other-0123456789"))
