"""The log of a training: one CSV file, and TensorBoard beside it when asked for.

A training that continues from a checkpoint first takes out the rows that came after it: every step is in the log once.
"""

from __future__ import annotations

import csv
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kg.errors import TrainingError, UsageError

COLUMNS = (
    "step",
    "epoch",
    "loss",
    "classification",
    "refined",
    "mining",
    "triplet",
    "semantic",
    "learning_rate",
    "gradient_norm",
    "images_per_second",
    "waiting_share",
    "val_f1",
    "val_auc",
)
"""``step`` counts steps done since the beginning and ``epoch`` from 1. Losses are means over the steps of a row, each
with its weight in the total; ``waiting_share`` is the share of time spent waiting for data; ``val_*`` are in the row
that ends an epoch."""


class Journal:
    """Writes rows as they come.

    Args:
        folder: gets ``log.csv`` and, for TensorBoard, ``tensorboard``.
        after: steps done where this training begins; rows beyond it are taken out.
        tensorboard: write TensorBoard files too.

    Raises:
        UsageError: TensorBoard is asked for and not installed.
        TrainingError: the log cannot be written.
    """

    def __init__(self, folder: Path, after: int = 0, tensorboard: bool = False) -> None:
        self._path = folder / "log.csv"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._board = _board(folder / "tensorboard", after) if tensorboard else None
            self._begin(after)
        except OSError as error:
            raise _unwritten(self._path, error) from error

    def _begin(self, after: int) -> None:
        kept = [row for row in read_log(self._path) if int(row["step"]) <= after] if after else []
        partial = self._path.with_name("log.csv.partial")
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(kept)
        partial.replace(self._path)

    def write(self, step: int, values: Mapping[str, float | int]) -> None:
        """Append a row.

        Args:
            step: steps done.
            values: by column; a column without a value stays empty.

        Raises:
            TrainingError: it cannot be written.
        """
        try:
            self._write(step, values)
        except OSError as error:
            raise _unwritten(self._path, error) from error

    def _write(self, step: int, values: Mapping[str, float | int]) -> None:
        row = {"step": step, **{name: _short(value) for name, value in values.items()}}
        with self._path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(row)
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Finish the TensorBoard files."""
        if self._board is not None:
            self._board.close()


def read_log(path: Path) -> list[dict[str, str]]:
    """Rows of a log; empty when there is none. A last row that was cut off is left out."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if None not in row.values()]


def _unwritten(path: Path, error: OSError) -> TrainingError:
    return TrainingError(
        f"log {path}: could not be written ({error.strerror}); free some space and give the same command again: the "
        "training continues from its last checkpoint"
    )


def _short(value: float | int) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _board(folder: Path, after: int) -> Any:
    try:
        tensorboard = importlib.import_module("torch.utils.tensorboard")
    except ImportError as error:
        raise UsageError(
            "TensorBoard is not installed; pip install 'lesionkg[tensorboard]', or leave it out"
        ) from error
    # Events beyond the checkpoint are purged: the reader then shows the continued training alone.
    return tensorboard.SummaryWriter(str(folder), purge_step=after + 1 if after else None)
