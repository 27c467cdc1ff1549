"""Scores that respect the hierarchy: no label scores more than its ancestors.

Each label takes the largest score of itself and its descendants, the max-constraint of C-HMCNN (Giunchiglia and
Lukasiewicz, NeurIPS 2020). It knows nothing of exclusion.
"""

from __future__ import annotations

import torch
from torch import Tensor

from kg import algebra
from kg.matrices import RelationMatrices


class MaxConstraint:
    """Upward maximum over the hierarchy.

    Only pairs of a label and one of its descendants are touched, 439 of 171 x 171 for LesaNet's labels.

    Args:
        matrices: relations of the C labels.
    """

    def __init__(self, matrices: RelationMatrices) -> None:
        pairs = algebra.to_pairs(algebra.union(matrices.ancestors, algebra.identity(matrices.size)))
        self._pairs = {torch.device("cpu"): torch.from_numpy(pairs.T.copy())}

    def __call__(self, scores: Tensor) -> Tensor:
        """Largest score of each label and its descendants.

        Args:
            scores: B x C probabilities or logits, of any floating type, on any device.

        Returns:
            B x C; differentiable, where several descendants share the maximum they share the gradient.
        """
        if scores.device not in self._pairs:
            self._pairs[scores.device] = self._pairs[torch.device("cpu")].to(scores.device)
        below, above = self._pairs[scores.device]
        candidates = scores.index_select(1, below)
        return scores.scatter_reduce(1, above.expand_as(candidates), candidates, "amax")
