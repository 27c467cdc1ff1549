"""Checkpoints: whole or not there, and continued only by the training they belong to."""

from __future__ import annotations

import errno
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from kg.errors import InputError, TrainingError, UnsafeInputError
from learn.image.checkpoint import Best, Checkpoint, Origin, Position, refuse_pickle

ORIGIN = Origin(("M:0", "M:1"), "a" * 64, "made-0123456789", "b" * 64, "c" * 64, {"seed": 0, "batch": 6}, 1)


def checkpoint(epoch: int = 1, size: int = 40) -> Checkpoint:
    """A checkpoint with tensors of several kinds."""
    tensors = {
        "network.weight": torch.arange(float(size)).view(2, -1) + epoch,
        "network.count": torch.tensor(7),
        "optimiser.weight.momentum_buffer": torch.ones(size),
    }
    return Checkpoint(ORIGIN, Position(epoch, 3), Best(0, 0.25, 0.75), ("d" * 64,), tensors)


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    written = checkpoint()
    written.save(tmp_path / "a" / "checkpoint.safetensors")
    back = Checkpoint.load(tmp_path / "a" / "checkpoint.safetensors")
    assert (back.origin, back.position, back.best) == (written.origin, written.position, written.best)
    assert back.other_relations == ("d" * 64,)
    assert back.tensors.keys() == written.tensors.keys()
    for name, value in written.tensors.items():
        assert torch.equal(back.tensors[name], value), name
    assert set(back.part("optimiser")) == {"weight.momentum_buffer"}
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["checkpoint.safetensors"]


def test_tensors_of_any_memory_layout_can_be_written(tmp_path: Path) -> None:
    value = torch.rand(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    saved = replace(checkpoint(), tensors={"network.a": value, "network.b": value})
    saved.save(tmp_path / "x.safetensors")
    assert torch.equal(Checkpoint.load(tmp_path / "x.safetensors").tensors["network.b"], value)


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "model.PKL", "model.ckpt"])
def test_a_pickle_file_is_refused_by_its_name_though_nobody_looked_inside(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(UnsafeInputError, match=r"pickle checkpoint.*safetensors"):
        Checkpoint.load(tmp_path / name)


def _trap(path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
            return (Path.write_text, (path.parent / "sprung", "x"))  # type: ignore[return-value]

    path.write_bytes(pickle.dumps(Trap()))


def _torch_zip(path: Path) -> None:
    torch.save({"weight": torch.ones(2)}, path)


def _torch_legacy(path: Path) -> None:
    torch.save({"weight": torch.ones(2)}, path, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize("write", [_trap, _torch_zip, _torch_legacy])
def test_a_pickle_file_is_refused_under_any_name_and_runs_nothing(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    write(path)
    with pytest.raises(UnsafeInputError, match="pickle checkpoint"):
        Checkpoint.load(path)
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(UnsafeInputError):
        refuse_pickle(path)


def test_a_checkpoint_whose_first_byte_is_that_of_a_pickle_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    found = set()
    for longer in range(32):
        # The header grows by eight bytes each time, so its length takes every multiple of eight as its low byte.
        written = replace(checkpoint(), other_relations=("d" * 8 * longer,))
        written.save(path)
        assert Checkpoint.load(path).other_relations == written.other_relations
        found.add(path.read_bytes()[0])
    assert 0x80 in found


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint().save(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=r"not a whole checkpoint.*--restart"):
        Checkpoint.load(path)


def test_another_safetensors_file_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"weight": torch.ones(2)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="not a whole checkpoint"):
        Checkpoint.load(tmp_path / "other.safetensors")
    save_file({"weight": torch.ones(2)}, tmp_path / "newer.safetensors", {"lesionkg": json.dumps({"format": "x/9"})})
    with pytest.raises(InputError, match="format 'x/9'"):
        Checkpoint.load(tmp_path / "newer.safetensors")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"label_ids": ("M:1", "M:0")}, "not in that order", id="label order"),
        pytest.param({"label_ids": ("M:0",)}, "2 labels are not the 1", id="label count"),
        pytest.param(
            {"matrix_hash": "d" * 64, "cohort": "made-9"}, "other relations.*--allow-other-relations", id="hash"
        ),
        pytest.param({"recipe": {"seed": 0, "batch": 8}}, r"another recipe \(batch 6, here 8\)", id="recipe"),
        pytest.param({"label_data_hash": "e" * 64}, "other labels of the lesions", id="label data"),
        pytest.param({"cohort": "made-9"}, "another cohort", id="cohort"),
        pytest.param({"inputs": "f" * 64}, "other patches", id="patches"),
        pytest.param({"ranks": 2}, "another number of processes", id="ranks"),
    ],
)
def test_only_its_own_training_continues_a_checkpoint(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        checkpoint().require(replace(ORIGIN, **changed), Path("there"))


def test_other_relations_are_taken_when_asked_for_and_said() -> None:
    other = replace(ORIGIN, matrix_hash="d" * 64, cohort="made-9")
    said = checkpoint().require(other, Path("there"), allow_other_relations=True)
    assert "other relations (matrix hash aaaaaaaaaa)" in said
    assert checkpoint().require(ORIGIN, Path("there"), allow_other_relations=True) == ""
    with pytest.raises(TrainingError, match="another recipe"):
        checkpoint().require(replace(other, recipe={}), Path("there"), allow_other_relations=True)
    with pytest.raises(TrainingError, match="not in that order"):
        checkpoint().require(replace(other, label_ids=("M:1", "M:0")), Path("there"), allow_other_relations=True)


_FULL = """
import resource, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from test_checkpoint import checkpoint
from kg.errors import TrainingError
path = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    checkpoint(epoch=2, size=100_000).save(path)
except TrainingError as error:
    print(error)
"""


def test_a_file_that_cannot_grow_leaves_the_older_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint(epoch=1).save(path)
    before = path.read_bytes()
    arguments = [sys.executable, "-c", _FULL, str(path), str(Path(__file__).parent)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    assert "could not be written" in done.stdout, done.stderr
    assert "the one before it is intact" in done.stdout
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint.safetensors"]


@pytest.mark.parametrize("broken", ["learn.image.checkpoint.save_file", "os.fsync"])
def test_a_full_disk_is_said_in_one_line_and_leaves_the_older_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    checkpoint(epoch=1).save(path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(broken, full)
    with pytest.raises(TrainingError, match=r"No space left on device.*free some space") as caught:
        checkpoint(epoch=2).save(path)
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert Checkpoint.load(path).position.epoch == 1
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint.safetensors"]
