"""Trained models as the pages show them: what they are worth, and whether the ontology went on without them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from kg import algebra
from kg.curation.history import RevisionEntry, matrices_as_of, read_revisions
from kg.errors import InputError, LesionKGError, UsageError
from kg.graph_matrices import read_matrices
from kg.matrices import RelationMatrices
from kg.revision import Head, head
from kg.store import GraphStore
from queries.run_files import LabelRow, RunFiles

RUNS, REGISTERED, ABLATION = "runs", "runs-registered", "ablation"
"""Folders of the data folder with runs: trained here, trained elsewhere, and those behind ablation tables."""

_ID = re.compile(r"(metadata|image)-[0-9a-f]{10}")
_MODELS = "MATCH (m:Model) RETURN properties(m) AS model ORDER BY m.created DESC, m.id"


class Currency(StrEnum):
    """Whether a model still fits the ontology."""

    CURRENT = "current"
    """Its relations are those of the newest revision."""
    BEHIND = "behind"
    """The relations of its label set changed since."""
    UNKNOWN = "unknown"
    """The graph does not have its label set."""


@dataclass(frozen=True)
class ModelSummary:
    """One line about a model.

    Attributes:
        id: its id.
        features: ``metadata`` or ``image``.
        saw_pixels: whether it looked at images.
        synthetic: whether its lesions are made up.
        cohort: id of its cohort.
        label_set: the labels that it predicts.
        revision: revision of the ontology it was trained on.
        matrix_hash: of the relations it was trained on.
        created: when, ISO 8601, UTC.
        seeds: one a network.
        currency: whether it still fits the ontology.
        published: whether its predictions are in the graph.
        folder: its run's folder; None for a model that is in the graph only.
        elsewhere: whether it was trained elsewhere and registered here.
        auc: macro area under the ROC curve on test lesions, as stored; None when it is not.
        auc_interval: 95 % of it; None when it is not stored.
        problem: why its folder cannot be read; empty when it can, or is not there.
    """

    id: str
    features: str
    saw_pixels: bool
    synthetic: bool
    cohort: str
    label_set: str
    revision: int
    matrix_hash: str
    created: str
    seeds: tuple[int, ...]
    currency: Currency
    published: bool
    folder: Path | None
    elsewhere: bool
    auc: float | None
    auc_interval: tuple[float, float] | None
    problem: str = ""

    @property
    def sight(self) -> str:
        """What it looked at, in words."""
        return "looked at CT patches" if self.saw_pixels else "saw no pixels"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a model on the lesions of one split.

    Attributes:
        name: what it is.
        value: the figure.
        low, high: its 95 % interval; None when none is stored.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ModelPage:
    """Everything about one model but its curves.

    Attributes:
        summary: the line about it.
        figures: by split.
        evaluated: by split the numbers of lesions and patients that it was judged on.
        labels: figures of every label.
        recipe: every choice of the training.
        groups: figures by sex, age and lesion size on test lesions, as stored.
        card: the model card, Markdown.
    """

    summary: ModelSummary
    figures: Mapping[str, tuple[Figure, ...]]
    evaluated: Mapping[str, tuple[int, int]]
    labels: tuple[LabelRow, ...]
    recipe: Mapping[str, Any]
    groups: tuple[Mapping[str, Any], ...]
    card: str


@dataclass(frozen=True)
class Passed:
    """What changed since a model was trained.

    Attributes:
        revisions: those after its own, newest first.
        ancestors: label pairs, lower and upper, that came and went within its label set (names).
        exclusive: label pairs that came and went, with those that descendants inherit (names).
    """

    revisions: tuple[RevisionEntry, ...]
    ancestors: tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]
    exclusive: tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]


def list_models(store: GraphStore, home: Path) -> list[ModelSummary]:
    """Runs of the data folder and models of the graph, newest first; a run that was published stands once.

    Runs behind ablation tables are left out unless they were published.

    Raises:
        UsageError: the graph holds no ontology yet.
    """
    now, published = head(store), _published(store)
    folders = {path.name: path for name in (REGISTERED, RUNS) for path in _run_folders(home / name)}
    found = [_of_folder(path, now, key in published) for key, path in folders.items()]
    found += [_of_node(model, now) for key, model in published.items() if key not in folders]
    return sorted(found, key=lambda one: (one.created, one.id), reverse=True)


def read_model(store: GraphStore, home: Path, model: str) -> ModelPage:
    """Everything about one model but its curves; of a model without its run's folder only the line about it.

    Raises:
        UsageError: there is no such model.
        InputError: a file of its run is missing or altered.
    """
    summary = _find(store, home, model)
    if summary.problem:
        raise InputError(summary.problem)
    if summary.folder is None:
        return ModelPage(summary, {}, {}, (), {}, (), "")
    files = RunFiles(summary.folder)
    metrics = files.metrics()
    splits = [split for split in ("val", "test", "hand") if isinstance(metrics.get(split), Mapping)]
    return ModelPage(
        summary=summary,
        figures={split: tuple(_figures(metrics[split])) for split in splits},
        evaluated={split: (metrics[split].get("lesions", 0), metrics[split].get("patients", 0)) for split in splits},
        labels=files.labels(),
        recipe=files.config.recipe,
        groups=tuple(metrics.get("test", {}).get("groups") or ()),
        card=files.card(),
    )


def since(store: GraphStore, model: ModelSummary) -> Passed:
    """What changed in the ontology since a model was trained.

    Raises:
        UsageError: the graph no longer has its revision or its label set.
        StaleRevisionError: the history was damaged, or the ontology was edited behind our back.
    """
    before = matrices_as_of(store, model.revision, model.label_set)
    if before.matrix_hash != model.matrix_hash:
        raise UsageError(
            f"model {model.id}: was trained on another revision {model.revision} than this graph has; "
            "publish it to the graph that it comes from"
        )
    now, passed = store.read_transaction(
        lambda tx: (read_matrices(tx, model.label_set), tuple(read_revisions(tx, after=model.revision)))
    )
    return Passed(passed, _moved(before, now, "ancestors"), _moved(before, now, "exclusive"))


def differences(one: ModelPage, other: ModelPage, split: str) -> list[tuple[Figure, Figure, float]]:
    """Figures that two models have on one split, with the difference of the second to the first."""
    theirs = {figure.name: figure for figure in other.figures.get(split, ())}
    return [
        (mine, theirs[mine.name], theirs[mine.name].value - mine.value)
        for mine in one.figures.get(split, ())
        if mine.name in theirs
    ]


def _moved(
    before: RelationMatrices, now: RelationMatrices, name: str
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Pairs of labels that came, and that went, by name."""
    symmetric = name == "exclusive"
    sides = [
        {
            tuple(sorted((m.label_ids[a], m.label_ids[b])) if symmetric else (m.label_ids[a], m.label_ids[b]))
            for a, b in np.asarray(algebra.to_pairs(getattr(m, name), symmetric)).tolist()
        }
        for m in (before, now)
    ]
    names = dict(zip(before.label_ids, before.names, strict=True)) | dict(zip(now.label_ids, now.names, strict=True))
    came, went = (sorted((names[a], names[b]) for a, b in part) for part in (sides[1] - sides[0], sides[0] - sides[1]))
    return tuple(came), tuple(went)


def _run_folders(folder: Path) -> list[Path]:
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in found if _ID.fullmatch(path.name) and path.is_dir())


def _published(store: GraphStore) -> dict[str, dict[str, Any]]:
    return {row["model"]["id"]: row["model"] for row in store.read(_MODELS)}


def _find(store: GraphStore, home: Path, model: str) -> ModelSummary:
    now, published = head(store), _published(store)
    if _ID.fullmatch(model):
        for name in (RUNS, REGISTERED, ABLATION):
            if (home / name / model).is_dir():
                return _of_folder(home / name / model, now, model in published)
    if model not in published:
        raise UsageError(f"model {model!r}: there is none of this name; the models page lists those that are there")
    return _of_node(published[model], now)


def _currency(now: Head, label_set: str, matrix_hash: str) -> Currency:
    known = now.matrix_hashes.get(label_set)
    if known is None:
        return Currency.UNKNOWN
    return Currency.CURRENT if known == matrix_hash else Currency.BEHIND


def _of_folder(path: Path, now: Head, published: bool) -> ModelSummary:
    try:
        files = RunFiles(path)
        test = files.metrics().get("test") or {}
        synthetic = files.is_synthetic()
    except LesionKGError as error:
        return ModelSummary(
            path.name,
            "",
            False,
            False,
            "",
            "",
            0,
            "",
            "",
            (),
            Currency.UNKNOWN,
            published,
            path,
            False,
            None,
            None,
            str(error),
        )
    config = files.config
    interval = test.get("macro_auc_interval") or {}
    bounds = (interval.get("low"), interval.get("high"))
    return ModelSummary(
        id=path.name,
        features=config.features,
        saw_pixels=config.saw_pixels,
        synthetic=synthetic,
        cohort=config.cohort,
        label_set=config.label_set,
        revision=config.revision,
        matrix_hash=config.matrix_hash,
        created=config.created,
        seeds=config.seeds,
        currency=_currency(now, config.label_set, config.matrix_hash),
        published=published,
        folder=path,
        elsewhere=path.parent.name == REGISTERED,
        auc=test.get("macro_auc"),
        auc_interval=None if None in bounds else (float(bounds[0]), float(bounds[1])),  # type: ignore[arg-type]
    )


def _of_node(model: Mapping[str, Any], now: Head) -> ModelSummary:
    label_set, matrix_hash = str(model.get("label_set", "")), str(model.get("matrix_hash", ""))
    return ModelSummary(
        id=str(model["id"]),
        features=str(model.get("features", "")),
        saw_pixels=bool(model.get("saw_pixels")),
        synthetic="synthetic" in str(model.get("note", "")),
        cohort=str(model.get("cohort", "")),
        label_set=label_set,
        revision=int(model.get("revision") or 0),
        matrix_hash=matrix_hash,
        created=str(model.get("created", "")),
        seeds=tuple(model.get("seeds") or ()),
        currency=_currency(now, label_set, matrix_hash),
        published=True,
        folder=None,
        elsewhere=False,
        auc=model.get("test_macro_auc"),
        auc_interval=None,
    )


def _figures(split: Mapping[str, Any]) -> list[Figure]:
    """The figures that tell most, of those that are stored."""
    found = [
        ("macro AUC", split.get("macro_auc"), split.get("macro_auc_interval")),
        ("macro AUC, labels with enough positives", split.get("macro_auc_sufficient"), None),
        ("AUC weighted by positives", split.get("weighted_auc"), None),
        ("macro AUC of one network, mean", split.get("seed_macro_auc_mean"), None),
        *((f"AUC, {name}", value, None) for name, value in (split.get("auc_by_class") or {}).items()),
    ]
    coherent = split.get("coherent") or {}
    named = (("precision_zero", "macro precision"), ("recall", "macro recall"), ("f1", "macro F1"))
    found += [(f"{name}, coherent", coherent.get(key), None) for key, name in (*named, ("micro_f1", "micro F1"))]
    errors = split.get("calibration_error") or {}
    found += [("expected calibration error, calibrated", errors.get("probability"), None)]
    return [
        Figure(name, float(value), *((interval.get("low"), interval.get("high")) if interval else ()))
        for name, value, interval in found
        if value is not None
    ]
