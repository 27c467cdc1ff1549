"""``lesionkg predict`` with a tiny run, trained on made (synthetic) patches, over made and genuine slices."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from made_patches import TINY, made_cache, made_cohort, made_matrices
from made_series import made_slices, write_dicom_series, write_png_series

from ingest.images.png_series import open_png_series
from ingest.release import PHANTOM
from kg.errors import UsageError
from learn.image.train import train_images
from learn.run import Run
from lesionkg.cli.app import run
from lesionkg.cli.predict import require_relations
from lesionkg.prediction import predict_lesion

BOX = ["--box", "10,10,20,22"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a run on images, its patches and two made series; no graph."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("home")
    matrices = made_matrices()
    cohort = made_cohort(matrices)
    train_images(cohort, matrices, made_cache(folder / "patches", cohort), TINY, folder / "runs")
    write_png_series(folder / "png", made_slices(5))
    write_dicom_series(folder / "dicom", made_slices(5))
    return folder


def predict(home: Path, *options: str) -> int:
    return run(["predict", "--home", str(home), *options])


def test_a_png_and_a_dicom_slice_are_labelled_by_the_newest_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    png = ["--image", str(home / "png" / "003.png"), "--spacing", "0.8", "--slice-interval", "2.5"]
    for image in (png, ["--image", str(home / "dicom"), "--slice", "3"]):
        assert predict(home, *image, *BOX, "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert told["run"].startswith("image-")
        assert "expected calibration error" in told["calibration"]
        assert told["similar_from"] == "predicted by this model"
        assert len(told["similar"]) == 5
        assert told["use"].startswith("Research use only")


def test_a_genuine_slice_is_labelled(home: Path, shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = shared_data / "images" / "deeplesion_png16" / "000001_01_01" / "109.png"
    scale = ["--spacing", "0.488281", "--slice-interval", "5", "--box", "225.2,89,240.3,111"]
    assert predict(home, "--image", str(image), *scale) == 0
    assert "Research use only" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        pytest.param(["--box", "900,900,950,950"], 1, "outside", id="outside"),
        pytest.param(["--box", "20,10,10,22"], 1, "inverted", id="inverted"),
        pytest.param(["--box", "10,10,10,22"], 1, "no area", id="no area"),
        pytest.param(["--box", "nan,10,20,22"], 1, "no number", id="NaN"),
        pytest.param(["--box", "1,2,3"], 2, "four numbers", id="three numbers"),
        pytest.param([*BOX, "--slice", "99"], 1, "99", id="slice"),
    ],
)
def test_bad_input_is_one_clear_line(
    options: list[str], code: int, said: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = options if "--slice" in options else [*options, "--slice", "3"]
    assert predict(home, "--image", str(home / "dicom"), *given) == code
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1
    assert "Secret" not in error


def test_all_patches_of_a_cache_go_to_parquet(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "predictions.parquet"
    assert predict(home, "--patches", str(home / "patches"), "--out", str(out), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["lesions"], told["saw_pixels"], told["synthetic"]) == (48, True, False)
    table = pq.read_table(out)
    meta = json.loads(table.schema.metadata[b"lesionkg"])
    assert (meta["model"], meta["synthetic"]) == (told["run"], False)
    assert sum(map(len, table["labels"].to_pylist())) == told["labels"]


def test_a_file_in_no_folder_is_one_clear_line(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "absent" / "predictions.parquet"
    assert predict(home, "--patches", str(home / "patches"), "--out", str(out)) == 1
    error = capsys.readouterr().err
    assert "could not be written" in error
    assert len(error.strip().splitlines()) == 1


def test_a_model_of_synthetic_lesions_says_so_of_every_lesion(home: Path) -> None:
    (folder,) = (home / "runs").glob("image-??????????")
    read = Run.read(folder)
    series = open_png_series(home / "png", 0.8, 2.5)
    of_patients = predict_lesion(read, series, 3, (10, 10, 20, 22)).warnings
    made_up = replace(read, lesions=tuple(f"{PHANTOM.prefix}{row:05d}" for row in range(len(read.lesions))))
    first, *others = predict_lesion(made_up, series, 3, (10, 10, 20, 22)).warnings
    assert "synthetic" in first
    assert tuple(others) == of_patients


def test_other_relations_in_the_graph_are_said_and_refused_unless_asked_for(home: Path) -> None:
    (folder,) = (home / "runs").glob("image-*[0-9a-f]")
    read = Run.read(folder)
    assert require_relations(read, read.matrices.matrix_hash, allow=False) == []
    with pytest.raises(UsageError, match=r"trained with other relations .* --allow-other-relations"):
        require_relations(read, "0" * 64, allow=False)
    (said,) = require_relations(read, "0" * 64, allow=True)
    assert "those of the training were used" in said
