"""Where an ontology's parents differ from RadLex's, in place or kind, and the lesions that each reading would change.

Only labels that one current term is the exact match of are compared. RadLex is a second opinion about anatomy and
findings, not the truth about labels: a label is a statement about a lesion.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from kg import algebra
from kg.algebra import BoolMatrix
from kg.closures import Closures
from kg.curation.label_data import LabelData
from kg.ontology import Label, Ontology, Relation, RelationKind
from kg.radlex.linked import linked
from kg.radlex.reference import Reference, Step

_EXAMPLES = 5
_KINDS = {
    Step.IS_A: {RelationKind.IS_A},
    Step.PART_OF: {RelationKind.PART_OF},
    Step.CONTAINED_BY: {RelationKind.PART_OF, RelationKind.LOCATED_IN},
}
"""Kinds that agree with a way up, by its steps: ``contained_by`` is RadLex's for parts of regions too."""


class Disagreement(StrEnum):
    """How the ontology and RadLex differ about two labels."""

    REVERSED = "reversed"
    """RadLex has the parent below the child."""
    UNSUPPORTED = "unsupported"
    """The ontology has a parent that RadLex does not have above the term."""
    MISSING = "missing"
    """RadLex has a term above that the label does not have as an ancestor."""
    OTHER_BRANCH = "other-branch"
    """As unsupported, but RadLex has the two in different branches (a finding, an organ) and seldom joins these."""
    KIND = "kind"
    """Both have it, by another kind of relation."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    Attributes:
        what: how they differ.
        child: the lower label.
        parent: the upper label.
        kinds: kinds by which the ontology asserts it; none when it does not.
        way: how RadLex gets from one to the other, in words; empty when it does not.
        lesions: labelled lesions whose labels, parents included, RadLex's reading would change.
        lost: lesions that would lose a label.
        gained: lesions that would gain one.
        examples: ids of the first of these lesions.
    """

    what: Disagreement
    child: Label
    parent: Label
    kinds: tuple[RelationKind, ...]
    way: str
    lost: int = 0
    gained: int = 0
    examples: tuple[str, ...] = ()
    lesions: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "what": self.what.value,
            "child": {"id": self.child.id, "name": self.child.name},
            "parent": {"id": self.parent.id, "name": self.parent.name},
            "kinds": [kind.value for kind in self.kinds],
            "radlex": self.way,
            "lesions": self.lesions,
            "lost": self.lost,
            "gained": self.gained,
            "examples": list(self.examples),
        }


@dataclass(frozen=True)
class Report:
    """All differences, those that change most lesions first.

    Attributes:
        compared: labels with an exact match in RadLex.
        agreed: parent pairs of these labels that RadLex has too, by the same kind.
        not_comparable: parent pairs with a label that has no exact match.
        differences: the rest.
    """

    compared: int
    agreed: int
    not_comparable: int
    differences: tuple[Difference, ...]


def disagreements(ontology: Ontology, reference: Reference, data: LabelData | None = None) -> Report:
    """Compare an ontology with RadLex.

    Args:
        ontology: whose parents.
        reference: all terms.
        data: lesions to count; none are counted without.
    """
    links = linked(ontology, reference)
    closures = Closures(ontology)
    labels_of: dict[str, list[str]] = {}
    for label, rid in links.items():
        labels_of.setdefault(rid, []).append(label)
    asserted: dict[tuple[str, str], set[RelationKind]] = {}
    for r in ontology.relations:
        asserted.setdefault((r.child, r.parent), set()).add(r.kind)
    ways = {label: reference.ways_up(rid, labels_of) for label, rid in links.items()}
    found: list[Difference] = []
    agreed = 0
    for (child, parent), kinds in sorted(asserted.items()):
        if child not in links or parent not in links or links[child] == links[parent]:
            continue
        low, high = ontology.by_id[child], ontology.by_id[parent]
        shown = tuple(sorted(kinds))
        way = ways[child].get(links[parent], ())
        if not way:
            back = ways[parent].get(links[child], ())
            apart = reference.branches(links[child]).isdisjoint(reference.branches(links[parent]))
            unheld = Disagreement.OTHER_BRANCH if apart else Disagreement.UNSUPPORTED
            what = Disagreement.REVERSED if back else unheld
            text = reference.text(links[parent], back) if back else ""
            found.append(Difference(what, low, high, shown, text))
        elif low.label_class == high.label_class and not kinds & _agreeing(step for step, _ in way):
            found.append(Difference(Disagreement.KIND, low, high, shown, reference.text(links[child], way)))
        else:
            agreed += 1
    for child, parent in _missing(ontology, closures, links, labels_of, ways):
        text = reference.text(links[child], ways[child][links[parent]])
        found.append(Difference(Disagreement.MISSING, ontology.by_id[child], ontology.by_id[parent], (), text))
    if data is not None:
        count = _Counted(closures, data)
        found = [count.measured(one) for one in found]
    order = {what: i for i, what in enumerate(Disagreement)}
    found.sort(key=lambda one: (-one.lesions, order[one.what], one.child.id, one.parent.id))
    uncompared = sum(child not in links or parent not in links for child, parent in asserted)
    return Report(len(links), agreed, uncompared, tuple(found))


def _agreeing(steps: Iterable[Step]) -> set[RelationKind]:
    """The kinds that fit a way up: ``is_a`` throughout is that; otherwise what its other steps say, together."""
    other = {step for step in steps if step is not Step.IS_A}
    return set().union(*(_KINDS[step] for step in other)) if other else _KINDS[Step.IS_A]


def _missing(
    ontology: Ontology,
    closures: Closures,
    links: dict[str, str],
    labels_of: dict[str, list[str]],
    ways: dict[str, dict[str, tuple[tuple[Step, str], ...]]],
) -> list[tuple[str, str]]:
    """Labels and the nearest ones that RadLex has above them and the ontology has neither above nor below."""
    above, index = closures.ancestors, closures.index
    found: list[tuple[str, str]] = []
    for child in links:
        over = [label for rid in ways[child] for label in labels_of[rid]]
        lacking = [
            p for p in over if not above[index[child], index[p]] and not above[index[p], index[child]]
        ]  # fmt: skip
        nearest = [
            p
            for p in lacking
            if not any(q != p and links[p] in ways[q] and links[q] not in ways[p] for q in lacking)
        ]  # fmt: skip
        found += [(child, p) for p in nearest]
    return found


class _Counted:
    """Counts lesions whose labels, parents included, another hierarchy would change."""

    def __init__(self, closures: Closures, data: LabelData) -> None:
        self._closures, self._data = closures, data
        known = [(c, closures.index[i]) for c, i in enumerate(data.label_ids) if i in closures.index]
        given, self._rows = np.array(known, np.int64).reshape(-1, 2).T
        self._labels: BoolMatrix = algebra.as_bool(data.positive[:, given])
        self._before = self._down(closures)

    def measured(self, one: Difference) -> Difference:
        """The difference with the lesions that RadLex's reading of it would change."""
        if one.what is Disagreement.KIND:
            return one
        old = self._closures.ontology
        relations: Sequence[Relation] = [
            r for r in old.relations if (r.child, r.parent) != (one.child.id, one.parent.id)
        ]
        if one.what is Disagreement.REVERSED:
            relations = [*relations, Relation(one.parent.id, RelationKind.IS_A, one.child.id)]
        elif one.what is Disagreement.MISSING:
            relations = [*relations, Relation(one.child.id, RelationKind.IS_A, one.parent.id)]
        after = self._down(Closures(replace(old, relations=tuple(relations))))
        changed = algebra.to_pairs(
            algebra.union(algebra.minus(after, self._before), algebra.minus(self._before, after))
        )
        columns = np.unique(changed[:, 1])
        was = algebra.product(self._labels, self._before[self._rows][:, columns])
        now = algebra.product(self._labels, after[self._rows][:, columns])
        lost = np.unique(algebra.minus(was, now).nonzero()[0])
        gained = np.unique(algebra.minus(now, was).nonzero()[0])
        lesions = np.union1d(lost, gained)
        examples = tuple(str(i) for i in self._data.lesions[lesions[:_EXAMPLES]])
        return replace(one, lost=len(lost), gained=len(gained), lesions=len(lesions), examples=examples)

    @staticmethod
    def _down(closures: Closures) -> BoolMatrix:
        return algebra.union(closures.ancestors, algebra.identity(len(closures.index)))
