"""How good the embedding is at finding similar lesions: labels that a lesion shares with its nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from learn.neighbours import nearest

RANKS = (1, 5, 10)


@dataclass(frozen=True)
class Retrieval:
    """Shared labels among the ``k`` nearest lesions of other patients: means over queries and the lesions they found.

    Attributes:
        k: lesions found for each query.
        queries: how many had a lesion of another patient to find.
        precision: share of a found lesion's labels that the query has.
        recall: share of the query's labels that a found lesion has.
        chance_precision, chance_recall: the same expected of lesions of other patients drawn at random.
    """

    k: int
    queries: int
    precision: float
    recall: float
    chance_precision: float
    chance_recall: float


def retrieval(
    embedding: np.ndarray, patients: np.ndarray, truth: np.ndarray, ranks: Sequence[int] = RANKS
) -> tuple[Retrieval, ...]:
    """Let every lesion find its nearest ones of other patients.

    Args:
        embedding: N x D.
        patients: shape (N,).
        truth: N x C bool. Lesions without a label neither search nor are found.
        ranks: each k.

    Returns:
        Figures for each k; NaN where there is no lesion of another patient. Chance is exact, not sampled.
    """
    labelled = truth.any(axis=1)
    embedding, patients, truth = embedding[labelled], patients[labelled], truth[labelled]
    lesions = len(truth)
    found, _ = nearest(embedding, patients, np.arange(lesions), max(ranks))
    labels = truth.astype(np.float64)
    count = labels.sum(axis=1)
    shared = (truth[:, None] & truth[found]).sum(axis=2)
    there = found >= 0
    precision, recall = shared / count[found], shared / count[:, None]
    chance_precision = _chance(labels, labels / count[:, None], patients)
    chance_recall = _chance(labels / count[:, None], labels, patients)
    out = []
    for k in ranks:
        kept = there[:, :k]
        some = kept.any(axis=1)
        values = (precision[:, :k][kept], recall[:, :k][kept], chance_precision[some], chance_recall[some])
        means = [float(v.mean()) if len(v) else float("nan") for v in values]
        out.append(Retrieval(k, int(some.sum()), *means))
    return tuple(out)


def _chance(query: np.ndarray, other: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Mean of ``query[i] . other[j]`` over lesions j of other patients, shape (N,); NaN without any."""
    _, group = np.unique(patients, return_inverse=True)
    own = np.zeros((group.max(initial=-1) + 1, other.shape[1]))
    np.add.at(own, group, other)
    rest = len(group) - np.bincount(group)[group] if len(group) else np.zeros(0)
    total = (query * (other.sum(axis=0) - own[group])).sum(axis=1)
    return np.asarray(np.divide(total, rest, out=np.full(len(group), np.nan), where=rest > 0))
