"""What training takes as positive, as reliably negative, and as neither."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kg import algebra
from kg.algebra import BoolMatrix
from kg.matrices import RelationMatrices
from learn.recipe import Relations


@dataclass(frozen=True, eq=False)
class Targets:
    """Training labels of N lesions over C labels; all arrays N x C bool.

    Attributes:
        positive: relevant or uncertain (LesaNet, section 4.1), prepared as :class:`Relations` says.
        reliable: reliable negatives, exclusive with a positive and not positive themselves.
        ignored: neither counts for nor against a label: an uncertain label or its ancestor that is not positive and not
            exclusive with a positive (released code). Empty once positives are expanded.
    """

    positive: np.ndarray
    reliable: np.ndarray
    ignored: np.ndarray


def training_targets(
    relevant: BoolMatrix, uncertain: BoolMatrix, matrices: RelationMatrices, labels: Relations
) -> Targets:
    """Targets of N lesions from the released lists and the relations.

    Args:
        relevant: N x C.
        uncertain: N x C; counts as positive in training, as its mentions were relevant more often than not.
        matrices: relations of the C labels.
        labels: what to do about implied labels.

    Returns:
        Reliable negatives follow from the positives before any label is taken out, and are never ancestors of one.
    """
    listed = algebra.union(relevant, uncertain)
    expanded = matrices.expand(listed)
    reliable = algebra.reliable_negatives(expanded, matrices.exclusive)
    if labels is Relations.EXPANDED:
        positive = expanded
    elif labels is Relations.RELEASED:
        positive = listed
    else:
        positive = algebra.minus(listed, algebra.product(listed, matrices.ancestors))
    unsure = algebra.minus(matrices.expand(uncertain), algebra.union(positive, reliable))
    if labels is Relations.MOST_SPECIFIC:
        # An ancestor taken out on purpose is a negative here, as it would be to someone who knows no relations.
        unsure = algebra.minus(unsure, expanded)
    return Targets(positive.toarray(), reliable.toarray(), unsure.toarray())


def class_weights(positive: np.ndarray, limit: float, power: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Weights that give positives and negatives of each label the same total (LesaNet, equation 1).

    ``N / (2 P)`` clamped to ``limit``, and ``N / (2 (N - P))`` unclamped, as in the released code (the paper clamps
    "the weights" without saying which); both raised to ``power``.

    Args:
        positive: N x C bool.
        limit: clamp on the weight of positives.
        power: 1 for the paper's weights, 0 for none.

    Returns:
        Weights of positives and of negatives, each shape (C,) float32; a label without positives (or negatives) takes
        the limit (or 1/2), which no lesion ever uses.
    """
    lesions = len(positive)
    count = positive.sum(axis=0).astype(np.float64)
    of_positive = np.minimum(limit, lesions / (2 * np.maximum(count, 1e-9)))
    of_negative = np.where(count < lesions, lesions / (2 * np.maximum(lesions - count, 1e-9)), 0.5)
    return (of_positive**power).astype(np.float32), (of_negative**power).astype(np.float32)
