"""From scores to a label set that breaks no relation.

LesaNet's own decision, a threshold for each label and then the ancestors, can leave exclusive labels both positive.
Here labels are taken greedily, surest first: a label is accepted together with its ancestors unless something accepted
before excludes one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from kg.errors import MatrixError
from kg.matrices import RelationMatrices

_EDGE = 1e-7


@dataclass(frozen=True, eq=False)
class Decoded:
    """Decided label sets of N lesions.

    Attributes:
        positive: N x C bool; every ancestor of a positive label is positive, and no two are exclusive.
        expanded_from: N x C int, for a positive label that did not reach its own threshold the column of the label that
            brought it along as an ancestor; -1 everywhere else.
    """

    positive: np.ndarray
    expanded_from: np.ndarray


def decode(scores: np.ndarray, thresholds: np.ndarray, matrices: RelationMatrices) -> Decoded:
    """Greedy coherent decision, vectorised over lesions.

    Labels at or above their threshold are tried by falling margin, the difference of the logits of score and threshold
    (ties by column). All lesions take their next label in the same step.

    Args:
        scores: N x C in [0, 1].
        thresholds: shape (C,); infinity for a label that is never predicted by itself.
        matrices: relations of the C labels.

    Raises:
        MatrixError: scores or thresholds have another number of labels, or the relations contradict each other.
    """
    lesions = len(scores)
    if scores.shape != (lesions, matrices.size) or thresholds.shape != (matrices.size,):
        raise MatrixError(
            f"decode: scores {scores.shape} and thresholds {thresholds.shape} do not fit the {matrices.size} labels "
            f"of {matrices.label_set}"
        )
    matrices.require_consistent()
    with_ancestors = matrices.ancestors.toarray() | np.eye(matrices.size, dtype=bool)
    exclusive = matrices.exclusive.toarray()
    passed = scores >= thresholds
    edge = np.clip(np.minimum(thresholds, 1).astype(np.float64), _EDGE, 1 - _EDGE)
    margin = logit(np.clip(scores.astype(np.float64), _EDGE, 1 - _EDGE)) - logit(edge)
    order = np.argsort(np.where(passed, -margin, np.inf), axis=1, kind="stable")
    remaining = passed.sum(axis=1)

    positive = np.zeros((lesions, matrices.size), bool)
    blocked = np.zeros_like(positive)
    origin = np.full(positive.shape, -1, np.int64)
    for rank in range(int(remaining.max(initial=0))):
        rows = np.flatnonzero(remaining > rank)
        label = order[rows, rank]
        group = with_ancestors[label]
        free = ~(group & blocked[rows]).any(axis=1)
        rows, label, group = rows[free], label[free], group[free]
        added = group & ~positive[rows]
        origin[rows] = np.where(added, label[:, None], origin[rows])
        positive[rows] |= group
        # Exclusion is inherited, so what excludes an ancestor excludes the label: its own row is enough.
        blocked[rows] |= exclusive[label]
    return Decoded(positive, np.where(positive & ~passed, origin, -1))


def threshold_and_expand(scores: np.ndarray, thresholds: np.ndarray, matrices: RelationMatrices) -> np.ndarray:
    """The paper's decision: labels at or above their threshold, and their ancestors; N x C bool.

    The released code expands through an incomplete list in one pass; this uses the closure.
    """
    return np.asarray(matrices.expand(scores >= thresholds).toarray(), bool)
