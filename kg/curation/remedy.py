"""The way out of broken rules: the fewest statements to drop, found exactly.

Every finding rests on chains of statements, and a remedy drops at least one statement of each chain: a hitting set.
Chains are found as they are needed: the smallest hitting set of those known is tried, and what stays broken gives
further chains (an implicit hitting set). An exception to inherited exclusion can be lost together with a dropped
statement; then keeping that statement is the other way to resolve the conflict.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp

from kg.curation.change_set import Change
from kg.curation.facts import Key, LabelStatus
from kg.curation.remedy_conflicts import Conflict, Conflicts, Drop
from kg.errors import OntologyError
from kg.findings import Finding, errors_in
from kg.ontology import ExclusiveGroup, Ontology

MOST = 5
"""How many ways out are looked for."""


@dataclass(frozen=True)
class Option:
    """One way out.

    Attributes:
        drops: statements to drop, in the order of their text.
        changes: the changes that drop them.
        size: number of facts that go; a statement that two sources make counts twice.
    """

    drops: tuple[Drop, ...]
    changes: tuple[Change, ...]
    size: int

    @property
    def text(self) -> str:
        """The statements in one line."""
        return " and ".join(drop.text for drop in self.drops)


@dataclass(frozen=True)
class Remedy:
    """The smallest ways out of findings.

    Attributes:
        options: all of the same, smallest size, up to :data:`MOST`; those that drop most of what a change added first.
        incurable: findings that no dropping cures, such as two labels of one name.
    """

    options: tuple[Option, ...]
    incurable: tuple[Finding, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "options": [
                {
                    "drop": [drop.text for drop in option.drops],
                    "size": option.size,
                    "changes": [change.as_dict() for change in option.changes],
                }
                for option in self.options
            ],
            "incurable": [finding.as_dict() for finding in self.incurable],
        }


def remedy(ontology: Ontology, findings: Iterable[Finding], added: frozenset[Key] = frozenset()) -> Remedy:
    """The fewest facts to drop so that the labels of some findings break no rule any more, and no others do instead.

    Args:
        ontology: where they were found.
        findings: what to get out of; warnings among them are left out, and other errors stay as they are.
        added: keys of facts to drop rather than others, when the number is the same.
    """
    errors = errors_in(findings)
    conflicts = Conflicts(ontology, errors)
    best = [option for option in _smallest(conflicts, added) if option]
    options = tuple(_option([conflicts.drops[n] for n in sorted(numbers)]) for numbers in best)
    in_sets = {label_id for label_set in ontology.label_sets for label_id in label_set.members}
    incurable = (
        finding
        for finding in errors
        if finding.rule in ("duplicate-id", "duplicate-name")
        or (finding.rule == "dangling-reference" and finding.labels[0] in in_sets)
    )
    return Remedy(options, tuple(incurable))


def _smallest(conflicts: Conflicts, added: frozenset[Key]) -> list[frozenset[int]]:
    """The smallest sets of statements that resolve all conflicts, the preferred ones first."""
    size = np.array([len(drop.facts) for drop in conflicts.drops])
    older = np.array([len(drop.facts) * (not drop.keys & added) for drop in conflicts.drops])
    cost = size * (older.sum() + 1) + older  # smaller sets first; of equal ones those with fewer older facts
    known = list(conflicts.listed)
    found: list[frozenset[int]] = []
    while len(found) < MOST:
        # A set found before is not wanted again: one of its statements must be kept.
        chosen = _solve(cost, [*known, *(Conflict(frozenset(), earlier) for earlier in found)])
        if chosen is None or (found and size[list(chosen)].sum() > size[list(found[0])].sum()):
            break
        if more := conflicts.remaining(chosen):
            known += more
            continue
        found.append(chosen)
        if not chosen:
            break
    return found


def _solve(cost: np.ndarray, conflicts: list[Conflict]) -> frozenset[int] | None:
    """The statements of least cost that resolve all of these conflicts; None when none do."""
    if not conflicts:
        return frozenset()
    rows = [(r, n, 1) for r, c in enumerate(conflicts) for n in c.drop]
    rows += [(r, n, -1) for r, c in enumerate(conflicts) for n in c.keep]
    row, column, value = np.array(rows).T
    matrix = sp.csr_array((value, (row, column)), shape=(len(conflicts), len(cost)))
    least = [1 - len(conflict.keep) for conflict in conflicts]
    result = milp(
        cost, integrality=np.ones(len(cost)), bounds=Bounds(0, 1), constraints=LinearConstraint(matrix, least)
    )
    if result.status == 2:
        return None
    if result.x is None:
        raise OntologyError(f"remedy: the solver gave up ({result.message.strip()}); drop the relations one by one")
    return frozenset(np.flatnonzero(np.round(result.x)).tolist())


def _option(drops: list[Drop]) -> Option:
    ordered = tuple(sorted(drops, key=lambda drop: drop.text))
    changes: list[Change] = []
    leaving: dict[ExclusiveGroup, set[str]] = {}
    for drop in ordered:
        for fact in drop.facts:
            match fact:
                case ExclusiveGroup():
                    leaving.setdefault(fact, set()).add(drop.member)
                case LabelStatus():
                    changes.append(Change(fact, replace(fact, replaced_by="")))
                case _:
                    changes.append(Change(fact, None))
    for group, gone in leaving.items():
        members = tuple(m for m in group.members if m not in gone)
        # A group of one excludes nothing.
        changes.append(Change(group, replace(group, members=members) if len(members) > 1 else None))
    return Option(ordered, tuple(changes), sum(len(drop.facts) for drop in ordered))
