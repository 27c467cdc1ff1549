"""The log of a training, which has every step once however often it was interrupted."""

from __future__ import annotations

import errno
import importlib
from pathlib import Path

import pytest

from kg.errors import TrainingError, UsageError
from learn.image.journal import COLUMNS, Journal, read_log


def written(folder: Path, after: int, steps: list[int]) -> list[int]:
    """Steps in the log once a training that begins at ``after`` has written rows for ``steps``."""
    journal = Journal(folder, after)
    for step in steps:
        journal.write(step, {"epoch": 1, "loss": step / 3})
    journal.close()
    return [int(row["step"]) for row in read_log(folder / "log.csv")]


def test_rows_have_the_columns_and_what_was_given(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(10, {"epoch": 1, "loss": 1 / 3, "learning_rate": 0.01})
    journal.close()
    header, row = (tmp_path / "log.csv").read_text().splitlines()
    assert tuple(header.split(",")) == COLUMNS
    assert row.split(",")[:3] == ["10", "1", "0.333333"]
    assert read_log(tmp_path / "log.csv")[0]["learning_rate"] == "0.01"
    assert read_log(tmp_path / "absent.csv") == []


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(20, [10, 20, 25, 30], id="rows after the checkpoint go"),
        pytest.param(40, [10, 20, 30, 40, 25, 30], id="none went"),
        pytest.param(0, [25, 30], id="from the beginning"),
    ],
)
def test_a_continued_training_takes_out_what_came_after_its_checkpoint(
    tmp_path: Path, after: int, expected: list[int]
) -> None:
    assert written(tmp_path, 0, [10, 20, 30, 40]) == [10, 20, 30, 40]
    assert written(tmp_path, after, [25, 30]) == expected


def test_a_row_that_a_kill_cut_off_is_left_out(tmp_path: Path) -> None:
    written(tmp_path, 0, [10, 20])
    with (tmp_path / "log.csv").open("a") as file:
        file.write("30,1,0.2")
    assert [row["step"] for row in read_log(tmp_path / "log.csv")] == ["10", "20"]
    assert written(tmp_path, 20, [30]) == [10, 20, 30]


def test_tensorboard_shows_a_continued_training_without_what_was_repeated(tmp_path: Path) -> None:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for after, steps in ((0, [10, 20, 30]), (10, [20, 30, 40])):
        journal = Journal(tmp_path, after, tensorboard=True)
        for step in steps:
            journal.write(step, {"loss": step + after})
        journal.close()
    events = event_accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(10, 10), (20, 30), (30, 40), (40, 50)]


def test_without_tensorboard_installed_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(UsageError, match=r"lesionkg\[tensorboard\]"):
        Journal(tmp_path, tensorboard=True)


def test_a_full_disk_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(TrainingError, match=r"No space left on device.*last checkpoint"):
        journal.write(1, {"loss": 0.5})
    with pytest.raises(TrainingError, match=r"No space left on device.*last checkpoint"):
        Journal(tmp_path)
