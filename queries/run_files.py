"""What a run's folder tells without the libraries that trained it: configuration, figures, curves, model card."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.release import PHANTOM
from kg.errors import InputError

_CONFIG = "config.json"
_FORMAT = "lesionkg-run/"
_TRAINING, _LOG = ".training", "log/log.csv"
"""What the folder of a training is called after its run's, and where its log lies in it."""


@dataclass(frozen=True)
class RunConfig:
    """How a run was made.

    Attributes:
        id: its id.
        features: ``metadata`` or ``image``.
        saw_pixels: whether it looked at images.
        cohort: id of its cohort.
        label_set: the labels that it predicts.
        label_ids: their ids, in the order of its columns.
        revision: revision of the ontology it was trained on.
        matrix_hash: of the relations it was trained on.
        created: when, ISO 8601, UTC.
        seeds: one a network.
        recipe: every choice of the training.
        files: SHA-256 of each other file.
    """

    id: str
    features: str
    saw_pixels: bool
    cohort: str
    label_set: str
    label_ids: tuple[str, ...]
    revision: int
    matrix_hash: str
    created: str
    seeds: tuple[int, ...]
    recipe: Mapping[str, Any]
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One label on the test lesions; None where a figure is not defined.

    Attributes:
        id: its id.
        name: as it was called when it was trained.
        label_class: its class.
        positives: lesions with it, by split.
        figures: value by name: ``auc``, ``auc_low``, ``auc_high``, ``precision``, ``recall``, ``f1``, ``threshold``.
        sufficient: whether there are enough positives for its own figures to tell something.
    """

    id: str
    name: str
    label_class: str
    positives: Mapping[str, int]
    figures: Mapping[str, float | None]
    sufficient: bool


class RunFiles:
    """A run's folder, read file by file; each file is checked against the hash that the run noted.

    Args:
        folder: the folder.

    Attributes:
        config: how the run was made.

    Raises:
        InputError: it holds no run of a format that can be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            stored = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
            if not str(stored["format"]).startswith(_FORMAT):
                raise InputError(f"format {stored['format']!r}, expected {_FORMAT}1")
            self.config = _config(stored)
        except InputError as error:
            raise InputError(f"run {folder.name}: {error}; train again") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"run {folder.name}: {_CONFIG} cannot be read ({type(error).__name__}); train again, or remove it"
            ) from error

    def metrics(self) -> dict[str, Any]:
        """What the evaluation said, by split.

        Raises:
            InputError: the file is missing or altered.
        """
        found: dict[str, Any] = json.loads(self._text("metrics.json"))
        return found

    def labels(self) -> tuple[LabelRow, ...]:
        """Figures of every label on test lesions.

        Raises:
            InputError: the file is missing or altered.
        """
        return tuple(_label(row) for row in csv.DictReader(io.StringIO(self._text("per_label.csv"))))

    def card(self) -> str:
        """The model card, Markdown.

        Raises:
            InputError: the file is missing or altered.
        """
        return self._text("model_card.md")

    def predictions(self, *columns: str) -> pa.Table:
        """Columns of the stored predictions.

        Raises:
            InputError: the file is missing or altered.
        """
        return pq.read_table(io.BytesIO(self._bytes("predictions.parquet")), columns=list(columns))

    def is_synthetic(self) -> bool:
        """Whether its lesions are made up: no patient stands behind them.

        Raises:
            InputError: its predictions cannot be read.
        """
        try:
            with pq.ParquetFile(self._folder / "predictions.parquet") as file:
                first = next(file.iter_batches(batch_size=1, columns=["lesion"]), None)
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"run {self.config.id}: its predictions cannot be read; train again") from error
        return first is not None and first.num_rows > 0 and str(first["lesion"][0]).startswith(PHANTOM.prefix)

    def log(self) -> list[dict[str, float]]:
        """Rows of the training's log, where one was kept; values that are no numbers are left out."""
        path = self._folder.with_name(self._folder.name + _TRAINING) / _LOG
        if not path.is_file():
            return []
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return [{name: value for name, text in row.items() if (value := _number(text)) is not None} for row in rows]

    def _bytes(self, name: str) -> bytes:
        try:
            content = (self._folder / name).read_bytes()
        except OSError as error:
            raise InputError(f"run {self.config.id}: {name} cannot be read ({error.strerror}); train again") from error
        if hashlib.sha256(content).hexdigest() != self.config.files.get(name):
            raise InputError(f"run {self.config.id}: {name} is not the file that was written; train again")
        return content

    def _text(self, name: str) -> str:
        return self._bytes(name).decode("utf-8")


def _config(stored: Mapping[str, Any]) -> RunConfig:
    return RunConfig(
        id=str(stored["run_id"]),
        features=str(stored["features"]),
        saw_pixels=bool(stored["saw_pixels"]),
        cohort=str(stored["cohort"]),
        label_set=str(stored["label_set"]),
        label_ids=tuple(map(str, stored["label_ids"])),
        revision=int(stored["revision"]),
        matrix_hash=str(stored["matrix_hash"]),
        created=str(stored["created"]),
        seeds=tuple(map(int, stored["seeds"])),
        recipe=dict(stored["recipe"]),
        files=dict(stored["files"]),
    )


def _label(row: Mapping[str, str]) -> LabelRow:
    names = ("auc", "auc_low", "auc_high", "precision", "recall", "f1", "threshold")
    return LabelRow(
        row["label_id"],
        row["name"],
        row["label_class"],
        {split: int(row[f"{split}_positives"]) for split in ("train", "val", "test")},
        {name: _number(row[name]) for name in names},
        row["evidence"] == "sufficient",
    )


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
