"""Trained models and an erased patient: which saw him, and what their folders hold of him.

Weights cannot be unlearned: a model that was trained on him is only told of. Its predictions for his lesions go.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kg.errors import InputError
from kg.store import GraphStore

CONFIG, PREDICTIONS = "config.json", "predictions.parquet"
_FORMAT = "lesionkg-run/1"


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """A model that was trained, chosen or judged on lesions of a patient.

    Attributes:
        run: its id.
        cohort: id of its cohort.
        splits: lesions of the patient in each split; empty when the graph does not have the cohort.
        where: its folder, ``graph`` for a model whose folder is not in this data folder.
    """

    run: str
    cohort: str
    splits: Mapping[str, int]
    where: str

    @property
    def words(self) -> str:
        """One line about it."""
        counts = ", ".join(f"{n} {split}" for split, n in self.splits.items()) or "an unknown number of"
        return f"{self.run} ({self.where}): {counts} lesions of cohort {self.cohort}"


def find_runs(home: Path) -> dict[Path, dict[str, Any]]:
    """Folders of runs anywhere in a data folder, with their configurations."""
    found = {}
    for path in sorted(home.rglob(CONFIG)):
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(config, dict) and config.get("format") == _FORMAT:
            found[path.parent] = config
    return found


def trained_runs(
    store: GraphStore, home: Path, lesions: Collection[str], cohorts: Mapping[str, Mapping[str, int]]
) -> tuple[TrainedRun, ...]:
    """The models that saw a patient.

    Args:
        store: the graph, whose cohorts and published models count too.
        home: the data folder.
        lesions: the patient's.
        cohorts: his lesions in each split of each cohort of the graph.
    """
    known = {row["id"] for row in store.read("MATCH (c:Cohort) RETURN c.id AS id ORDER BY id")}
    found: dict[str, TrainedRun] = {}
    for folder, config in find_runs(home).items():
        cohort = str(config.get("cohort", ""))
        splits = dict(cohorts.get(cohort, {}))
        if splits or cohort not in known or _predicted(folder, lesions):
            run = str(config.get("run_id", folder.name))
            found[run] = TrainedRun(run, cohort, splits, str(folder.relative_to(home)))
    for row in store.read("MATCH (m:Model) RETURN m.id AS id, m.cohort AS cohort ORDER BY id"):
        if row["id"] not in found and row["cohort"] in cohorts:
            found[row["id"]] = TrainedRun(row["id"], row["cohort"], dict(cohorts[row["cohort"]]), "graph")
    return tuple(found[run] for run in sorted(found))


def erase_from_run(folder: Path, lesions: Collection[str]) -> int:
    """Take the predictions for lesions out of a run's folder, which stays whole.

    Killed at any moment, doing it again ends in the same state: the new file lies beside the old one until the
    configuration names it.

    Returns:
        How many lesions it held.

    Raises:
        InputError: not a whole run.
    """
    path, partial = folder / PREDICTIONS, folder / f"{PREDICTIONS}.partial"
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if partial.exists() and _digest(partial) == config["files"][PREDICTIONS]:
            _take_place(partial, path)
        partial.unlink(missing_ok=True)
        table = pq.read_table(path)
        keep = pc.invert(pc.is_in(table["lesion"], pa.array(sorted(lesions), pa.string())))
        left = table.filter(keep)
        gone = int(table.num_rows - left.num_rows)
        if gone:
            pq.write_table(left, partial, compression="zstd")
            config["files"][PREDICTIONS] = _digest(partial)
            config["erased"] = int(config.get("erased", 0)) + gone
            beside = folder / f"{CONFIG}.partial"
            beside.write_text(json.dumps(config, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            beside.replace(folder / CONFIG)
            _take_place(partial, path)
        return gone
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise InputError(
            f"{folder}: not a whole run ({type(error).__name__}); remove the folder, then erase again"
        ) from error


def _predicted(folder: Path, lesions: Collection[str]) -> bool:
    try:
        stored = pq.read_table(folder / PREDICTIONS, columns=["lesion"])["lesion"]
    except (OSError, ValueError, pa.ArrowException):
        return True  # what cannot be read may well have seen him
    return bool(set(stored.to_pylist()) & set(lesions))


def _take_place(partial: Path, path: Path) -> None:
    partial.replace(path)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
