"""Two processes that train one network: the same weights on both, and the gradient of their batches put together."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import ranks
import torch
from made_patches import made_cache, made_cohort, made_matrices
from safetensors.torch import load_file

from learn.image.distributed import Group, joined
from learn.image.journal import read_log

HELPERS = Path(ranks.__file__).parent


def launch(folder: Path, task: str) -> None:
    """Two ranks on this machine."""
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "PYTHONPATH": f"{HELPERS}:{HELPERS.parents[1]}", "OMP_NUM_THREADS": "1"}
    arguments = [*start, str(HELPERS / "ranks.py"), str(folder), task]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=200, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a cache of made patches."""
    where = tmp_path_factory.mktemp("ranks")
    made_cache(where / "cache", made_cohort(made_matrices()))
    return where


def test_the_gradient_of_two_ranks_is_that_of_one_process_on_the_joint_batch(folder: Path) -> None:
    launch(folder, "gradient")
    of_rank = [load_file(folder / f"gradient-{rank}.safetensors") for rank in (0, 1)]
    cache = ranks.PatchCache.open(folder / "cache")
    joint = replace(ranks.EXACT, batch=2 * ranks.EXACT.batch)
    expected = ranks.first_gradient(cache, joint, Group(), folder / "alone")
    assert of_rank[0].keys() == of_rank[1].keys() == expected.keys()
    assert len(expected) > 20
    for name, value in expected.items():
        assert torch.equal(of_rank[0][name], of_rank[1][name]), name
        torch.testing.assert_close(of_rank[0][name], value, rtol=1e-4, atol=1e-6)
    half = ranks.first_gradient(cache, ranks.EXACT, Group(), folder / "half")
    assert not torch.allclose(half["score.weight"], expected["score.weight"], rtol=1e-2)
    assert {(folder / f"said-{rank}").read_bytes() for rank in (0, 1)} == {b"from rank 0"}


def test_two_ranks_train_one_run_and_only_one_of_them_writes(folder: Path) -> None:
    launch(folder, "train")
    digests = {(folder / f"weights-{rank}").read_text() for rank in (0, 1)}
    assert len(digests) == 1
    (run,) = (path for path in (folder / "runs").iterdir() if path.suffix != ".training")
    rows = read_log(run.with_name(f"{run.name}.training") / "log" / "log.csv")
    assert [int(row["step"]) for row in rows] == sorted({int(row["step"]) for row in rows})
    assert int(rows[-1]["step"]) == 8


def test_a_process_that_nobody_started_with_others_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined() as group:
        assert group == Group(0, 1, 0)
        assert group.writes
        assert group.share(b"mine") == b"mine"
        group.wait()
