"""Training examples: which patches are learned from, and what is true of them and of their mirror images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ingest.images.patch_cache import PatchCache
from kg.algebra import as_bool
from kg.cohort import Cohort
from kg.matrices import RelationMatrices
from learn.image.contralateral import Laterality
from learn.recipe import Relations
from learn.targets import Targets, training_targets


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true of B lesions over C labels; each B x C float32, 1 or 0 (see :class:`learn.targets.Targets`).

    Attributes:
        positive: positive labels.
        reliable: reliable negatives.
        used: 0 where a pair is ignored.
    """

    positive: Tensor
    reliable: Tensor
    used: Tensor

    def to(self, device: torch.device) -> Truth:
        """The same on a device."""
        return Truth(*(part.to(device, non_blocking=True) for part in (self.positive, self.reliable, self.used)))


@dataclass(frozen=True, eq=False)
class Examples:
    """N training lesions.

    Attributes:
        cache_rows: shape (N,), the row of each in the patch cache.
        pixels: the cache's patches, int16, memory-mapped.
        boxes: N x 4 float32.
        targets: of the lesions as they are.
        mirrored: of their mirror images.
        may_flip: shape (N,) bool, whose mirror image has labels.
    """

    cache_rows: np.ndarray
    pixels: np.ndarray
    boxes: np.ndarray
    targets: Targets
    mirrored: Targets
    may_flip: np.ndarray

    @property
    def size(self) -> int:
        """N."""
        return len(self.cache_rows)

    @property
    def patch_size(self) -> int:
        """P."""
        return int(self.pixels.shape[-1])

    @classmethod
    def of(
        cls,
        lesions: Cohort,
        matrices: RelationMatrices,
        cache: PatchCache,
        labels: Relations,
        laterality: Laterality,
    ) -> Self:
        """Examples of lesions that all have a patch.

        The relations are applied to the mirrored lists anew: left and right need not have the same relations.
        """
        listed = (lesions.relevant_matrix(), lesions.uncertain_matrix())
        mirrored = tuple(as_bool(part[:, laterality.mirrored]) for part in listed)
        rows = np.array([cache.row_of[lesion] for lesion in lesions.table["lesion"].to_pylist()], np.int64)
        everything = matrices.expand(listed[0] + listed[1]).toarray()
        return cls(
            rows,
            cache.pixels,
            cache.boxes[rows],
            training_targets(*listed, matrices, labels),
            training_targets(mirrored[0], mirrored[1], matrices, labels),
            laterality.can_flip(everything),
        )

    def truth(self, rows: np.ndarray, flipped: np.ndarray | None = None) -> Truth:
        """What is true of some lesions, those where ``flipped`` (bool, same shape as ``rows``) holds mirrored."""

        def chosen(name: str) -> np.ndarray:
            straight: np.ndarray = getattr(self.targets, name)[rows]
            return (
                straight
                if flipped is None
                else np.where(flipped[:, None], getattr(self.mirrored, name)[rows], straight)
            )

        parts = (chosen("positive"), chosen("reliable"), ~chosen("ignored"))
        return Truth(*(torch.from_numpy(part.astype(np.float32)) for part in parts))
