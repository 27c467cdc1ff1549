"""The figures that describe an ontology or one of its label sets (LesaNet, sections 3.1 and 4.1)."""

from __future__ import annotations

from typing import TypedDict

from kg import algebra
from kg.closures import Closures
from kg.ontology import LabelClass, MatchKind, Ontology


class Statistics(TypedDict):
    """Counts over the labels of one label set, or of the whole ontology; pairs have both ends among them.

    Attributes:
        labels: number of labels.
        bodypart: labels of this class.
        type: labels of this class.
        attribute: labels of this class.
        parent_pairs_listed: child and parent, as listed.
        parent_pairs_closure: label and ancestor, whatever lies between them.
        parent_pairs_reduction: the fewest parent pairs with the same closure.
        exclusive_pairs_listed: unordered pairs of two labels, as listed.
        exclusive_pairs_inherited: unordered pairs of two labels, with those that descendants inherit.
        exclusive_pairs_minimal: the fewest pairs that inherit to the same.
        self_exclusive: labels that inherit an exclusion with themselves: no lesion can have them.
        with_radlex_rid: labels with an exact or close RadLex term.
    """

    labels: int
    bodypart: int
    type: int
    attribute: int
    parent_pairs_listed: int
    parent_pairs_closure: int
    parent_pairs_reduction: int
    exclusive_pairs_listed: int
    exclusive_pairs_inherited: int
    exclusive_pairs_minimal: int
    self_exclusive: int
    with_radlex_rid: int


def statistics(ontology: Ontology, label_set: str | None = None) -> Statistics:
    """Count labels and relations.

    Closures are taken over the whole ontology and then restricted, because two labels of a set may be related through
    one outside it.

    Args:
        ontology: the ontology.
        label_set: name of one of its label sets; None for all labels.

    Raises:
        UsageError: no such label set.
        OntologyError: a reference does not resolve.
        MatrixError: the hierarchy has a cycle.
    """
    ontology.require_resolved()
    members = ontology.label_set(label_set).members if label_set else tuple(ontology.by_id)
    closures = Closures(ontology)
    columns = [closures.index[label_id] for label_id in members]

    def within(matrix: object) -> algebra.BoolMatrix:
        return algebra.as_bool(algebra.as_bool(matrix)[columns][:, columns])

    exclusive = within(closures.exclusive)
    ancestors_within = within(closures.ancestors)
    classes = [ontology.by_id[label_id].label_class for label_id in members]
    mapped = (MatchKind.EXACT, MatchKind.CLOSE)
    return Statistics(
        labels=len(members),
        bodypart=classes.count(LabelClass.BODYPART),
        type=classes.count(LabelClass.TYPE),
        attribute=classes.count(LabelClass.ATTRIBUTE),
        parent_pairs_listed=within(closures.parents).nnz,
        parent_pairs_closure=ancestors_within.nnz,
        parent_pairs_reduction=algebra.reduction(ancestors_within).nnz,
        exclusive_pairs_listed=_unordered(within(closures.asserted_exclusive)),
        exclusive_pairs_inherited=_unordered(exclusive),
        exclusive_pairs_minimal=_unordered(algebra.minimal_exclusive(exclusive, ancestors_within)),
        self_exclusive=int(exclusive.diagonal().sum()),
        with_radlex_rid=sum(any(m.predicate in mapped for m in ontology.by_id[i].mappings) for i in members),
    )


def _unordered(matrix: algebra.BoolMatrix) -> int:
    """Pairs of two different labels in a symmetric matrix."""
    return (int(matrix.nnz) - int(matrix.diagonal().sum())) // 2
