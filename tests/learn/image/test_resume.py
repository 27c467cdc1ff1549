"""A training that is killed, at any moment, and started again ends with the same weights, bit for bit."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from learn.image.journal import read_log

HELPERS = Path(__file__).parents[2] / "helpers"
ROOT = HELPERS.parents[1]
STEPS = 8
"""Of the tiny training: two epochs of four."""


def attempts(folder: Path, recipe: str, *moments: str) -> Path:
    """Run attempts (see tests/helpers/killed_training.py) and return the folder of the finished run."""
    arguments = [sys.executable, str(HELPERS / "killed_training.py"), str(folder), recipe, *moments, "done"]
    environment = {**os.environ, "PYTHONPATH": f"{HELPERS}:{ROOT}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=280, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    (run,) = (path for path in folder.iterdir() if path.suffix != ".training")
    return run


@pytest.fixture(scope="module", params=["paper", pytest.param("modern", marks=pytest.mark.slow)])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A recipe and the run of a training that nobody interrupted."""
    recipe: str = request.param
    return recipe, attempts(tmp_path_factory.mktemp("whole") / "runs", recipe)


def same(one: Path, other: Path) -> None:
    """Check that two runs and their logs are equal, but for how long things took."""
    assert one.name == other.name
    for name in ("weights.safetensors", "predictions.parquet", "thresholds.json", "metrics.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    logs = []
    for run in (one, other):
        rows = read_log(run.with_name(f"{run.name}.training") / "log" / "log.csv")
        logs.append([{k: v for k, v in row.items() if k not in ("images_per_second", "waiting_share")} for row in rows])
    assert logs[0] == logs[1]
    assert [int(row["step"]) for row in logs[0]][-1] == STEPS


def test_killed_after_steps_and_while_writing_it_ends_with_the_same_weights(
    whole: tuple[str, Path], tmp_path: Path
) -> None:
    recipe, reference = whole
    draw = random.Random(recipe)
    moments = [f"step:{draw.randrange(4, STEPS)}", f"write:{draw.choice((1, 2))}"]
    same(attempts(tmp_path / "runs", recipe, *moments), reference)


@pytest.mark.slow
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_killed_after_any_single_step(whole: tuple[str, Path], tmp_path: Path, step: int) -> None:
    recipe, reference = whole
    same(attempts(tmp_path / "runs", recipe, f"step:{step}"), reference)


@pytest.mark.slow
@pytest.mark.parametrize("write", [1, 2, 5, 6])
def test_killed_while_any_checkpoint_is_written(whole: tuple[str, Path], tmp_path: Path, write: int) -> None:
    recipe, reference = whole
    same(attempts(tmp_path / "runs", recipe, f"write:{write}", "write:1", "write:1"), reference)


@pytest.mark.slow
def test_killed_after_every_step_in_turn(whole: tuple[str, Path], tmp_path: Path) -> None:
    recipe, reference = whole
    same(attempts(tmp_path / "runs", recipe, *(f"step:{step}" for step in range(1, STEPS + 1))), reference)
