"""``lesionkg export`` of a small run on made (synthetic) patches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from made_patches import TINY, made_cache, made_cohort, made_matrices

from kg.errors import InputError, UsageError
from learn.image.train import train_images
from lesionkg.cli import export


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one run."""
    folder = tmp_path_factory.mktemp("home")
    matrices = made_matrices()
    cohort = made_cohort(matrices)
    train_images(cohort, matrices, made_cache(folder / "patches", cohort), TINY, folder / "runs")
    return folder


def exported(*arguments: object) -> None:
    """Run the command as the command line does."""
    app = typer.Typer()
    app.command()(export.command)
    app(args=[str(argument) for argument in arguments], standalone_mode=False)


def test_a_run_is_exported_by_its_id_and_what_is_inside_is_said(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (run,) = (home / "runs").glob("image-" + "?" * 10)
    exported(run.name, "--home", home, "--format", "torch")
    told = " ".join(capsys.readouterr().out.split())
    assert f"{run.name}.pt2: run {run.name}, 8 labels" in told
    assert "patch, 3 x 32 x 32 in Hounsfield units, 2 mm a pixel" in told
    assert told.endswith("Research use only; not for diagnosis.")
    assert [file.name for file in tmp_path.iterdir()] == [f"{run.name}.pt2"]


def test_a_program_reads_the_metadata_as_json(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = (home / "runs").glob("image-" + "?" * 10)
    exported(run, "--format", "torch", "--out", tmp_path / "network.pt2", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["bytes"] == (tmp_path / "network.pt2").stat().st_size
    assert len(told["metadata"]["label_ids"]) == len(told["metadata"]["thresholds"]) == 8


def test_another_format_and_an_unknown_run_are_refused_in_one_line(home: Path) -> None:
    with pytest.raises(UsageError, match="--format pickle: no such format; give one of torch, onnx"):
        exported("any", "--home", home, "--format", "pickle")
    with pytest.raises(InputError, match="not a whole run"):
        exported("image-0000000000", "--home", home)
