"""How good a network is on validation lesions: what the best epoch is chosen by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingest.images.patch_cache import PatchCache
from kg.cohort import Cohort
from kg.matrices import RelationMatrices
from learn.decode import threshold_and_expand
from learn.head import LabelNetwork
from learn.image.predict import outputs_of
from learn.judged import truth_of
from learn.metrics import Counts, auc, mean
from learn.thresholds import grid_thresholds


@dataclass(frozen=True, eq=False)
class Validation:
    """Validation lesions that have a patch and a relevant label.

    Attributes:
        cache: their patches.
        rows: shape (N,), rows of the cache.
        truth: N x C bool.
        used: N x C bool, False where a pair is ignored.
        matrices: relations, for expansion.
    """

    cache: PatchCache
    rows: np.ndarray
    truth: np.ndarray
    used: np.ndarray
    matrices: RelationMatrices

    @classmethod
    def of(cls, lesions: Cohort, matrices: RelationMatrices, cache: PatchCache) -> Validation:
        """Take those of the lesions, which all have a patch, that have a relevant label."""
        known = lesions.filter(lesions.has_positive)
        rows = np.array([cache.row_of[lesion] for lesion in known.table["lesion"].to_pylist()], np.int64)
        return cls(cache, rows, *truth_of(known), matrices)

    def judge(self, network: LabelNetwork, batch: int) -> tuple[float, float]:
        """Macro F1 and macro AUC.

        The released procedure: thresholds from a grid on these same lesions, then ancestors added; means over labels
        that occur.
        """
        network.eval()
        score, _ = outputs_of(network, self.cache.pixels, self.cache.boxes, self.rows, batch)
        thresholds = grid_thresholds(self.truth, score, self.used)
        decided = threshold_and_expand(score, thresholds, self.matrices)
        f1 = mean(Counts.of(self.truth, decided, self.used).f1())
        return f1, mean(auc(self.truth, score, self.used))
