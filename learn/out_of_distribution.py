"""Is a lesion unlike what the model knows? A warning, not a verdict.

A lesion is compared with the run's validation lesions in the embedding: its mean distance to the nearest of them,
beside the same distance of each of them to the others. Patches are looked at as well, for what no CT of a body shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingest.images.geometry import STEPS_PER_HU, WINDOW_HU
from learn.run import Run

NEAREST = 5
UNLIKE = 99.0
"""Percentile of the known lesions' own distances beyond which a lesion is called unlike them."""

_FLAT_HU = 8.0
_AIR_HU, _MOST_AIR = -900.0, 0.98
_DENSE_HU, _MOST_DENSE = 2000.0, 0.5


@dataclass(frozen=True)
class Familiarity:
    """How near a lesion is to known ones.

    Attributes:
        distance: mean embedding distance to the :data:`NEAREST` nearest validation lesions.
        percentile: share of validation lesions, in percent, that are nearer to their own neighbours.
    """

    distance: float
    percentile: float

    @property
    def unlike(self) -> bool:
        """Whether a warning is due."""
        return self.percentile > UNLIKE


class Familiar:
    """The validation lesions of a run, to compare others with.

    Args:
        run: with its predictions of validation lesions.
    """

    def __init__(self, run: Run) -> None:
        self._known = np.asarray(run.embedding[run.split == "val"], np.float64)
        own = _distances(self._known, self._known)
        np.fill_diagonal(own, np.inf)
        self._own = np.sort(_mean_of_nearest(own))

    def judge(self, embedding: np.ndarray) -> tuple[Familiarity, ...]:
        """Compare M lesions.

        Args:
            embedding: M x D, of the same run.
        """
        found = _mean_of_nearest(_distances(np.asarray(embedding, np.float64), self._known))
        below = np.searchsorted(self._own, found, side="left") / max(len(self._own), 1) * 100
        return tuple(Familiarity(float(d), float(p)) for d, p in zip(found, below, strict=True))


def pixel_warnings(pixels: np.ndarray) -> tuple[str, ...]:
    """What is odd about one patch, 3 x P x P int16 as stored; each a sentence, none when nothing is."""
    hu = pixels.astype(np.float64) / STEPS_PER_HU + WINDOW_HU[0]
    said = []
    if hu[1].std() < _FLAT_HU:
        said.append("the patch is almost one grey: no anatomy is in it")
    elif (hu < _AIR_HU).mean() > _MOST_AIR:
        said.append("the patch is almost all air: it may lie outside the body")
    elif (hu > _DENSE_HU).mean() > _MOST_DENSE:
        said.append("most of the patch is denser than bone: the pixels may not be in Hounsfield units")
    return tuple(said)


def _distances(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    squared = (rows**2).sum(axis=1)[:, None] + (columns**2).sum(axis=1)[None] - 2 * rows @ columns.T
    return np.asarray(np.sqrt(np.maximum(squared, 0)))


def _mean_of_nearest(distances: np.ndarray) -> np.ndarray:
    """Mean of the nearest finite distances of each row."""
    width = min(NEAREST, distances.shape[1] - int(np.isinf(distances).any()))
    return np.asarray(np.partition(distances, max(width - 1, 0), axis=1)[:, :width].mean(axis=1))
