"""The figures an evaluation gives, as plain values."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from learn.bootstrap import Interval
from learn.retrieval import Retrieval

SUFFICIENT = 10
"""Positives below which a label's figures are marked as insufficient evidence."""


@dataclass(frozen=True)
class Decisions:
    """Figures of one way of deciding. Macro: mean over labels with a positive; micro: all pairs pooled.

    ``precision_one``, ``_zero`` and ``_nan`` differ in what a never predicted label counts
    (:class:`learn.metrics.Undefined`).
    """

    precision_one: float
    precision_zero: float
    precision_nan: float
    recall: float
    f1: float
    f1_by_class: dict[str, float]
    micro_precision: float
    micro_recall: float
    micro_f1: float
    never_predicted: int


@dataclass(frozen=True)
class Coherence:
    """Broken relations in decided label sets."""

    lesions_incoherent: int
    missing_ancestors: int
    exclusive_pairs: int


@dataclass(frozen=True)
class Way:
    """One way of deciding label sets: how right they are, and how coherent."""

    decisions: Decisions
    coherence: Coherence


@dataclass(frozen=True)
class Group:
    """Lesions of one sex, age group or size. The area under the curve covers labels with enough positives in it."""

    by: str
    group: str
    lesions: int
    patients: int
    labels: int
    macro_auc: float
    interval: Interval
    micro_precision: float
    micro_recall: float
    micro_f1: float


@dataclass(frozen=True)
class SplitEvaluation:
    """Figures of one split.

    Attributes:
        lesions, patients: how many.
        macro_auc: mean area under the ROC curve over labels that have both classes, of the mean score of all seeds.
        macro_auc_interval: 95 %, patients resampled.
        macro_auc_sufficient: the same over labels with at least :data:`SUFFICIENT` positives.
        insufficient_labels: how many have fewer.
        weighted_auc: mean weighted by positives.
        auc_by_class: mean for each label class.
        seed_macro_auc: macro area under the curve of each seed's network alone.
        seed_macro_auc_mean, seed_macro_auc_sd: over seeds.
        paper: thresholds from the released grid, then ancestors added.
            Where the recipe asks for a fixed number of labels: those that score most.
        coherent: the run's thresholds and the coherent decoder that the evaluation was asked for.
        coherence: of plain thresholds, of the paper's way, and of the coherent one.
        coherent_auc: macro area under the curve of scores that respect relations: ``max_constraint`` and
            ``exact_marginals``, each of the scores and ``_calibrated`` of the probabilities; NaN
            where relations are too dense for exact inference (:mod:`kg.junction_tree`).
        ways: every way of deciding by name (:class:`learn.decode.Decoder`); ``paper`` with thresholds from the released
            grid, ``exact`` only where relations are sparse enough.
        calibration_error: expected calibration error of the scores, and of the calibrated probabilities.
        retrieval: labels shared with the nearest lesions of other patients of the same split.
        groups: breakdown by sex, age and lesion size.
    """

    lesions: int
    patients: int
    macro_auc: float
    macro_auc_interval: Interval
    macro_auc_sufficient: float
    insufficient_labels: int
    weighted_auc: float
    auc_by_class: dict[str, float]
    seed_macro_auc: tuple[float, ...]
    seed_macro_auc_mean: float
    seed_macro_auc_sd: float
    paper: Decisions
    coherent: Decisions
    coherence: dict[str, Coherence]
    coherent_auc: dict[str, float]
    ways: dict[str, Way]
    calibration_error: dict[str, float]
    retrieval: tuple[Retrieval, ...]
    groups: tuple[Group, ...]

    @property
    def one_network(self) -> str:
        """Macro area under the curve of one network alone in words: mean, and spread where there are several."""
        spread = "" if np.isnan(self.seed_macro_auc_sd) else f" ± {self.seed_macro_auc_sd:.4f}"
        return f"{self.seed_macro_auc_mean:.4f}{spread}"


@dataclass(frozen=True)
class LabelFigures:
    """One label on the test split; NaN where not defined.

    ``precision``, ``recall`` and ``f1`` are of the coherent decision at the run's thresholds; those that begin with
    ``paper`` of the paper's, with thresholds from the released grid.
    """

    label_id: str
    name: str
    label_class: str
    train_positives: int
    val_positives: int
    test_positives: int
    auc: float
    auc_low: float
    auc_high: float
    precision: float
    recall: float
    f1: float
    threshold: float
    evidence: str
    paper_precision: float
    paper_recall: float
    paper_f1: float


@dataclass(frozen=True)
class Evaluation:
    """Figures of a run by split, and of every label on the test split.

    ``decoder`` names the coherent way of deciding that they tell of where they do not name another.
    ``splits`` has ``val`` and ``test``, and ``hand`` where hand-labelled lesions were judged. ``shared_patients``
    counts the patients that two splits have in common, by ``train and val`` and so on.
    """

    run_id: str
    decoder: str
    shared_patients: dict[str, int]
    splits: Mapping[str, SplitEvaluation]
    labels: tuple[LabelFigures, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not defined is None."""
        out: dict[str, Any] = {split: _plain(asdict(figures)) for split, figures in self.splits.items()}
        return {**out, "decoder": self.decoder, "shared_patients": self.shared_patients}

    def per_label(self) -> list[dict[str, Any]]:
        """One plain dictionary a label, in column order."""
        return [_plain(asdict(label)) for label in self.labels]

    def per_label_csv(self) -> str:
        """The same as CSV text; empty cells where not defined."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(asdict(self.labels[0])), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.per_label())
        return text.getvalue()


def _plain(value: Any) -> Any:
    """The same with None for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value
