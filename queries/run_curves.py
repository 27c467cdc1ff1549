"""Curves of a run on its test lesions, from the predictions it stored and the labels of its cohort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kg.cohort import Cohort
from kg.errors import InputError
from kg.graph_cohort import load_cohort
from kg.store import GraphStore
from learn.metrics import precision_at, precision_recall, reliability
from queries.run_files import RunFiles

_LEVELS = np.linspace(0, 1, 51)


@dataclass(frozen=True, slots=True)
class Curve:
    """A line.

    Attributes:
        name: what it is of.
        points: x and y.
    """

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class TestCurves:
    """Attributes:
    lesions: test lesions behind them.
    precision_recall: precision over recall, mean of the labels and all pairs pooled. Precision at a level of recall
        is the best at or above it.
    reliability: share of positives over the mean score, and over the mean calibrated probability, of all pairs.
    """

    lesions: int
    precision_recall: tuple[Curve, ...]
    reliability: tuple[Curve, ...]


def read_curves(store: GraphStore, files: RunFiles) -> TestCurves:
    """The curves of a run.

    Args:
        store: the graph with the run's cohort.
        files: the run.

    Raises:
        CohortError: the graph does not have its cohort as it was.
        InputError: its predictions are missing or altered, or not of this cohort.
    """
    config = files.config
    cohort = load_cohort(store, config.cohort)
    if cohort.label_ids != config.label_ids:
        raise InputError(f"run {config.id}: its labels are not those of cohort {cohort.id}; train again")
    stored = files.predictions("lesion", "score", "probability")
    part, rows = _test(cohort, stored["lesion"].to_pylist())
    truth = part.relevant_matrix().toarray()
    used = ~(part.uncertain_matrix().toarray() & ~truth)
    score, probability = (
        np.stack(stored[name].take(rows).combine_chunks().to_numpy(zero_copy_only=False))
        for name in ("score", "probability")
    )
    each = precision_at(*precision_recall(truth, score, used), _LEVELS)
    pooled = precision_at(
        *precision_recall(truth.ravel()[:, None], score.ravel()[:, None], used.ravel()[:, None]), _LEVELS
    )
    defined = ~np.isnan(each[0])
    return TestCurves(
        lesions=part.size,
        precision_recall=(
            _curve(f"mean of {int(defined.sum())} labels", _LEVELS, each[:, defined].mean(axis=1)),
            _curve("all pairs pooled", _LEVELS, pooled[:, 0]),
        ),
        reliability=tuple(
            _reliability(name, values, truth, used)
            for name, values in (("score", score), ("calibrated probability", probability))
        ),
    )


def _test(cohort: Cohort, lesions: Sequence[str]) -> tuple[Cohort, list[int]]:
    """Labelled test lesions that the run says something of, and their rows in its predictions."""
    row_of = {lesion: row for row, lesion in enumerate(lesions)}
    part = cohort.subset("test")
    part = part.filter(np.diff(part.relevant_matrix().indptr) > 0)
    part = part.filter(np.array([lesion in row_of for lesion in part.table["lesion"].to_pylist()], bool))
    return part, [row_of[lesion] for lesion in part.table["lesion"].to_pylist()]


def _reliability(name: str, values: np.ndarray, truth: np.ndarray, used: np.ndarray) -> Curve:
    expected, positive, count = reliability(values, truth, used)
    some = count > 0
    return _curve(name, expected[some] / count[some], positive[some] / count[some])


def _curve(name: str, x: np.ndarray, y: np.ndarray) -> Curve:
    return Curve(name, tuple((round(float(a), 5), round(float(b), 5)) for a, b in zip(x, y, strict=True)))
