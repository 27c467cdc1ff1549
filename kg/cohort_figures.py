"""Counts that tell what a cohort is good for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kg.cohort import SPLITS, Cohort
from kg.errors import MatrixError
from kg.matrices import RelationMatrices


@dataclass(frozen=True, slots=True)
class SplitFigures:
    """One split of a cohort.

    Attributes:
        split: train, val or test.
        lesions: number of lesions.
        patients: number of patients.
        positives: (lesion, label) pairs that count as positive (:meth:`kg.cohort.Cohort.positive_matrix`).
        with_positive: lesions with at least one of them.
        with_metadata: lesions with location, size and acquisition facts.
        usable: lesions with both.
        contradictory: lesions with two exclusive labels positive, ancestors included.
    """

    split: str
    lesions: int
    patients: int
    positives: int
    with_positive: int
    with_metadata: int
    usable: int
    contradictory: int


def figures(cohort: Cohort, matrices: RelationMatrices) -> list[SplitFigures]:
    """Counts of each split.

    Args:
        cohort: all its splits are counted.
        matrices: relations of its label set.

    Raises:
        MatrixError: the matrices have other columns than the cohort.
    """
    if matrices.label_ids != cohort.label_ids:
        raise MatrixError(f"relation matrices of {matrices.label_set}: not the label columns of cohort {cohort.id}")
    return [_of_split(cohort.subset(split), split, matrices) for split in SPLITS]


def _of_split(part: Cohort, split: str, matrices: RelationMatrices) -> SplitFigures:
    positive = part.positive_matrix()
    return SplitFigures(
        split=split,
        lesions=part.size,
        patients=len(part.table["patient"].unique()),
        positives=int(positive.nnz),
        with_positive=int(part.has_positive.sum()),
        with_metadata=int(part.has_metadata.sum()),
        usable=int((part.has_positive & part.has_metadata).sum()),
        contradictory=len(np.unique(matrices.contradictions(positive)[:, 0])),
    )
