"""Lesions by what is known of them: filtered, sorted, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from kg.errors import UsageError
from kg.store import Row
from queries.lesion_facts import LabelRef, Outcome
from queries.lesion_index import Labels, LesionIndex, Lesions, Mask, Predicted

PAGE = 50
"""Lesions on a page."""

_LABELS = """
UNWIND $ids AS id
MATCH (l:Lesion {id: id})-[:HAS_LABEL]->(c:Label)
RETURN DISTINCT l.id AS lesion, c.id AS id, c.name AS name, c.class AS class ORDER BY lesion, name
"""


class How(StrEnum):
    """How a lesion has the label that is looked for."""

    IMPLIED = "with descendants"
    SAID = "said"
    DOUBTED = "uncertain"
    PREDICTED = "predicted"


class Sort(StrEnum):
    """What a list is sorted by."""

    LESION = "lesion"
    SIZE = "size"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class LesionFilter:
    """Which lesions; an empty field asks for all.

    Attributes:
        text: beginning of an id, or a row of DL_info.csv.
        patient: surrogate of a patient.
        label: id of a label.
        how: how the lesion has it.
        split: of the data set itself: ``train``, ``val`` or ``test``.
        least_mm, most_mm: of the long diameter, both included.
        clashes: only lesions with two labels that exclude each other.
        outcome: ``false positive`` or ``false negative``: only lesions with such an error of the model, of the label
            when one is given.
        model: id of the model that predicts; the newest one when empty.
    """

    text: str = ""
    patient: str = ""
    label: str = ""
    how: How = How.IMPLIED
    split: str = ""
    least_mm: float | None = None
    most_mm: float | None = None
    clashes: bool = False
    outcome: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class LesionRow:
    """A lesion in a list; sizes None when unknown."""

    lesion: str
    index: int | None
    patient: str
    split: str
    long_mm: float | None
    short_mm: float | None
    labels: tuple[LabelRef, ...]


@dataclass(frozen=True, slots=True)
class LesionPage:
    """A page of a list.

    Attributes:
        rows: on this page.
        total: number of lesions on all pages.
        patients: number of their patients.
        page: number of this page, from 1.
        pages: how many there are, at least one.
        model: id of the model that was asked; empty when none was.
    """

    rows: tuple[LesionRow, ...]
    total: int
    patients: int
    page: int
    pages: int
    model: str


def find_lesions(
    index: LesionIndex, wanted: LesionFilter, sort: Sort = Sort.LESION, descending: bool = False, page: int = 1
) -> LesionPage:
    """A page of the lesions that fit.

    Args:
        index: of the graph.
        wanted: which ones.
        sort: unknown sizes come last in both directions.
        descending: largest first.
        page: from 1; the last page when there are fewer.

    Raises:
        UsageError: no such label or model, or an outcome that cannot be looked for.
    """
    lesions = index.lesions()
    keep, model = _chosen(index, lesions, wanted)
    rows = _sorted(lesions, np.flatnonzero(keep), sort, descending)
    pages = max(1, -(-len(rows) // PAGE))
    page = min(max(1, page), pages)
    shown = rows[(page - 1) * PAGE : page * PAGE]
    labels = _labels(index, [lesions.ids[row] for row in shown])
    patients = set(lesions.patient[rows].tolist()) - {""}
    return LesionPage(
        rows=tuple(_row(lesions, int(row), labels) for row in shown),
        total=len(rows),
        patients=len(patients),
        page=page,
        pages=pages,
        model=model,
    )


def _chosen(index: LesionIndex, lesions: Lesions, wanted: LesionFilter) -> tuple[Mask, str]:
    keep = np.ones(len(lesions.ids), bool)
    if wanted.text:
        keep &= _named(lesions, wanted.text.strip())
    if wanted.patient:
        keep &= lesions.patient == wanted.patient
    if wanted.split:
        keep &= lesions.split == wanted.split
    with np.errstate(invalid="ignore"):
        if wanted.least_mm is not None:
            keep &= lesions.long_mm >= wanted.least_mm
        if wanted.most_mm is not None:
            keep &= lesions.long_mm <= wanted.most_mm
    model = ""
    if wanted.outcome or (wanted.label and wanted.how is How.PREDICTED):
        model = _model(index, wanted.model)
    if wanted.outcome:
        keep &= _errors(index.labels(), index.predicted(model), wanted, len(keep))
    elif wanted.label:
        keep &= _with_label(index, wanted, model, len(keep))
    if wanted.clashes:
        keep &= _clashes(index.labels(), len(keep))
    return keep, model


def _named(lesions: Lesions, text: str) -> Mask:
    folded = text.casefold()
    found = np.array([str(lesion).casefold().startswith(folded) for lesion in lesions.ids], bool)
    if text.isdecimal() and text.isascii() and len(text) < 10:
        found |= lesions.index == int(text)
    return found


def _model(index: LesionIndex, model: str) -> str:
    models = index.models()
    if not models:
        raise UsageError("lesions by what a model predicts: this graph holds no model; `lesionkg publish` adds one")
    if model and model not in models:
        raise UsageError(f"model {model[:80]!r}: not in this graph; it has {', '.join(models[:5])}")
    return model or models[0]


def _any(masks: Mapping[str, Mask], labels: Iterable[str], count: int) -> Mask:
    found = np.zeros(count, bool)
    for label in labels:
        if label in masks:
            found |= masks[label]
    return found


def _positive(labels: Labels, label: str, count: int) -> Mask:
    """Lesions that have the label, or one that implies it."""
    return _any(labels.said, {label} | labels.below.get(label, frozenset()), count)


def _with_label(index: LesionIndex, wanted: LesionFilter, model: str, count: int) -> Mask:
    labels = index.labels()
    match wanted.how:
        case How.PREDICTED:
            return _any(index.predicted(model).by_label, [wanted.label], count)
        case How.SAID:
            return _any(labels.said, [wanted.label], count)
        case How.DOUBTED:
            return _any(labels.doubted, [wanted.label], count)
        case _:
            return _positive(labels, wanted.label, count)


def _errors(labels: Labels, predicted: Predicted, wanted: LesionFilter, count: int) -> Mask:
    """Lesions with such an error; the same rules as :func:`queries.lesion_models.outcome`."""
    found = np.zeros(count, bool)
    for label in [wanted.label] if wanted.label else predicted.labels:
        positive = _positive(labels, label, count)
        decided = _any(predicted.by_label, [label], count)
        if wanted.outcome == Outcome.FALSE_NEGATIVE:
            found |= positive & ~decided & predicted.judged
        elif wanted.outcome == Outcome.FALSE_POSITIVE:
            absent = _any(labels.said, labels.apart.get(label, ()), count) | _any(labels.lacking, [label], count)
            found |= decided & ~positive & absent
        else:
            raise UsageError(f"outcome {wanted.outcome[:40]!r}: give 'false positive' or 'false negative'")
    return found


def _clashes(labels: Labels, count: int) -> Mask:
    found = np.zeros(count, bool)
    for label, mask in labels.said.items():
        others = [other for other in labels.apart.get(label, ()) if other > label]
        found |= mask & _any(labels.said, others, count)
    return found


def _sorted(lesions: Lesions, rows: np.ndarray, sort: Sort, descending: bool) -> np.ndarray:
    """Rows in order; they come in order of the ids, which stays the order among equals."""
    if sort is Sort.LESION:
        return rows[::-1] if descending else rows
    if sort is Sort.SIZE:
        size = lesions.long_mm[rows]
        return rows[np.argsort(-size if descending else size, kind="stable")]
    order = np.argsort(lesions.patient[rows].astype(str), kind="stable")
    return rows[order[::-1] if descending else order]


def _labels(index: LesionIndex, lesions: list[str]) -> dict[str, tuple[LabelRef, ...]]:
    found: dict[str, tuple[LabelRef, ...]] = {}
    for row in index.store.read(_LABELS, {"ids": lesions}):
        found[row["lesion"]] = (*found.get(row["lesion"], ()), _ref(row))
    return found


def _ref(row: Row) -> LabelRef:
    return LabelRef(row["id"], row["name"], row["class"])


def _row(lesions: Lesions, row: int, labels: Mapping[str, tuple[LabelRef, ...]]) -> LesionRow:
    lesion = str(lesions.ids[row])
    long_mm, short_mm = float(lesions.long_mm[row]), float(lesions.short_mm[row])
    return LesionRow(
        lesion=lesion,
        index=int(lesions.index[row]) if lesions.index[row] >= 0 else None,
        patient=str(lesions.patient[row]),
        split=str(lesions.split[row]),
        long_mm=None if np.isnan(long_mm) else long_mm,
        short_mm=None if np.isnan(short_mm) else short_mm,
        labels=labels.get(lesion, ()),
    )
