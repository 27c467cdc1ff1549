"""What a relevance model is worth on annotated sentences: precision, recall and F1 of the three classes and their mean.

The papers report precision, recall and F (talk of 2020, table 2) without saying how they were averaged; here each class
weighs the same. Intervals come from resampling sentences, because pairs of one sentence are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ingest.mining.mention import Relevance, RelevanceModel
from learn.bootstrap import REPLICATES, Interval, Resampling, interval
from learn.metrics import Counts, Undefined, mean
from learn.relation.annotations import AnnotatedSentence

RELEVANCES = tuple(Relevance)
PAPER_FIGURES = {"rules": (0.813, 0.507, 0.545), "CNN": (0.788, 0.783, 0.784), "CNN + rules": (0.798, 0.815, 0.806)}
"""Precision, recall, F1 of the papers on their own reports (talk of 2020, table 2): a reference, never comparable with
figures on other sentences."""


@dataclass(frozen=True)
class ClassFigures:
    """Figures of one relevance; NaN where it never occurs."""

    precision: float
    recall: float
    f1: float
    pairs: int


@dataclass(frozen=True)
class Figures:
    """A model on one set of sentences.

    Attributes:
        sentences: how many.
        pairs: judged (mention, bookmark) pairs.
        right: pairs judged as annotated.
        precision: mean over the classes that occur.
        recall: likewise.
        f1: likewise.
        f1_interval: 95 %, sentences resampled.
        by_class: by relevance.
    """

    sentences: int
    pairs: int
    right: int
    precision: float
    recall: float
    f1: float
    f1_interval: Interval
    by_class: dict[str, ClassFigures]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not defined is None."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def evaluate(model: RelevanceModel, sentences: Sequence[AnnotatedSentence], replicates: int = REPLICATES) -> Figures:
    """Judge sentences with a model and compare.

    Args:
        model: a relevance model.
        sentences: at least one, with what was judged of them.
        replicates: of the bootstrap.
    """
    table = confusion(model, sentences)
    total = table.sum(axis=0)
    counts = _counts(total[None])
    precision, recall, f1 = (each[0] for each in _scores(counts, 1))
    drawn = Resampling.of(np.arange(len(sentences)), replicates).weights
    resampled = np.tensordot(drawn, table.astype(np.float32), axes=1)
    replicated = _scores(_counts(resampled), replicates)[2]
    return Figures(
        sentences=len(sentences),
        pairs=int(total.sum()),
        right=int(np.trace(total)),
        precision=mean(precision),
        recall=mean(recall),
        f1=mean(f1),
        f1_interval=interval(np.array([mean(row) for row in replicated])),
        by_class={
            str(name): ClassFigures(float(precision[i]), float(recall[i]), float(f1[i]), int(total[i].sum()))
            for i, name in enumerate(RELEVANCES)
        },
    )


def confusion(model: RelevanceModel, sentences: Sequence[AnnotatedSentence]) -> np.ndarray:
    """Pairs by sentence, annotated and judged relevance: shape (sentences, 3, 3)."""
    table = np.zeros((len(sentences), len(RELEVANCES), len(RELEVANCES)), np.int64)
    for number, (row, judged) in enumerate(zip(sentences, model.judge([r.sentence for r in sentences]), strict=True)):
        for judgement in judged:
            truth = row.gold.get((judgement.mention, judgement.bookmark))
            if truth is not None:
                table[number, RELEVANCES.index(truth), RELEVANCES.index(judgement.relevance)] += 1
    return table


def _counts(tables: np.ndarray) -> Counts:
    """Of R tables, shape (R, 3, 3): counts of shape (R * 3,)."""
    return Counts(np.einsum("rii->ri", tables).ravel(), tables.sum(axis=1).ravel(), tables.sum(axis=2).ravel())


def _scores(counts: Counts, tables: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1, each of shape (R, 3); precision is 0 for a class that occurs and is never judged."""
    occurs = counts.actual > 0
    precision = np.where(occurs, counts.precision(Undefined.ZERO), np.nan)
    shape = (tables, len(RELEVANCES))
    return precision.reshape(shape), counts.recall().reshape(shape), counts.f1().reshape(shape)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return None if isinstance(value, float) and np.isnan(value) else value
