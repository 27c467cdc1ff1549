"""What the data and the models say about one label: counts, examples, learned correlations, figures of runs."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kg.errors import InputError
from kg.store import GraphStore, Row, Transaction

SPLITS = ("train", "val", "test", "none")
"""Splits of the data set in their order; ``none`` stands for lesions without one."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Lesions of a split.

    Attributes:
        split: its name.
        said: the label itself is said of them.
        inferred: only a label below it is said of them.
        doubted: the label is said with doubt.
    """

    split: str
    said: int
    inferred: int
    doubted: int


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a model predicts.

    Attributes:
        model: its id.
        lesions: lesions for which it predicts the label.
        saw_pixels: whether it looks at images.
    """

    model: str
    lesions: int
    saw_pixels: bool


@dataclass(frozen=True, slots=True)
class Correlation:
    """A learned correlation of the label with another.

    Attributes:
        model: which learned it.
        id: of the other label.
        name: its name.
        label_class: its class.
        outgoing: whether the label speaks for (or against) the other one, else the other way round.
        weight: learned weight, signed.
        stability: share of the seeds in which it has this sign, 0 to 1; None where unknown.
        reading: ``co-occurs``, ``confusable``, ``suppresses``.
        review: what curators decided.
    """

    model: str
    id: str
    name: str
    label_class: str
    outgoing: bool
    weight: float
    stability: float | None
    reading: str
    review: str


@dataclass(frozen=True)
class LabelFacts:
    """What a graph holds about one label beside the ontology.

    Attributes:
        counts: one for each split that has a lesion with the label, inferred or doubted.
        predictions: one for each published model that predicts it.
        examples: ids of lesions it is said of, then of such that have it by what is below it.
        correlations: of all models, the strongest first.
        models: ids of all published models, newest first.
    """

    counts: tuple[Counts, ...]
    predictions: tuple[Predicted, ...]
    examples: tuple[str, ...]
    correlations: tuple[Correlation, ...]
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunFigures:
    """How well a run predicts the label; figures are None where the run says none.

    Attributes:
        run: its id.
        saw_pixels: whether it looks at images.
        test_positives: test lesions that have the label.
        auc: area under the ROC curve, with its 95 % interval.
        auc_low: lower end.
        auc_high: upper end.
        precision: at the threshold of the label.
        recall: the same.
        f1: the same.
        threshold: score from which it counts as predicted.
        evidence: ``sufficient``, or why the figures say little.
    """

    run: str
    saw_pixels: bool
    test_positives: int | None
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    threshold: float | None
    evidence: str


_SAID = (
    "MATCH (k:Label {id: $id})<-[:HAS_LABEL]-(l:Lesion) "
    "RETURN coalesce(l.split, 'none') AS split, count(DISTINCT l.id) AS lesions ORDER BY split"
)
_DOUBTED = (
    "MATCH (k:Label {id: $id})<-[:MAY_HAVE_LABEL]-(l:Lesion) "
    "RETURN coalesce(l.split, 'none') AS split, count(DISTINCT l.id) AS lesions ORDER BY split"
)
_WITH_HIERARCHY = (
    "MATCH (k:Label {id: $id})<-[:DESCENDS_FROM*0..1]-(d:Label)<-[:HAS_LABEL]-(l:Lesion) "
    "RETURN coalesce(l.split, 'none') AS split, count(DISTINCT l.id) AS lesions ORDER BY split"
)
_PREDICTED = (
    "MATCH (k:Label {id: $id})<-[p:PREDICTED]-(l:Lesion) "
    "RETURN p.model AS model, count(DISTINCT l.id) AS lesions ORDER BY model"
)
_EXAMPLES = (
    "MATCH (k:Label {id: $id})<-[:HAS_LABEL]-(l:Lesion) RETURN DISTINCT l.id AS lesion ORDER BY lesion LIMIT $most"
)
_BELOW = (
    "MATCH (k:Label {id: $id})<-[:DESCENDS_FROM]-(d:Label)<-[:HAS_LABEL]-(l:Lesion) "
    "RETURN DISTINCT l.id AS lesion ORDER BY lesion LIMIT $most"
)
_MODELS = "MATCH (m:Model) RETURN m.id AS id, m.saw_pixels AS pixels, m.created AS created ORDER BY created DESC, id"
_EDGE = (
    "RETURN k.id AS label, o.id AS id, o.name AS name, o.class AS class, r.model AS model, r.weight AS weight, "
    "r.stability AS stability, r.reading AS reading, r.review AS review ORDER BY model, id"
)
_OUT = f"MATCH (k:Label)-[r:CORRELATES_WITH]->(o:Label) WHERE k.id IN $ids {_EDGE}"
_IN = f"MATCH (k:Label)<-[r:CORRELATES_WITH]-(o:Label) WHERE k.id IN $ids {_EDGE}"


def label_facts(store: GraphStore, label_id: str, examples: int = 12) -> LabelFacts:
    """What a graph holds about a label, on one consistent state.

    Args:
        store: the graph.
        label_id: of the label.
        examples: most example lesions.
    """
    return store.read_transaction(lambda tx: _facts(tx, label_id, examples))


def correlations(store: GraphStore, label_ids: Collection[str]) -> Mapping[str, tuple[Correlation, ...]]:
    """Learned correlations of some labels, by label, the strongest first."""
    return store.read_transaction(lambda tx: _correlations(tx, label_ids))


def run_figures(runs: Path, label_id: str, published: Iterable[str]) -> tuple[RunFigures, ...]:
    """How well published runs predict a label, in the order given; runs that are not there or lack it are left out.

    Args:
        runs: the folder of the runs.
        label_id: of the label.
        published: ids of models.

    Raises:
        InputError: a run's files are damaged.
    """
    there = {path.name for path in runs.iterdir() if path.is_dir()} if runs.is_dir() else set()
    found = (_figures(runs / name, label_id) for name in published if name in there)
    return tuple(figures for figures in found if figures is not None)


def _facts(tx: Transaction, label_id: str, most: int) -> LabelFacts:
    key = {"id": label_id}
    said, doubted, whole = (_by_split(tx.run(cypher, key)) for cypher in (_SAID, _DOUBTED, _WITH_HIERARCHY))
    models = tx.run(_MODELS)
    pixels = {row["id"]: bool(row["pixels"]) for row in models}
    chosen = [row["lesion"] for row in tx.run(_EXAMPLES, {**key, "most": most})]
    if len(chosen) < most:
        below = [row["lesion"] for row in tx.run(_BELOW, {**key, "most": most})]
        chosen += [lesion for lesion in below if lesion not in chosen][: most - len(chosen)]
    names = [*SPLITS, *sorted({*whole, *doubted} - set(SPLITS))]
    return LabelFacts(
        counts=tuple(
            Counts(split, said.get(split, 0), whole.get(split, 0) - said.get(split, 0), doubted.get(split, 0))
            for split in names
            if split in whole or split in doubted
        ),
        predictions=tuple(
            Predicted(row["model"], row["lesions"], pixels.get(row["model"], False)) for row in tx.run(_PREDICTED, key)
        ),
        examples=tuple(chosen),
        correlations=_correlations(tx, [label_id]).get(label_id, ()),
        models=tuple(pixels),
    )


def _by_split(rows: list[Row]) -> dict[str, int]:
    return {row["split"]: row["lesions"] for row in rows}


def _correlations(tx: Transaction, label_ids: Collection[str]) -> dict[str, tuple[Correlation, ...]]:
    found: dict[str, list[Correlation]] = {}
    for cypher, outgoing in ((_OUT, True), (_IN, False)):
        for row in tx.run(cypher, {"ids": sorted(label_ids)}):
            found.setdefault(row["label"], []).append(
                Correlation(
                    row["model"],
                    row["id"],
                    row["name"],
                    row["class"] or "",
                    outgoing,
                    float(row["weight"]),
                    None if row["stability"] is None else float(row["stability"]),
                    row["reading"] or "",
                    row["review"] or "",
                )
            )
    return {i: tuple(sorted(all_, key=lambda c: (-abs(c.weight), c.model, c.name))) for i, all_ in found.items()}


def _figures(folder: Path, label_id: str) -> RunFigures | None:
    try:
        with (folder / "per_label.csv").open(encoding="utf-8", newline="") as stream:
            row = next((row for row in csv.DictReader(stream) if row.get("label_id") == label_id), None)
        if row is None:
            return None
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        positives = row.get("test_positives")
        names = ("auc", "auc_low", "auc_high", "precision", "recall", "f1", "threshold")
        numbers = {name: _number(row.get(name)) for name in names}
        return RunFigures(
            run=folder.name,
            saw_pixels=bool(config.get("saw_pixels")),
            test_positives=int(positives) if positives else None,
            evidence=row.get("evidence") or "",
            **numbers,
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"run {folder.name}: its figures cannot be read; evaluate it again") from error


def _number(text: str | None) -> float | None:
    value = float(text) if text else math.nan
    return value if math.isfinite(value) else None
