"""Why a label was decided, or was not: the relations behind one lesion's label set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from kg.matrices import RelationMatrices
from learn.decode import Decoded
from learn.run import Run

_EDGE = 1e-7
_STRONGEST = 2


@dataclass(frozen=True)
class Influence:
    """What another label's score added to this one's logit through score propagation."""

    name: str
    amount: float


@dataclass(frozen=True)
class DecidedLabel:
    """A label of the decided set.

    Attributes:
        id, name, label_class: of the label.
        score: of the model, 0 to 1.
        probability: calibrated.
        threshold: on the score; infinity for a label that is never decided by itself.
        specific: no other decided label implies it.
        expanded_from: name of the label that brought it along as an ancestor; empty when its own score sufficed.
        influences: the strongest through score propagation; empty for a model of several networks, whose scores are
            means.
    """

    id: str
    name: str
    label_class: str
    score: float
    probability: float
    threshold: float
    specific: bool
    expanded_from: str
    influences: tuple[Influence, ...]


@dataclass(frozen=True)
class SuppressedLabel:
    """A label whose score reached its threshold and that was not decided.

    Attributes:
        id, name: of the label.
        score, threshold: its score, and what it reached.
        by: the decided label that excludes it; empty when none does, and its ancestors were too unlikely.
        stated: the exclusive pair behind it as stated in the ontology, when it is inherited from ancestors; else empty.
    """

    id: str
    name: str
    score: float
    threshold: float
    by: str
    stated: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """Decided labels, most specific first, and suppressed ones, highest score first."""

    labels: tuple[DecidedLabel, ...]
    suppressed: tuple[SuppressedLabel, ...]


def explain(run: Run, score: np.ndarray, probability: np.ndarray, decoded: Decoded, row: int = 0) -> Explanation:
    """Explain the decided label set of one lesion.

    Args:
        run: the model.
        score: N x C.
        probability: N x C.
        decoded: decisions on the N lesions.
        row: which lesion.
    """
    matrices, names = run.matrices, run.matrices.names
    positive, origin = decoded.positive[row], decoded.expanded_from[row]
    ancestors = matrices.ancestors.toarray()
    chosen = np.flatnonzero(positive)
    implied = ancestors[chosen].any(axis=0)
    contributions = _contributions(run, score[row])
    # Deep labels say most; among equals the likeliest first.
    order = sorted(chosen, key=lambda c: (bool(implied[c]), -int(ancestors[c].sum()), -float(probability[row, c])))
    labels = tuple(
        DecidedLabel(
            matrices.label_ids[c],
            names[c],
            matrices.classes[c],
            float(score[row, c]),
            float(probability[row, c]),
            float(run.thresholds[c]),
            not implied[c],
            names[origin[c]] if origin[c] >= 0 else "",
            _strongest(contributions, int(c), names),
        )
        for c in order
    )
    blocked = np.flatnonzero((score[row] >= run.thresholds) & ~positive)
    blocked = blocked[np.argsort(-score[row, blocked], kind="stable")]
    return Explanation(labels, tuple(_suppressed(run, score[row], positive, int(c)) for c in blocked))


def _suppressed(run: Run, score: np.ndarray, positive: np.ndarray, label: int) -> SuppressedLabel:
    matrices = run.matrices
    against = np.flatnonzero(matrices.exclusive.toarray()[label] & positive)
    told = (matrices.label_ids[label], matrices.names[label], float(score[label]), float(run.thresholds[label]))
    if len(against) == 0:
        return SuppressedLabel(*told, by="", stated=())
    other = int(against[np.argmax(score[against])])
    pair = stated_pair(matrices, label, other)
    stated = () if pair == (label, other) else tuple(matrices.names[c] for c in pair)
    return SuppressedLabel(*told, by=matrices.names[other], stated=stated)


def stated_pair(matrices: RelationMatrices, label: int, other: int) -> tuple[int, int]:
    """The pair of exclusive labels, themselves or ancestors, that an exclusion is inherited from."""
    above = [np.append(matrices.ancestors.toarray()[c].nonzero()[0], c) for c in (label, other)]
    found = np.argwhere(matrices.exclusive_minimal.toarray()[np.ix_(*above)])
    first, second = found[0]
    return int(above[0][first]), int(above[1][second])


def _contributions(run: Run, score: np.ndarray) -> np.ndarray | None:
    """C x C: what label j's score before propagation added to label i; None when there is no one such score."""
    if len(run.seeds) != 1:
        return None
    weight, bias = run.spl_weight[0].astype(np.float64), run.spl_bias[0].astype(np.float64)
    refined = logit(np.clip(score.astype(np.float64), _EDGE, 1 - _EDGE))
    # Propagation is near the identity: the scores before it follow from those after it.
    before = np.linalg.lstsq(weight, refined - bias, rcond=None)[0]
    added: np.ndarray = weight * before[None, :]
    np.fill_diagonal(added, 0)
    return added


def _strongest(added: np.ndarray | None, label: int, names: tuple[str, ...]) -> tuple[Influence, ...]:
    if added is None:
        return ()
    order = np.argsort(-np.abs(added[label]), kind="stable")[:_STRONGEST]
    return tuple(Influence(names[j], float(added[label, j])) for j in order if abs(added[label, j]) > 0.01)
