"""Multilabel triplets: lesions that share more labels should lie closer (LesaNet, section 3.5)."""

from __future__ import annotations

import torch
from torch import Tensor


def label_similarity(labels: Tensor) -> Tensor:
    """Similarity of label sets, ``|X and Y| ** 2 / |X or Y|`` (LesaNet, equation 3).

    Args:
        labels: B x C, 1 for positive.

    Returns:
        B x B, symmetric, 0 where both sets are empty; between 0 and the size of the smaller set.
    """
    shared = labels @ labels.T
    size = labels.sum(dim=1)
    union = size[:, None] + size[None] - shared
    return shared**2 / union.clamp_min(1)


def sample_triplets(
    similarity: Tensor,
    count: int,
    least: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw triplets of anchor, positive and negative, without a loop.

    Anchor uniform over the batch; positive uniform over the lesions at least ``least`` similar to it, or the most
    similar one when there is none (released code; the paper does not say); negative uniform over the lesions less
    similar to the anchor than the positive is. A draw without any such lesion is dropped: the released code then takes
    the least similar one, which may be the positive itself and then teaches nothing (constant loss, no gradient).

    Args:
        similarity: B x B, see :func:`label_similarity`.
        count: triplets to draw; 5,000 in the paper.
        least: least similarity of a positive; 1 in the paper.
        generator: source of randomness.

    Returns:
        At most ``count`` x 3 row numbers; every row has ``similarity[a, p] > similarity[a, n]`` and three different
        lesions.
    """
    size = len(similarity)
    if size < 3:
        return torch.zeros((0, 3), dtype=torch.long)
    itself = torch.eye(size, dtype=torch.bool)
    others = similarity.masked_fill(itself, -1.0)
    close = others >= least
    closest = torch.zeros_like(close).scatter_(1, others.argmax(dim=1, keepdim=True), True)
    close = torch.where(close.any(dim=1, keepdim=True), close, closest)

    first = torch.argsort(close.to(torch.int8), dim=1, descending=True, stable=True)
    anchor = torch.randint(size, (count,), generator=generator)
    near = first[anchor, _below(close.sum(dim=1)[anchor], generator)]

    # The anchor itself goes last: nothing is more similar to it.
    ordered, by_similarity = torch.sort(similarity.masked_fill(itself, torch.inf), dim=1)
    smaller = torch.searchsorted(ordered, similarity)
    choices = smaller[anchor, near]
    far = by_similarity[anchor, _below(choices, generator)]
    return torch.stack([anchor, near, far], dim=1)[choices > 0]


def _below(limits: Tensor, generator: torch.Generator | None) -> Tensor:
    """A uniform whole number below each limit; 0 where the limit is 0."""
    draw = (torch.rand(len(limits), dtype=torch.float64, generator=generator) * limits).long()
    return torch.minimum(draw, (limits - 1).clamp_min(0))
