"""From scores to label sets.

LesaNet's own decision, a threshold for each label and then the ancestors, can leave exclusive labels both positive.
The default here takes labels greedily, surest first: a label is accepted together with its ancestors unless something
accepted before excludes one of them. :class:`Decoder` lists the other ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logit

from kg.errors import MatrixError, UsageError
from kg.matrices import RelationMatrices

if TYPE_CHECKING:
    from learn.exact import ExactInference

_EDGE = 1e-7
_ROWS = 1024


class Decoder(StrEnum):
    """Ways from scores to label sets.

    Attributes:
        THRESHOLDS: every label at or above its threshold, nothing else.
        PAPER: those and their ancestors (LesaNet); exclusive labels can both be positive.
        GREEDY: :func:`decode`.
        MAX_CONSTRAINT: each label takes the largest score, and the smallest threshold, of itself and its descendants,
            so that what passes is closed upward; of exclusive labels the greedy rule keeps the surer.
        EXACT: of all label sets that break no relation, the one whose labels' logits exceed those of their thresholds
            most, in sum.
        TOP: the labels that score most, a fixed number for each lesion (Yan et al., ISBI 2019).
    """

    THRESHOLDS = "thresholds"
    PAPER = "paper"
    GREEDY = "greedy"
    MAX_CONSTRAINT = "max-constraint"
    EXACT = "exact"
    TOP = "top"

    @property
    def coherent(self) -> bool:
        """Whether its label sets break no relation, whatever the scores."""
        return self in (Decoder.GREEDY, Decoder.MAX_CONSTRAINT, Decoder.EXACT)


@dataclass(frozen=True, eq=False)
class Decoded:
    """Decided label sets of N lesions.

    Attributes:
        positive: N x C bool; from a coherent decoder every ancestor of a positive label is positive, and no two are
            exclusive.
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
        thresholds: shape (C,), not negative; infinity for a label that is never predicted by itself.
        matrices: relations of the C labels.

    Raises:
        MatrixError: scores or thresholds have another number of labels or are out of range, or the relations
            contradict each other.
    """
    lesions = len(scores)
    _require_fit(scores, thresholds, matrices)
    matrices.require_consistent()
    with_ancestors = matrices.ancestors.toarray() | np.eye(matrices.size, dtype=bool)
    exclusive = matrices.exclusive.toarray()
    passed = scores >= thresholds
    margin = _margin(scores, thresholds)
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


def decide(
    decoder: Decoder, scores: np.ndarray, thresholds: np.ndarray, matrices: RelationMatrices, top: int = 5
) -> Decoded:
    """Decide label sets one way or another.

    Where a label is positive without having reached its own threshold, ``expanded_from`` names the positive descendant
    that passed by the largest margin. Only the max-constraint decoder can leave it at -1 there: a label that reached a
    descendant's smaller threshold stands for itself.

    Args:
        decoder: which way.
        scores: N x C in [0, 1].
        thresholds: shape (C,), not negative; infinity for a label that is never predicted by itself. TOP does not use
            them.
        matrices: relations of the C labels.
        top: labels for each lesion, for TOP.

    Raises:
        MatrixError: scores or thresholds have another number of labels or are out of range, the relations contradict
            each other, or EXACT finds them too entangled (:meth:`kg.junction_tree.JunctionTree.compile`).
        UsageError: ``top`` is not between 1 and C.
    """
    _require_fit(scores, thresholds, matrices)
    if decoder is Decoder.GREEDY:
        return decode(scores, thresholds, matrices)
    if decoder is Decoder.TOP:
        return _unexpanded(_best(scores, top))
    passed = scores >= thresholds
    if decoder is Decoder.THRESHOLDS:
        return _unexpanded(passed)
    if decoder is Decoder.PAPER:
        positive = threshold_and_expand(scores, thresholds, matrices)
    elif decoder is Decoder.MAX_CONSTRAINT:
        positive = decode(*_max_constrained(scores, thresholds, matrices), matrices).positive
    else:
        positive = _most_probable(scores, thresholds, matrices)
    return Decoded(positive, _origins(positive, passed, _margin(scores, thresholds), matrices))


def _require_fit(scores: np.ndarray, thresholds: np.ndarray, matrices: RelationMatrices) -> None:
    if scores.shape != (len(scores), matrices.size) or thresholds.shape != (matrices.size,):
        raise MatrixError(
            f"decode: scores {scores.shape} and thresholds {thresholds.shape} do not fit the {matrices.size} labels "
            f"of {matrices.label_set}"
        )
    # Written so that NaN fails: comparisons with it would quietly decide against a label and what hangs on it.
    sound = ((scores >= 0) & (scores <= 1)).all(axis=0)
    if not sound.all():
        raise MatrixError(
            f"decode: scores of {matrices.names[int(sound.argmin())]!r} are not all between 0 and 1; "
            "give probabilities, not logits"
        )
    if not (thresholds >= 0).all():
        label = matrices.names[int((thresholds >= 0).argmin())]
        raise MatrixError(f"decode: threshold {label!r} is negative or no number; calibrate the run again")


def _margin(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Logits of the scores less those of the thresholds, N x C float64, finite."""
    edge = np.clip(np.minimum(thresholds, 1).astype(np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(logit(np.clip(scores.astype(np.float64), _EDGE, 1 - _EDGE)) - logit(edge))


def _unexpanded(positive: np.ndarray) -> Decoded:
    return Decoded(positive, np.full(positive.shape, -1, np.int64))


def _best(scores: np.ndarray, top: int) -> np.ndarray:
    """The ``top`` largest scores of each lesion, ties by column; N x C bool."""
    if not 1 <= top <= scores.shape[1]:
        raise UsageError(f"decoder top: {top} labels for each lesion; give 1 to {scores.shape[1]}")
    positive = np.zeros(scores.shape, bool)
    np.put_along_axis(positive, np.argsort(-scores, axis=1, kind="stable")[:, :top], True, axis=1)
    return positive


def _max_constrained(
    scores: np.ndarray, thresholds: np.ndarray, matrices: RelationMatrices
) -> tuple[np.ndarray, np.ndarray]:
    """Scores raised and thresholds lowered to those of descendants.

    A label that is never predicted by itself does not count its own score.
    """
    import torch  # torch is slow to import: only who decides by these decoders pays for it

    from learn.max_constraint import MaxConstraint

    upward = MaxConstraint(matrices)
    given = np.where(np.isinf(thresholds), 0, scores)
    lowest = -upward(torch.from_numpy(-thresholds)[None])[0]
    return upward(torch.from_numpy(given)).numpy(), lowest.numpy()


def _most_probable(scores: np.ndarray, thresholds: np.ndarray, matrices: RelationMatrices) -> np.ndarray:
    """The legal label set of largest summed margin, N x C bool.

    A label without threshold weighs nothing: as of equal sets the smaller is taken, it is positive only when a
    descendant is. A score right at its threshold weighs next to nothing, but counts as passed.
    """
    import torch

    margin = np.where(np.isinf(thresholds), 0, _margin(scores, thresholds))
    weights = torch.from_numpy(np.where(scores >= thresholds, np.maximum(margin, _EDGE), margin))
    inference = _inference(_ByHash(matrices))
    return torch.cat([inference.most_probable(rows) for rows in torch.split(weights, _ROWS)]).numpy()


@dataclass(frozen=True, eq=False)
class _ByHash:
    """Relations as a key: equal when their hashes are."""

    matrices: RelationMatrices

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByHash) and self.matrices.matrix_hash == other.matrices.matrix_hash

    def __hash__(self) -> int:
        return hash(self.matrices.matrix_hash)


@lru_cache(maxsize=4)
def _inference(key: _ByHash) -> ExactInference:
    from kg.junction_tree import JunctionTree
    from learn.exact import ExactInference

    return ExactInference(JunctionTree.compile(key.matrices))


def _origins(positive: np.ndarray, passed: np.ndarray, margin: np.ndarray, matrices: RelationMatrices) -> np.ndarray:
    """``expanded_from``: for positive labels that did not pass, the surest positive descendant that did."""
    origin = np.full(positive.shape, -1, np.int64)
    lesion, label = np.nonzero(positive & ~passed)
    could = matrices.ancestors.toarray().T[label] & (positive & passed)[lesion]
    origin[lesion, label] = np.where(could.any(axis=1), np.where(could, margin[lesion], -np.inf).argmax(axis=1), -1)
    return origin
