"""What a change of the ontology does to a model: the same network trained on what each ontology makes of the same data.

Both trainings see the same lesions, features and seeds; only the expanded labels, reliable negatives and relations
differ. Which labels are true is itself what the change is about, so both models are judged by two yardsticks: the test
lesions' relevant labels as expanded by the ontology before, and by the one after. Every comparison is between two
models on one yardstick, never between yardsticks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.mentions import asserted_labels, listed_parents
from ingest.release import Release
from kg import algebra
from kg.algebra import BoolMatrix
from kg.cohort import Cohort
from kg.curation.label_data import LabelData
from kg.errors import TrainingError, UsageError
from kg.matrices import RelationMatrices
from kg.ontology import Ontology
from kg.shipped import load_shipped
from learn.bootstrap import REPLICATES, Interval, Resampling, interval, macro
from learn.features import MetadataFeatures
from learn.metrics import Counts, auc, mean
from learn.predict import member_outputs
from learn.recipe import Recipe, Relations
from learn.targets import Targets, training_targets
from learn.thresholds import grid_thresholds
from learn.training import Progress, train_members

_RELEASED = "lesanet-released"


@dataclass(frozen=True, slots=True)
class Paired:
    """A figure of two models, seed by seed; NaN where it is not defined.

    Attributes:
        before: of the models trained before the change, one for each seed.
        after: of those trained after it, in the same order.
        interval: 95 % interval of the difference of the seeds' mean scores, patients resampled; None where it was not
            computed.
    """

    before: tuple[float, ...]
    after: tuple[float, ...]
    interval: Interval | None = None

    @property
    def difference(self) -> float:
        """Mean difference over seeds, after less before."""
        return float(np.mean(self._differences))

    @property
    def spread(self) -> float:
        """Standard deviation of the difference over seeds; NaN for one seed."""
        return float(np.std(self._differences, ddof=1)) if len(self.before) > 1 else float("nan")

    @property
    def better(self) -> int:
        """Seeds whose figure grew."""
        return int((self._differences > 0).sum())

    @property
    def _differences(self) -> np.ndarray:
        return np.subtract(self.after, self.before)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "before": [_plain(x) for x in self.before],
            "after": [_plain(x) for x in self.after],
            "difference": _plain(self.difference),
            "spread": _plain(self.spread),
            "seeds_better": self.better,
            "interval": None if self.interval is None else [_plain(self.interval.low), _plain(self.interval.high)],
        }


@dataclass(frozen=True, slots=True)
class Figures:
    """Area under the ROC curve, and F1 with thresholds from validation lesions and ancestors added."""

    auc: Paired
    f1: Paired

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"auc": self.auc.as_dict(), "f1": self.f1.as_dict()}


@dataclass(frozen=True)
class Yardstick:
    """Both models judged by one reading of the test lesions.

    Attributes:
        truth: ``before`` or ``after``: the ontology that expands the relevant labels.
        positives: test lesions with each label, by label id.
        labels: figures of each label that the change affects, by label id.
        macro: mean over labels: ``all``, ``affected`` and ``others``; a group without a label is left out.
    """

    truth: str
    positives: Mapping[str, int]
    labels: Mapping[str, Figures]
    macro: Mapping[str, Figures]


@dataclass(frozen=True)
class Retraining:
    """The metadata model before and after a change. It saw no pixels.

    Attributes:
        cohort: id of the cohort whose lesions and split were used.
        seeds: one network each, before and after.
        training: training lesions.
        test: test lesions.
        patients: their patients.
        names: preferred name by id of the labels that both label sets have.
        affected: ids of labels whose training labels, reliable negatives or truth differ, most changed first.
        unpaired: names of labels that only one of the label sets has.
        yardsticks: ``before`` and ``after``.
    """

    cohort: str
    seeds: tuple[int, ...]
    training: int
    test: int
    patients: int
    names: Mapping[str, str]
    affected: tuple[str, ...]
    unpaired: tuple[str, ...]
    yardsticks: tuple[Yardstick, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "model": "metadata",
            "saw_pixels": False,
            "cohort": self.cohort,
            "seeds": list(self.seeds),
            "training_lesions": self.training,
            "test_lesions": self.test,
            "test_patients": self.patients,
            "affected": [{"id": i, "name": self.names[i]} for i in self.affected],
            "labels_of_one_set_only": list(self.unpaired),
            "yardsticks": {
                each.truth: {
                    "macro": {group: figures.as_dict() for group, figures in each.macro.items()},
                    "labels": [
                        {"id": i, "name": self.names[i], "positives": each.positives[i], **figures.as_dict()}
                        for i, figures in each.labels.items()
                    ],
                }
                for each in self.yardsticks
            },
        }


def released_label_data(label_set: str = "lesanet-171") -> tuple[Cohort, LabelData]:
    """The shipped lesions with LesaNet's split and labels, no graph needed: what was said, listed parents taken out.

    The cohort lists the labels as released; its relations are those of the shipped, repaired ontology.
    """
    release = Release.shipped()
    cohort = release.cohort(RelationMatrices.from_ontology(load_shipped(), label_set))
    said = asserted_labels(release.labels, listed_parents(load_shipped(_RELEASED), label_set))
    order = np.argsort(release.labels.table["index"].to_numpy())
    data = LabelData.of_cohort(cohort, said.has[order], said.may_have[order])
    return cohort, replace(data, name="the shipped DeepLesion labels as said, listed parents taken out")


def retrain(
    before: Ontology,
    after: Ontology,
    cohort: Cohort,
    data: LabelData,
    recipe: Recipe,
    progress: Progress | None = None,
    replicates: int = REPLICATES,
) -> Retraining:
    """Train the metadata model with each ontology and compare.

    Args:
        before: the ontology as it is.
        after: the ontology after the change.
        cohort: lesions with their metadata and split; its label set names the columns.
        data: what is said of these lesions (and perhaps of others).
        recipe: every choice of the training; its seeds are trained for both.
        progress: told about epochs done, over both trainings.
        replicates: data sets of resampled patients behind each interval.

    Raises:
        TrainingError: a split has no lesion to use, or training diverged.
        UsageError: the recipe does not expand labels, or an ontology lacks the label set.
        OntologyError: a reference does not resolve, or a hierarchy has a cycle.
    """
    if recipe.labels is not Relations.EXPANDED:
        raise UsageError("retraining: labels that are not expanded tell nothing of a change; take an expanding recipe")
    place = {lesion: i for i, lesion in enumerate(data.lesions.tolist())}
    known = np.array([lesion in place for lesion in cohort.table["lesion"].to_pylist()], bool)
    part = cohort.filter(cohort.has_metadata & known)
    rows = np.array([place[lesion] for lesion in part.table["lesion"].to_pylist()], np.int64)
    readings = tuple(_Reading(ontology, cohort.label_set, data, rows) for ontology in (before, after))
    splits = _splits(part, readings)
    feature_map = MetadataFeatures.fit(part.table.filter(pa.array(splits["train"])), recipe.frequencies, recipe.midline)
    features = feature_map.transform(part.table)
    scores = [
        _scores(features, splits["train"], reading, recipe, _half(progress, turn))
        for turn, reading in enumerate(readings)
    ]
    old, new = (reading.matrices for reading in readings)
    shared = [i for i in old.label_ids if i in new.position]
    at = [np.array([matrices.position[i] for i in shared], np.int64) for matrices in (old, new)]
    comparison = _Comparison(
        scores=tuple(score[:, :, columns] for score, columns in zip(scores, at, strict=True)),
        ancestors=tuple(m.ancestors[columns][:, columns] for m, columns in zip((old, new), at, strict=True)),
        val=splits["val"],
        test=splits["test"],
        resampling=Resampling.of(_patients(part)[splits["test"]], replicates),
    )
    truths = [reading.truth(columns) for reading, columns in zip(readings, at, strict=True)]
    moved = _moved([r.targets(splits["train"]) for r in readings], at)
    affected = (moved > 0) | (truths[0][0][splits["test"]] != truths[1][0][splits["test"]]).any(axis=0)
    # Those first of which the change moves most.
    order = [c for c in np.argsort(-moved, kind="stable").tolist() if affected[c]]
    names = dict(zip(old.label_ids, old.names, strict=True)) | dict(zip(new.label_ids, new.names, strict=True))
    return Retraining(
        cohort=cohort.id,
        seeds=recipe.seeds,
        training=int(splits["train"].sum()),
        test=int(splits["test"].sum()),
        patients=len(np.unique(_patients(part)[splits["test"]])),
        names={i: names[i] for i in shared},
        affected=tuple(shared[c] for c in order),
        unpaired=tuple(names[i] for i in names if not (i in old.position and i in new.position)),
        yardsticks=tuple(
            comparison.yardstick(name, shared, truth, order)
            for name, truth in zip(("before", "after"), truths, strict=True)
        ),
    )


class _Reading:
    """What an ontology makes of the chosen lesions."""

    def __init__(self, ontology: Ontology, label_set: str, data: LabelData, rows: np.ndarray) -> None:
        self.matrices = RelationMatrices.from_ontology(ontology, label_set)
        self.matrices.require_consistent()
        ids = self.matrices.label_ids
        self.relevant = data.implied(data.relevant, ontology, ids)[rows]
        self.uncertain = data.implied(data.uncertain, ontology, ids)[rows]

    def targets(self, which: np.ndarray) -> Targets:
        """What some of the lesions teach."""
        return training_targets(self.relevant[which], self.uncertain[which], self.matrices, Relations.EXPANDED)

    def truth(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Relevant labels, and which pairs count, both N x columns bool."""
        relevant = self.relevant[:, columns].toarray()
        return relevant, relevant | ~self.uncertain[:, columns].toarray()


@dataclass(frozen=True, eq=False)
class _Comparison:
    """Two models over the same N lesions and C labels.

    Attributes:
        scores: of each model, S x N x C.
        ancestors: of each model, C x C.
        val, test: shape (N,) bool.
        resampling: of the patients of the test lesions.
    """

    scores: tuple[np.ndarray, ...]
    ancestors: tuple[BoolMatrix, ...]
    val: np.ndarray
    test: np.ndarray
    resampling: Resampling

    def yardstick(
        self, name: str, ids: Sequence[str], truth: tuple[np.ndarray, np.ndarray], affected: Sequence[int]
    ) -> Yardstick:
        """Judge both by one truth (N x C) with its pairs that count; ``affected`` are columns."""
        true, used = (each[self.test] for each in truth)
        areas = [np.stack([auc(true, score[self.test], used) for score in model]) for model in self.scores]
        f1 = [self._f1(model, above, truth) for model, above in zip(self.scores, self.ancestors, strict=True)]
        drawn = [self.resampling.auc(true, model.mean(axis=0)[self.test], used) for model in self.scores]
        difference = drawn[1] - drawn[0]
        occurs = ~np.isnan(areas[0][0])
        inside = np.isin(np.arange(len(occurs)), affected)
        groups = {"all": occurs, "affected": occurs & inside, "others": occurs & ~inside}
        return Yardstick(
            truth=name,
            positives=dict(zip(ids, (true & used).sum(axis=0).tolist(), strict=True)),
            labels={
                ids[c]: Figures(
                    _paired(areas[0][:, c], areas[1][:, c], interval(difference[:, c])),
                    _paired(f1[0][:, c], f1[1][:, c]),
                )
                for c in affected
            },
            macro={
                group: Figures(
                    _paired(_macro(areas[0], where), _macro(areas[1], where), interval(macro(difference[:, where]))),
                    _paired(_macro(f1[0], where), _macro(f1[1], where)),
                )
                for group, where in groups.items()
                if where.any()
            },
        )

    def _f1(self, scores: np.ndarray, ancestors: BoolMatrix, truth: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """F1 on test lesions, S x C: thresholds from the released grid on validation lesions, ancestors added."""
        true, used = truth
        found = []
        for score in scores:
            thresholds = grid_thresholds(true[self.val], score[self.val], used[self.val])
            decided = algebra.expand(score[self.test] >= thresholds, ancestors).toarray()
            found.append(Counts.of(true[self.test], decided, used[self.test]).f1())
        return np.stack(found)


def _splits(part: Cohort, readings: tuple[_Reading, ...]) -> dict[str, np.ndarray]:
    """Lesions to train on and to judge, each N bool: those with a label, whichever ontology reads it."""
    split = np.array(part.table["split"].to_pylist(), str)
    noisy = np.array([bool(value) for value in part.table["noisy"].to_pylist()], bool)
    relevant = np.all([np.diff(r.relevant.indptr) > 0 for r in readings], axis=0)
    labelled = np.all([np.diff(algebra.union(r.relevant, r.uncertain).indptr) > 0 for r in readings], axis=0)
    found = {
        "train": (split == "train") & labelled & ~noisy,
        "val": (split == "val") & relevant,
        "test": (split == "test") & relevant,
    }
    for name, which in found.items():
        if not which.any():
            raise TrainingError(f"cohort {part.id}: no {name} lesion has metadata and a label; give another cohort")
    return found


def _scores(
    features: np.ndarray, train: np.ndarray, reading: _Reading, recipe: Recipe, progress: Progress | None
) -> np.ndarray:
    """Scores of every lesion by the network of each seed, S x N x C."""
    members = train_members(features[train], reading.targets(train), recipe, progress)
    weights = {f"{seed}.{name}": value for seed, state in members.items() for name, value in state.items()}
    return member_outputs(weights, recipe, reading.matrices.size, features)[0]


def _half(progress: Progress | None, turn: int) -> Progress | None:
    """Progress of one of two trainings of the same length, as that of both."""
    return None if progress is None else lambda done, of: progress(turn * of + done, 2 * of)


def _moved(targets: Sequence[Targets], at: Sequence[np.ndarray]) -> np.ndarray:
    """Training cells of each label that are positive or reliably negative on one side only, shape (C,)."""
    old, new = ((t.positive[:, columns], t.reliable[:, columns]) for t, columns in zip(targets, at, strict=True))
    return np.asarray(((old[0] != new[0]) | (old[1] != new[1])).sum(axis=0))


def _patients(part: Cohort) -> np.ndarray:
    return np.array(part.table["patient"].to_pylist(), str)


def _macro(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    return np.array([mean(row, where) for row in values])


def _paired(before: np.ndarray, after: np.ndarray, between: Interval | None = None) -> Paired:
    return Paired(tuple(before.tolist()), tuple(after.tolist()), between)


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
