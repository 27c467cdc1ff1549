"""Exclusion for a reasoner: what is disjoint once exceptions have taken their part out.

OWL has no exceptions. An asserted pair that one touches is no longer disjoint as it stands; what is left of it lies
further down the hierarchy and is computed here. The asserted pair stays in the file as an annotation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from kg import algebra
from kg.closures import Closures
from kg.ontology import Label, LabelClass, Ontology


@dataclass(frozen=True)
class StrictExclusion:
    """What the strict profile says about exclusion.

    Attributes:
        pairs: asserted pairs (ids, the smaller first) that are disjoint no more as they stand.
        groups: ids of the groups with such a pair.
        inferred: the fewest pairs that say what is left of both; a label with itself is impossible.
    """

    pairs: frozenset[tuple[str, str]] = frozenset()
    groups: frozenset[str] = frozenset()
    inferred: tuple[tuple[str, str], ...] = ()


def strict_exclusion(ontology: Ontology) -> StrictExclusion:
    """Asserted pairs that exceptions break up, and the pairs in their place.

    References that do not resolve count as labels without relations of their own.
    """
    if not ontology.exceptions:
        return StrictExclusion()
    closures = Closures(_resolved(ontology))
    ids = [label.id for label in closures.ontology.labels]
    left = closures.exclusive
    lost = algebra.to_pairs(algebra.minus(closures.asserted_exclusive, left), symmetric=True)
    pairs = frozenset((ids[i], ids[j]) for i, j in lost)
    groups = frozenset(g.id for g in ontology.exclusive_groups if not pairs.isdisjoint(combinations(g.members, 2)))
    standing = {(p.a, p.b) for p in ontology.exclusive_pairs} - pairs
    standing.update(
        pair for g in ontology.exclusive_groups if g.id not in groups for pair in combinations(g.members, 2)
    )
    index = closures.index
    stated = algebra.from_pairs(np.array([(index[a], index[b]) for a, b in standing]), len(ids))
    # Labels of a cycle are each other's ancestors; none of them is above the others.
    above = algebra.minus(closures.ancestors, closures.ancestors.T)
    inherited = algebra.union(algebra.product(above, left), algebra.product(left, above.T))
    fewest = algebra.minus(left, inherited)
    inferred = algebra.minus(fewest, algebra.inherit_exclusive(stated, closures.ancestors))
    return StrictExclusion(
        pairs, groups, tuple((ids[i], ids[j]) for i, j in algebra.to_pairs(inferred, symmetric=True))
    )


def _resolved(ontology: Ontology) -> Ontology:
    """The ontology with a label for every id that it names."""
    merged = [label.replaced_by for label in ontology.labels if label.replaced_by]
    named = {
        *merged,
        *(i for pair in ontology.parent_pairs | ontology.all_exclusive_pairs for i in pair),
        *(i for x in ontology.exceptions for i in (x.a, x.b)),
    }
    missing = tuple(Label(i, i, LabelClass.TYPE) for i in sorted(named - ontology.by_id.keys()))
    return replace(ontology, labels=(*ontology.labels, *missing))
