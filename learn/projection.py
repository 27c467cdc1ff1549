"""Embeddings on a plane: the two directions along which they differ most, and groups of labels to colour them by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kg.matrices import RelationMatrices

MOST_GROUPS = 6


@dataclass(frozen=True, eq=False)
class Projection:
    """N embeddings in two dimensions.

    Attributes:
        points: N x 2, centred.
        explained: share of the variance along each axis.
    """

    points: np.ndarray
    explained: tuple[float, float]


def project(embedding: np.ndarray) -> Projection:
    """Principal components 1 and 2 of N x D embeddings.

    The sign of an axis is arbitrary: here the component's largest entry is positive, so that equal embeddings give
    equal pictures.
    """
    centred = np.asarray(embedding, np.float64) - embedding.mean(axis=0)
    _, size, axes = np.linalg.svd(centred, full_matrices=False)
    axes = np.pad(axes[:2], ((0, max(0, 2 - len(axes))), (0, 0)))
    largest = axes[np.arange(2), np.abs(axes).argmax(axis=1)]
    axes = axes * np.where(largest < 0, -1, 1)[:, None]
    variance = np.pad(size**2, (0, 2))
    total = max(float(variance.sum()), 1e-300)
    return Projection(centred @ axes.T, (float(variance[0] / total), float(variance[1] / total)))


@dataclass(frozen=True, eq=False)
class LabelGroups:
    """N lesions by one label each of one class.

    Attributes:
        label_class: of the labels.
        columns: of the labels, the most frequent first.
        group: shape (N,), place in ``columns`` of the lesion's label, of the least frequent one where it has several;
            -1 for none.
    """

    label_class: str
    columns: tuple[int, ...]
    group: np.ndarray


def label_groups(truth: np.ndarray, matrices: RelationMatrices, most: int = MOST_GROUPS) -> LabelGroups:
    """The class whose most general labels cover most lesions, and the group of each lesion.

    Of each class the ``most`` frequent labels without an ancestor in their class are taken; the class in which most
    lesions have one of them is chosen.

    Args:
        truth: N x C bool, ancestors may be missing.
        matrices: relations of the C labels.
        most: groups at most.
    """
    expanded = matrices.expand(truth).toarray()
    classes = np.array(matrices.classes)
    same = classes[:, None] == classes[None]
    top = ~(matrices.ancestors.toarray() & same).any(axis=1)
    count = expanded.sum(axis=0)
    best: LabelGroups | None = None
    for name in dict.fromkeys(matrices.classes):
        candidates = np.flatnonzero(top & (classes == name) & (count > 0))
        columns = candidates[np.argsort(-count[candidates], kind="stable")[:most]]
        rare_first = expanded[:, columns[::-1]]
        none = ~rare_first.any(axis=1)
        group = np.where(none, -1, len(columns) - 1 - (rare_first.argmax(axis=1) if len(columns) else 0))
        if best is None or (group >= 0).sum() > (best.group >= 0).sum():
            best = LabelGroups(name, tuple(columns.tolist()), group)
    assert best is not None  # a label set has at least one class
    return best
