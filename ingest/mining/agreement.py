"""Precision, recall and F1 from counts, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

REPLICATES = 1000


@dataclass(frozen=True, slots=True)
class Figures:
    """Agreement of a model with people on one thing.

    Attributes:
        name: what was judged.
        positives: how often people said so.
        precision: share of the model's that people said too; nan when the model never said so.
        recall: share of people's that the model said too; nan when people never said so.
        f1: harmonic mean of both; nan when neither said so.
        low: lower end of the 95 % interval of ``f1``.
        high: upper end.
    """

    name: str
    positives: int
    precision: float
    recall: float
    f1: float
    low: float
    high: float


def figures(names: Sequence[str], said: np.ndarray, found: np.ndarray, seed: int = 0) -> list[Figures]:
    """Figures for each column, then ``micro`` (all cells together) and ``macro`` (the mean over columns).

    Args:
        names: of the columns.
        said: what people said; shape: (items, columns), boolean.
        found: what the model said; likewise.
        seed: of the bootstrap, which resamples items.
    """
    counts = np.stack([said & found, ~said & found, said & ~found]).astype(np.int64)
    counts = np.concatenate([counts, counts.sum(axis=2, keepdims=True)], axis=2)
    items = said.shape[0]
    weights = np.random.default_rng(seed).multinomial(items, np.full(items, 1 / items), size=REPLICATES)
    drawn = _with_macro(_f1(np.einsum("bi,cik->cbk", weights, counts)))
    low, high = np.full((2, drawn.shape[1]), np.nan)
    known = ~np.isnan(drawn).all(axis=0)
    low[known], high[known] = np.nanpercentile(drawn[:, known], [2.5, 97.5], axis=0)
    true, false, missed = counts.sum(axis=1)
    precision, recall = (_with_macro(_ratio(true, true + wrong)) for wrong in (false, missed))
    f1 = _with_macro(_f1(np.stack([true, false, missed])))
    positives = [*(true + missed), (true + missed)[-1]]
    return [
        Figures(name, int(positives[i]), *(float(values[i]) for values in (precision, recall, f1, low, high)))
        for i, name in enumerate([*names, "micro", "macro"])
    ]


def _with_macro(values: np.ndarray) -> np.ndarray:
    """The mean over the columns that have a value, the last (micro) left out, appended; shape: (..., columns + 2)."""
    columns = values[..., :-1]
    mean = _ratio(np.nansum(columns, axis=-1, keepdims=True), (~np.isnan(columns)).sum(axis=-1, keepdims=True))
    return np.concatenate([values, mean], axis=-1)


def _f1(counts: np.ndarray) -> np.ndarray:
    true, false, missed = counts
    return _ratio(2 * true, 2 * true + false + missed)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    ratio = np.full(np.shape(part), np.nan)
    np.divide(part, whole, out=ratio, where=whole != 0)
    return ratio
