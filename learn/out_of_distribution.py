"""A warning when a lesion is unlike those a run was validated on.

The mean distance of its embedding to the nearest stored validation lesions is compared with the same distance of each
validation lesion to the others of other patients. Patches are also looked at plainly: a network can place an empty
image anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from ingest.images.geometry import STEPS_PER_HU, WINDOW_HU
from kg.errors import TrainingError
from learn.neighbours import nearest
from learn.run import Run

NEIGHBOURS = 5
"""Validation lesions that a lesion is compared with."""
WARNING_PERCENTILE = 99.0
"""One validation lesion in a hundred would get the warning."""
_FLAT_HU = 10.0
_OUTSIDE = 0.9
_SPACING_MM = (0.2, 2.0)


@dataclass(frozen=True)
class Unlike:
    """How unlike the validation lesions one lesion is.

    Attributes:
        distance: mean distance to the nearest validation lesions.
        percentile: share of validation lesions that are no farther from the others, in per cent.
        reasons: why a warning is given; empty when there is none.
    """

    distance: float
    percentile: float
    reasons: tuple[str, ...]

    @property
    def warning(self) -> bool:
        """Whether the predictions should not be relied on even for research."""
        return bool(self.reasons)


@dataclass(frozen=True, eq=False)
class Reference:
    """The validation lesions of a run, to compare others with.

    Attributes:
        embedding: V x D.
        own: shape (V,), rising: mean distance of each to its nearest ones of other patients.
    """

    embedding: np.ndarray
    own: np.ndarray

    @classmethod
    def of(cls, run: Run, patients: Sequence[str] | None = None) -> Reference:
        """Of a run's stored validation lesions.

        Args:
            run: a trained model.
            patients: of the run's lesions; without them each lesion is its own patient, and warnings come too easily
                where patients have several lesions.

        Raises:
            TrainingError: it stored too few.
        """
        val = np.flatnonzero(run.split == "val")
        if len(val) <= NEIGHBOURS:
            raise TrainingError(
                f"run {run.run_id}: {len(val)} validation lesions are too few to tell an unusual lesion; train on more"
            )
        groups = np.arange(len(val)) if patients is None else np.asarray(patients)[val]
        embedding = run.embedding[val].astype(np.float64)
        _, distance = nearest(embedding, groups, np.arange(len(val)), NEIGHBOURS)
        there = np.isfinite(distance).all(axis=1)
        return cls(embedding, np.sort(distance[there].mean(axis=1)))

    def compare(self, embedding: np.ndarray, patches: Sequence[tuple[str, ...]] = ()) -> tuple[Unlike, ...]:
        """Judge N lesions.

        Args:
            embedding: N x D.
            patches: for each lesion the reasons that its patch gives (see :func:`patch_reasons`); or empty.
        """
        if not len(embedding):
            return ()
        away = np.sort(cdist(embedding.astype(np.float64), self.embedding), axis=1)[:, :NEIGHBOURS].mean(axis=1)
        percentile = 100.0 * np.searchsorted(self.own, away, side="right") / max(len(self.own), 1)
        found = []
        for place, (distance, part) in enumerate(zip(away.tolist(), percentile.tolist(), strict=True)):
            reasons = patches[place] if patches else ()
            if part > WARNING_PERCENTILE:
                reasons = (*reasons, f"farther from the validation lesions than {min(part, 99.9):.1f} % of themselves")
            found.append(Unlike(distance, part, reasons))
        return tuple(found)


def patch_reasons(pixels: np.ndarray, spacing_mm: float | None = None) -> tuple[str, ...]:
    """What is odd about a patch; empty when nothing is.

    Args:
        pixels: 3 x P x P int16, as the cache stores them.
        spacing_mm: of the image it was cut from, where known.
    """
    reasons = []
    top = (WINDOW_HU[1] - WINDOW_HU[0]) * STEPS_PER_HU
    if np.std(pixels.astype(np.float64)) < _FLAT_HU * STEPS_PER_HU:
        reasons.append("the patch is nearly one grey value")
    elif np.mean((pixels <= 0) | (pixels >= top)) > _OUTSIDE:
        reasons.append("nearly all of the patch is at the ends of the intensity window")
    if spacing_mm is not None and not _SPACING_MM[0] <= spacing_mm <= _SPACING_MM[1]:
        reasons.append(f"a pixel spacing of {spacing_mm:g} mm is unlike that of any CT trained on")
    return tuple(reasons)
