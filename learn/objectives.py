"""Classification losses besides LesaNet's own, on logits, and the choice among all. B lesions, C labels."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from learn.image.recipe import ImageRecipe, Objective
from learn.losses import weighted_cross_entropy


def classification_loss(
    recipe: ImageRecipe,
    logits: Tensor,
    positive: Tensor,
    used: Tensor,
    weights: tuple[Tensor, Tensor],
    ancestors: Tensor,
) -> Tensor:
    """The classification loss that a recipe asks for.

    Args:
        recipe: which one, and its settings.
        logits: B x C.
        positive: B x C, 1 for positive and 0 for negative.
        used: B x C, 0 where a pair is ignored.
        weights: class weights of positives and negatives, each shape (C,); the asymmetric loss and WARP balance in
            their own way and take none.
        ancestors: C x C, nonzero at ``[c, p]`` when p is an ancestor of c; only WARP looks at it.

    Returns:
        A scalar.
    """
    match recipe.objective:
        case Objective.WCE:
            return weighted_cross_entropy(logits, positive, *weights, used)
        case Objective.ASYMMETRIC:
            return asymmetric_loss(logits, positive, recipe.focus_positive, recipe.focus_negative, recipe.shift, used)
        case Objective.BOOTSTRAP:
            return bootstrap_loss(logits, positive, *weights, recipe.bootstrap, used)
        case Objective.WARP:
            return warp_loss(logits, positive, ancestors, used)


def asymmetric_loss(
    logits: Tensor,
    positive: Tensor,
    focus_positive: float = 1.0,
    focus_negative: float = 4.0,
    shift: float = 0.05,
    used: Tensor | None = None,
) -> Tensor:
    """Asymmetric loss: easy negatives count less than easy positives (Ridnik et al. 2021, equations 4 to 7).

    With p the sigmoid: ``-(1 - p)^focus_positive log p`` for positives, and for negatives
    ``-q^focus_negative log(1 - q)`` with ``q = max(p - shift, 0)``, so that a negative below ``shift`` costs nothing.
    All three settings at 0 give cross entropy.

    Args:
        logits: B x C.
        positive: B x C, 1 for positive and 0 for negative.
        focus_positive: exponent, 0 or more.
        focus_negative: exponent, 0 or more.
        shift: 0 or more, less than 1.
        used: B x C, 0 where a pair is ignored; all are used when None.

    Returns:
        A scalar: the sum over labels (as published), the mean over lesions.
    """
    log_wrong = F.logsigmoid(-logits)
    of_positive = torch.exp(focus_positive * log_wrong) * F.logsigmoid(logits)
    # log(1 - q), from the logarithm of 1 - p: exact however sure the network is.
    log_right = torch.logaddexp(log_wrong, log_wrong.new_tensor(math.log(shift) if shift else -math.inf)).clamp_max(0)
    # Away from 0, where an exponent below 1 has no finite gradient.
    shifted = (-torch.expm1(log_right)).clamp_min(torch.finfo(logits.dtype).tiny)
    loss = -(positive * of_positive + (1 - positive) * shifted**focus_negative * log_right)
    if used is not None:
        loss = loss * used
    return loss.sum() / len(logits)


def bootstrap_loss(
    logits: Tensor,
    positive: Tensor,
    positive_weight: Tensor,
    negative_weight: Tensor,
    given: float = 0.9,
    used: Tensor | None = None,
) -> Tensor:
    """Soft bootstrapping: class-weighted cross entropy against a blend of the label and the network's own belief.

    The target is ``given * y + (1 - given) * sigmoid(logit)`` (Yan et al., ISBI 2019). The gradient flows through the
    target: with it held fixed and equal weights, the gradient would be ``given`` times that of plain cross entropy, and
    nothing would be gained.

    Args:
        logits: B x C.
        positive: B x C, 1 for positive and 0 for negative.
        positive_weight: shape (C,), see :func:`learn.targets.class_weights`.
        negative_weight: shape (C,).
        given: share of the label in the target; 0.9 in the paper, 1 for :func:`learn.losses.weighted_cross_entropy`.
        used: B x C, 0 where a pair is ignored; all are used when None.

    Returns:
        A scalar, divided by B * C, ignored pairs included.
    """
    target = given * positive + (1 - given) * torch.sigmoid(logits)
    loss = -positive_weight * target * F.logsigmoid(logits) - negative_weight * (1 - target) * F.logsigmoid(-logits)
    if used is not None:
        loss = loss * used
    return loss.mean()


def warp_loss(logits: Tensor, positive: Tensor, ancestors: Tensor, used: Tensor | None = None) -> Tensor:
    """Weighted approximate ranking pairwise loss, and the rule that a label ranks above its ancestors.

    Each positive label p is to score higher by 1 than each label n of its rivals: all negatives of the lesion (Gong et
    al. 2014), and those ancestors of p that are positive too (LesaNet, section 5.2). With r the number of rivals that
    come closer than that, and ``H_r = 1 + 1/2 + ... + 1/r``, the loss of p is
    ``H_r / r * sum over n of max(0, 1 - s_p + s_n)``. The rank is counted, where the classic method estimates it from
    drawn rivals, which is biased; no gradient flows through it.

    Args:
        logits: B x C.
        positive: B x C, 1 for positive and 0 for negative.
        ancestors: C x C, nonzero at ``[c, p]`` when p is an ancestor of c.
        used: B x C, 0 where a pair is ignored: it neither ranks nor rivals; all are used when None.

    Returns:
        A scalar: the mean over the positive labels of the batch; 0 when there is none.
    """
    counted = torch.ones_like(positive, dtype=torch.bool) if used is None else used > 0
    # Rows for positives alone: a few of C, where every pair of labels of every lesion would be B x C x C.
    lesion, label = torch.nonzero((positive > 0) & counted, as_tuple=True)
    rivals = counted[lesion] & ((positive[lesion] == 0) | (ancestors[label] > 0))
    short = (1 - logits[lesion, label, None] + logits[lesion]).clamp_min(0) * rivals
    rank = (short.detach() > 0).sum(1).clamp_min(1)
    harmonic = torch.arange(1, logits.shape[1] + 1, device=logits.device).reciprocal().cumsum(0)
    weight = harmonic[rank - 1] / rank
    return (weight * short.sum(1)).sum() / max(len(lesion), 1)
