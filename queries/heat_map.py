"""Learned correlations beside the relations of the ontology: which agree, which contradict it, which are new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from kg.closures import Closures
from kg.ontology import LabelClass, Ontology, SoftKind

MOST_LABELS = 60
"""More labels than these cannot be told apart in one map."""


class Agreement(IntEnum):
    """What the ontology says about a learned weight."""

    WEAK = 0
    """Too weak a weight to say anything."""
    AGREES = 1
    """Positive where a relation joins the labels, or negative where they are exclusive."""
    CONTRADICTS = 2
    """Positive between exclusive labels, or negative where a relation joins them."""
    NEW = 3
    """No relation speaks about it."""


@dataclass(frozen=True, eq=False)
class Said:
    """What an ontology says about C labels; all arrays are C x C, boolean and symmetric.

    Attributes:
        joined: one is an ancestor of the other, or typically located in it or has it, inherited upwards.
        alike: one may be taken for the other.
        exclusive: never both on one lesion, inherited pairs included.
    """

    joined: np.ndarray
    alike: np.ndarray
    exclusive: np.ndarray

    @classmethod
    def of(cls, ontology: Ontology, label_ids: Sequence[str]) -> Said:
        """What an ontology says about some of its labels.

        Raises:
            KeyError: a label is not of this ontology.
        """
        closures = Closures(ontology)
        above = closures.ancestors.toarray()
        joined, alike = above.copy(), np.zeros_like(above)
        for soft in ontology.soft_relations:
            a, b = closures.index[soft.subject], closures.index[soft.object]
            if soft.kind in (SoftKind.TYPICALLY_LOCATED_IN, SoftKind.TYPICALLY_HAS):
                joined[a, b] = True
                joined[a] |= above[b]
            elif soft.kind is SoftKind.CONFUSABLE_WITH:
                alike[a, b] = True
        here = np.ix_(*[[closures.index[label_id] for label_id in label_ids]] * 2)
        exclusive = closures.exclusive.toarray()
        return cls((joined | joined.T)[here], (alike | alike.T)[here], exclusive[here])


def classify(weight: np.ndarray, strong: np.ndarray, said: Said) -> np.ndarray:
    """What the ontology says about each learned weight.

    Args:
        weight: ``[C, C]``, of evidence for the label of the column on the label of the row.
        strong: ``[C, C]``, which of them stand out.
        said: what the ontology says about the same labels.

    Returns:
        ``[C, C]`` values of :class:`Agreement`; weak on the diagonal.
    """
    up, down = weight > 0, weight < 0
    # That labels are taken for each other explains a positive weight between exclusive ones.
    agrees = (up & (said.joined | said.alike)) | (down & said.exclusive)
    contradicts = ((up & said.exclusive) | (down & said.joined)) & ~agrees
    found = np.full(weight.shape, Agreement.NEW, np.int8)
    found[contradicts] = Agreement.CONTRADICTS
    found[agrees] = Agreement.AGREES
    found[~strong | (weight == 0)] = Agreement.WEAK
    np.fill_diagonal(found, Agreement.WEAK)
    return found


@dataclass(frozen=True, eq=False)
class Weights:
    """What a model learned about C labels.

    Attributes:
        model: its id.
        label_ids: C label ids.
        weight: ``[C, C]``, mean over seeds, of evidence for the column's label on the row's; 0 where unknown.
        stability: ``[C, C]``, share of seeds that agree on the sign; 0 where the weight does not stand out.
        complete: whether small weights are known too.
    """

    model: str
    label_ids: tuple[str, ...]
    weight: np.ndarray
    stability: np.ndarray
    complete: bool

    @property
    def strong(self) -> np.ndarray:
        """``[C, C]``, weights that stand out: those that the graph holds as correlations."""
        found: np.ndarray = self.stability > 0
        return found


@dataclass(frozen=True, slots=True)
class Cell:
    """One weight that stands out.

    Attributes:
        source: id of the label that gives evidence.
        target: id of the label that it is for.
        weight: the weight.
        stability: share of seeds that agree on its sign.
        agreement: what the ontology says about it.
        reading: how it is read: ``co-occurs``, ``confusable`` or ``suppresses``.
    """

    source: str
    target: str
    weight: float
    stability: float
    agreement: Agreement
    reading: str


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A part of what a model learned, in an order that keeps related labels together.

    Attributes:
        model: its id.
        label_ids: n label ids.
        names: their names.
        weight: ``[n, n]``, as :class:`Weights`.
        stability: the same.
        agreement: ``[n, n]``, values of :class:`Agreement`.
        reading: ``[n, n]``, how a weight is read; empty where it does not stand out.
        complete: whether small weights are known too.
        left_out: labels of the choice that did not fit.
    """

    model: str
    label_ids: tuple[str, ...]
    names: tuple[str, ...]
    weight: np.ndarray
    stability: np.ndarray
    agreement: np.ndarray
    reading: np.ndarray
    complete: bool
    left_out: int

    def cells(self) -> list[Cell]:
        """Weights that stand out, largest first."""
        rows, columns = np.nonzero(self.agreement)
        order = np.lexsort((columns, rows, -np.abs(self.weight[rows, columns])))
        return [
            Cell(
                self.label_ids[j],
                self.label_ids[i],
                float(self.weight[i, j]),
                float(self.stability[i, j]),
                Agreement(int(self.agreement[i, j])),
                str(self.reading[i, j]),
            )
            for i, j in zip(rows[order].tolist(), columns[order].tolist(), strict=True)
        ]

    def count(self, agreement: Agreement) -> int:
        """Number of weights of which the ontology says this."""
        return int((self.agreement == agreement).sum())


def heat_map(
    ontology: Ontology, weights: Weights, label_class: LabelClass | None = None, near: str = "", most: int = MOST_LABELS
) -> HeatMap:
    """The weights among some labels.

    Args:
        ontology: what they are compared with; labels that it lacks, or no longer uses, are left out.
        weights: what the model learned.
        label_class: only labels of this class.
        near: id of a label: only those that a weight which stands out, or an asserted relation, joins with it.
        most: so many labels; those with the largest weights are kept.

    Raises:
        UsageError: no such label.
    """
    known = [ontology.by_id.get(label_id) for label_id in weights.label_ids]
    wanted = np.array([k is not None and not k.deprecated for k in known], bool)
    if label_class is not None:
        wanted &= np.array([k is not None and k.label_class is label_class for k in known], bool)
    size = np.where(weights.strong, np.abs(weights.weight), 0.0)
    np.fill_diagonal(size, 0.0)
    rank = np.maximum(size.max(axis=0, initial=0), size.max(axis=1, initial=0))
    if near:
        rank = _nearness(ontology, weights, size, near)
        wanted &= rank > 0
    elif label_class is None:
        wanted &= rank > 0
    candidates = np.flatnonzero(wanted)
    chosen = candidates[np.argsort(-rank[candidates], kind="stable")][:most]
    chosen = np.array(sorted(chosen.tolist(), key=lambda i: _place(ontology, weights.label_ids[i])), np.int64)
    ids = tuple(weights.label_ids[i] for i in chosen)
    here = np.ix_(chosen, chosen)
    said = Said.of(ontology, ids)
    weight = weights.weight[here]
    agreement = classify(weight, weights.strong[here], said)
    reading = np.where(weight < 0, "suppresses", np.where(said.exclusive, "confusable", "co-occurs"))
    return HeatMap(
        weights.model,
        ids,
        tuple(ontology.by_id[label_id].name for label_id in ids),
        weight,
        weights.stability[here],
        agreement,
        np.where(agreement == Agreement.WEAK, "", reading),
        weights.complete,
        len(candidates) - len(chosen),
    )


def _nearness(ontology: Ontology, weights: Weights, size: np.ndarray, near: str) -> np.ndarray:
    """How near each label is to one: 3 for itself, 2 by a relation, else the larger weight between the two."""
    centre = ontology.label(near).id
    place = {label_id: i for i, label_id in enumerate(weights.label_ids)}
    found = np.zeros(len(weights.label_ids))
    if centre in place:
        found = np.maximum(size[place[centre]], size[:, place[centre]])
    soft = ((s.subject, s.object) for s in ontology.soft_relations)
    for a, b in (*ontology.parent_pairs, *ontology.all_exclusive_pairs, *soft):
        if centre in (a, b):
            other = b if a == centre else a
            if other in place:
                found[place[other]] = 2.0
    if centre in place:
        found[place[centre]] = 3.0
    return found


def _place(ontology: Ontology, label_id: str) -> tuple[int, tuple[str, ...]]:
    """Where a label stands: by class, and then below its first parent of the class."""
    order = list(LabelClass)
    label_class = ontology.by_id[label_id].label_class
    path: list[str] = []
    current: str | None = label_id
    while current is not None and current not in path:
        path.append(current)
        above = sorted(p for p in _parents(ontology, current) if ontology.by_id[p].label_class is label_class)
        current = above[0] if above else None
    return order.index(label_class), tuple(ontology.by_id[i].name for i in reversed(path))


def _parents(ontology: Ontology, label_id: str) -> list[str]:
    return [r.parent for r in ontology.relations if r.child == label_id]
