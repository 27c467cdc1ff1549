"""Why a lesion has the labels it has: the relations and learned weights behind each decision.

Only the decision, the relation matrices and the weights of score propagation are looked at.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import logit

from kg.matrices import RelationMatrices
from learn.decode import Decoded

SHOWN = 3
"""Contributions of score propagation that are named for a label, each way."""

_EDGE = 1e-7


@dataclass(frozen=True)
class Contribution:
    """What the score of another label adds to the logit of this one: ``W[i, j] * s_j``."""

    label: str
    name: str
    amount: float


@dataclass(frozen=True)
class DecidedLabel:
    """A label that was decided positive.

    Attributes:
        label, name, label_class: which.
        depth: length of the longest chain of labels above it; 0 for a root.
        score: sigmoid of the refined logit.
        probability: calibrated.
        threshold: on the score; None when the label is never decided by itself.
        expanded_from: name of the label that brought this one along as its ancestor; None when its own score did.
        raised_by, lowered_by: strongest contributions of score propagation.
    """

    label: str
    name: str
    label_class: str
    depth: int
    score: float
    probability: float
    threshold: float | None
    expanded_from: str | None
    raised_by: tuple[Contribution, ...]
    lowered_by: tuple[Contribution, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class SuppressedLabel:
    """A label whose score passed its threshold, but that the relations rule out.

    Attributes:
        label, name: which.
        score, probability, threshold: of it.
        blocked_by: name of the decided label that excludes it.
        through: the label or ancestors of the two between which the exclusion is stated, (this side, other side).
    """

    label: str
    name: str
    score: float
    probability: float
    threshold: float
    blocked_by: str
    through: tuple[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Explanation:
    """Decided labels, most specific first, and suppressed ones, surest first."""

    decided: tuple[DecidedLabel, ...]
    suppressed: tuple[SuppressedLabel, ...]


def explain(
    row: int,
    score: np.ndarray,
    probability: np.ndarray,
    thresholds: np.ndarray,
    decoded: Decoded,
    matrices: RelationMatrices,
    spl_weight: np.ndarray,
    spl_bias: np.ndarray,
) -> Explanation:
    """Explain the decision about one lesion.

    Args:
        row: of the lesion.
        score: N x C.
        probability: N x C.
        thresholds: shape (C,).
        decoded: of the N lesions.
        matrices: relations that it was decided with.
        spl_weight: S x C x C.
        spl_bias: S x C.
    """
    s, p, positive = score[row], probability[row], decoded.positive[row]
    depth = depths(matrices)
    adds = contributions(s, spl_weight, spl_bias)
    order = np.lexsort((np.arange(matrices.size), -p, -depth))
    decided = [
        DecidedLabel(
            matrices.label_ids[c],
            matrices.names[c],
            matrices.classes[c],
            int(depth[c]),
            float(s[c]),
            float(p[c]),
            float(thresholds[c]) if np.isfinite(thresholds[c]) else None,
            matrices.names[k] if (k := int(decoded.expanded_from[row, c])) >= 0 else None,
            _strongest(adds[c], matrices, 1),
            _strongest(adds[c], matrices, -1),
        )
        for c in order[positive[order]].tolist()
    ]
    lost = np.flatnonzero((s >= thresholds) & ~positive)
    blocked = [
        SuppressedLabel(
            matrices.label_ids[c],
            matrices.names[c],
            float(s[c]),
            float(p[c]),
            float(thresholds[c]),
            *_blocked_by(c, positive, p, matrices),
        )
        for c in lost[np.argsort(-p[lost], kind="stable")].tolist()
    ]
    return Explanation(tuple(decided), tuple(blocked))


def depths(matrices: RelationMatrices) -> np.ndarray:
    """Length of the longest chain of ancestors of each label, shape (C,)."""
    parents = matrices.parents.tocoo()
    depth = np.zeros(matrices.size, np.int64)
    while True:
        deeper = depth.copy()
        np.maximum.at(deeper, parents.row, depth[parents.col] + 1)
        if (deeper == depth).all():
            return depth
        depth = deeper


def contributions(score: np.ndarray, spl_weight: np.ndarray, spl_bias: np.ndarray) -> np.ndarray:
    """What each label j adds to the logit of each label i through score propagation, C x C, mean over members.

    A run keeps refined scores only, so the logits before propagation are found by solving for them. The label itself
    (the diagonal) is set to 0.

    Args:
        score: shape (C,), refined.
        spl_weight: S x C x C.
        spl_bias: S x C.
    """
    refined = logit(np.clip(score.astype(np.float64), _EDGE, 1 - _EDGE))
    weight, bias = spl_weight.astype(np.float64).mean(axis=0), spl_bias.astype(np.float64).mean(axis=0)
    before, *_ = np.linalg.lstsq(weight, refined - bias, rcond=None)
    adds = weight * before[None]
    np.fill_diagonal(adds, 0)
    return np.asarray(adds)


def _strongest(adds: np.ndarray, matrices: RelationMatrices, sign: int) -> tuple[Contribution, ...]:
    best = np.argsort(-sign * adds, kind="stable")[:SHOWN]
    return tuple(
        Contribution(matrices.label_ids[j], matrices.names[j], float(adds[j])) for j in best if sign * adds[j] > 0
    )


def _blocked_by(
    label: int, positive: np.ndarray, probability: np.ndarray, matrices: RelationMatrices
) -> tuple[str, tuple[str, str]]:
    """The decided label that rules one out, the most general of them, and the pair that says so."""
    exclusive = matrices.exclusive.toarray()
    ancestors = matrices.ancestors.toarray()
    against = np.flatnonzero(exclusive[label] & positive)
    # A pair is stated once, by the most general labels; what lies under them inherits it.
    stated = matrices.exclusive_minimal.toarray()
    mine = np.flatnonzero(ancestors[label] | (np.arange(matrices.size) == label))
    theirs = np.flatnonzero(positive)
    one, other = np.nonzero(stated[np.ix_(mine, theirs)])
    pair = min(zip(mine[one].tolist(), theirs[other].tolist(), strict=True))
    names = matrices.names[pair[0]], matrices.names[pair[1]]
    below = [c for c in against.tolist() if c == pair[1] or ancestors[c, pair[1]]]
    return matrices.names[max(below, key=lambda c: (probability[c], -c))], names
