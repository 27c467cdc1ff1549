"""Losses of LesaNet (section 3) on logits. B lesions in a batch, C labels.

Where paper and released code differ the docstring says which is the default. Logits stand in for the code's clamped
sigmoid: same values away from the clamp, and no vanishing gradient beyond it.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F


def weighted_cross_entropy(
    logits: Tensor,
    positive: Tensor,
    positive_weight: Tensor,
    negative_weight: Tensor,
    used: Tensor | None = None,
    reduction: Literal["mean", "used", "sum"] = "mean",
) -> Tensor:
    """Class-weighted binary cross entropy (LesaNet, equation 1).

    Args:
        logits: B x C.
        positive: B x C, 1 for positive and 0 for negative.
        positive_weight: shape (C,), see :func:`learn.targets.class_weights`.
        negative_weight: shape (C,).
        used: B x C, 0 where a pair is ignored; all are used when None.
        reduction: ``mean`` divides by B * C, ignored pairs included (released code, the default); ``used`` by the
            number of used pairs (MULAN); ``sum`` not at all (the equation in the paper).

    Returns:
        A scalar; 0 when nothing is used.
    """
    loss = F.binary_cross_entropy_with_logits(logits, positive, reduction="none")
    loss = loss * torch.where(positive > 0, positive_weight, negative_weight)
    if used is not None:
        loss = loss * used
    if reduction == "sum":
        return loss.sum()
    count = loss.numel() if used is None or reduction == "mean" else used.sum()
    return loss.sum() / max(float(count), 1.0)


def hardness(logits: Tensor, positive: Tensor, reliable: Tensor, gamma: float = 2.0) -> Tensor:
    """How wrong each reliable pair is: ``|sigmoid - y| ** gamma`` on positives and reliable negatives, 0 elsewhere.

    Args:
        logits: B x C.
        positive: B x C, 1 for positive.
        reliable: B x C, 1 for reliable negative.
        gamma: 2 in the paper.

    Returns:
        B x C, without gradient.
    """
    error = (torch.sigmoid(logits.detach()) - positive).abs() ** gamma
    return error * ((positive + reliable) > 0)


def rhem_expected(logits: Tensor, positive: Tensor, reliable: Tensor, gamma: float = 2.0) -> Tensor:
    """Relational hard example mining in closed form: the expectation of :func:`rhem_sampled`.

    ``sum(hardness * cross entropy) / sum(hardness)``: same expected gradient, no sampling variance. 0 when no pair is
    reliable, or none is wrong.
    """
    weight = hardness(logits, positive, reliable, gamma)
    loss = F.binary_cross_entropy_with_logits(logits, positive, weight=weight, reduction="sum")
    total = weight.sum()
    return loss / torch.where(total > 0, total, torch.ones_like(total))


def rhem_sampled(
    logits: Tensor,
    positive: Tensor,
    reliable: Tensor,
    pairs: int = 10_000,
    gamma: float = 2.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Relational hard example mining as in the paper (equation 2): mean cross entropy of drawn pairs.

    Lesion-label pairs are drawn with replacement, each with probability in proportion to its :func:`hardness`. 0 when
    no pair is reliable, or none is wrong: there is nothing to draw from.
    """
    weight = hardness(logits, positive, reliable, gamma).flatten()
    if not bool(weight.sum() > 0):
        return logits.sum() * 0
    drawn = torch.multinomial(weight, pairs, replacement=True, generator=generator)
    return F.binary_cross_entropy_with_logits(logits.flatten()[drawn], positive.flatten()[drawn])


def triplet_loss(embedding: Tensor, triplets: Tensor, margin: float = 0.1) -> Tensor:
    """Mean of ``max(0, |a - p| - |a - n| + margin)`` over triplets (LesaNet, equation 4), distances not squared.

    All distances of the batch are computed once as a B x B matrix, which costs far less than gathering three embeddings
    for each of thousands of triplets.

    Args:
        embedding: B x D, unit length.
        triplets: T x 3 rows of the batch: anchor, positive, negative (:func:`learn.triplets.sample_triplets`).
        margin: 0.1 in the paper.

    Returns:
        A scalar; 0 when there is no triplet.
    """
    if len(triplets) == 0:
        return embedding.sum() * 0
    # Below the clamp, at distance 1e-6, a pair gets no gradient: the square root's would be unbounded.
    distance = (2 - 2 * embedding @ embedding.T).clamp_min(1e-12).sqrt()
    anchor, near, far = triplets.T
    return (distance[anchor, near] - distance[anchor, far] + margin).clamp_min(0).mean()
