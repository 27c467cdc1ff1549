"""The rules that every ontology must keep, checked before a change is saved and on every import.

Every reference resolves; ids and names are unique; the hierarchy is acyclic; exclusion is irreflexive (a pair is stored
once, so it is symmetric), never between a label and its ancestor, and no label has two mutually exclusive ancestors; no
soft relation is between a label and itself; no strict relation is of a deprecated label; no name or exact synonym means
two labels. Each finding names the chain of relations behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import networkx as nx
import numpy as np

from kg import algebra
from kg.algebra import BoolMatrix
from kg.findings import Finding, Severity
from kg.names import folded
from kg.ontology import Ontology, SynonymScope

_MOST_NAMED = 8
"""How many labels a message lists by name before it only counts the rest."""


def check(ontology: Ontology) -> list[Finding]:
    """Everything that breaks a rule; empty for a sound ontology.

    A dangling reference is reported and then left out, so that one run tells all there is to tell. A label that is
    unsatisfiable only because an ancestor is appears in the ancestor's finding, not in one of its own.
    """
    view = _View(ontology)
    return [
        *_references(view),
        *_names(view),
        *_cycles(view),
        *_self_exclusive(view),
        *_exclusive_ancestors(view),
        *_self_soft(view),
        *_ambiguous(view),
        *_needless_exceptions(view),
        *_deprecated_relations(view),
    ]


@dataclass(frozen=True)
class _View:
    """An ontology as index matrices over its resolved relations (C labels in id order)."""

    ontology: Ontology

    @cached_property
    def index(self) -> dict[str, int]:
        return {label.id: i for i, label in enumerate(self.ontology.labels)}

    @cached_property
    def size(self) -> int:
        return len(self.ontology.labels)

    def name(self, column: int | np.integer) -> str:
        return self.ontology.labels[int(column)].name

    @cached_property
    def impossible(self) -> np.ndarray:
        """Labels that inherit an exclusion with themselves, shape (C,)."""
        listed = algebra.from_pairs(self.pairs, self.size, symmetric=True)
        excepted = algebra.from_pairs(np.array(self.exceptions), self.size, symmetric=True)
        found: np.ndarray = algebra.inherit_exclusive(listed, self.ancestors, excepted).diagonal()
        return found

    @cached_property
    def exceptions(self) -> list[tuple[int, int]]:
        """Resolved exceptions to inherited exclusion."""
        pairs = sorted(self.ontology.exception_pairs)
        return [(self.index[a], self.index[b]) for a, b in pairs if a in self.index and b in self.index]

    @cached_property
    def parents(self) -> BoolMatrix:
        """C x C, ``[c, p]`` when p is a listed parent of c."""
        return algebra.from_pairs(np.array(list(self._resolved_relations)), self.size)

    @cached_property
    def ancestors(self) -> BoolMatrix:
        """C x C closure of the parents."""
        return algebra.closure(self.parents)

    @cached_property
    def pairs(self) -> np.ndarray:
        """Listed exclusive pairs of two different labels, shape (k, 2)."""
        listed = [(a, b) for a, b in self._resolved_pairs if a != b]
        return np.array(sorted(listed), dtype=np.int64).reshape(-1, 2)

    @cached_property
    def self_pairs(self) -> list[int]:
        """Labels listed as exclusive with themselves."""
        return sorted(a for a, b in self._resolved_pairs if a == b)

    @cached_property
    def _resolved_relations(self) -> dict[tuple[int, int], str]:
        return {
            (self.index[child], self.index[parent]): self._kinds.get((child, parent), "MERGED_INTO")
            for child, parent in self.ontology.parent_pairs
            if child in self.index and parent in self.index
        }

    @cached_property
    def _kinds(self) -> dict[tuple[str, str], str]:
        return {(r.child, r.parent): r.kind.value for r in self.ontology.relations}

    @cached_property
    def _resolved_pairs(self) -> set[tuple[int, int]]:
        groups = {(m, m) for g in self.ontology.exclusive_groups for m in g.members if g.members.count(m) > 1}
        listed = self.ontology.all_exclusive_pairs | groups
        return {(self.index[a], self.index[b]) for a, b in listed if a in self.index and b in self.index}

    @cached_property
    def graph(self) -> nx.DiGraph[int]:
        """The hierarchy as a graph from child to parent, for naming chains."""
        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from(range(self.size))
        graph.add_edges_from(sorted(self._resolved_relations))
        return graph

    def chain(self, columns: Iterable[int]) -> tuple[str, ...]:
        """The relations along a path of labels, child first."""
        path = list(columns)
        return tuple(f"{self.name(c)} {self._resolved_relations[c, p]} {self.name(p)}" for c, p in pairwise(path))

    def way_up(self, low: int, high: int) -> tuple[str, ...]:
        """The shortest chain from a label to an ancestor; empty for the label itself."""
        return self.chain(nx.shortest_path(self.graph, low, high))


def _references(view: _View) -> Iterator[Finding]:
    ontology = view.ontology
    users: dict[str, list[str]] = defaultdict(list)

    def show(label_id: str) -> str:
        return ontology.by_id[label_id].name if label_id in view.index else label_id

    def note(ids: Iterable[str], what: str) -> None:
        for label_id in ids:
            if label_id not in view.index:
                users[label_id].append(what)

    for r in ontology.relations:
        note((r.child, r.parent), f"{show(r.child)} {r.kind} {show(r.parent)}")
    for p in ontology.exclusive_pairs:
        note((p.a, p.b), f"{show(p.a)} EXCLUSIVE_WITH {show(p.b)}")
    for x in ontology.exceptions:
        note((x.a, x.b), f"{show(x.a)} COMPATIBLE_WITH {show(x.b)}")
    for g in ontology.exclusive_groups:
        note(g.members, f"exclusive group {g.id}")
    for s in ontology.soft_relations:
        note((s.subject, s.object), f"{show(s.subject)} {s.kind} {show(s.object)}")
    for label_set in ontology.label_sets:
        note(label_set.members, f"label set {label_set.name}")
    for label in ontology.labels:
        note([label.replaced_by] if label.replaced_by else [], f"{label.name} replaced by {label.replaced_by}")
    for label_id, what in sorted(users.items()):
        yield Finding(
            "dangling-reference",
            Severity.ERROR,
            (label_id,),
            f"{label_id} is not a label, but named by {count(len(what), 'reference')}; "
            "add the label or drop what refers to it",
            tuple(what),
        )


def _names(view: _View) -> Iterator[Finding]:
    by_id: dict[str, list[str]] = defaultdict(list)
    by_name: dict[str, list[str]] = defaultdict(list)
    for label in view.ontology.labels:
        by_id[label.id].append(label.name)
        by_name[folded(label.name)].append(label.name)
    for label_id, names in sorted(by_id.items()):
        if len(names) > 1:
            message = f"label id {label_id} stands for {listing(names)}; give each label its own id"
            yield Finding("duplicate-id", Severity.ERROR, tuple(names), message)
    for _, names in sorted(by_name.items()):
        if len(names) > 1:
            message = f"{len(names)} labels are called {names[0]!r}; rename or merge them"
            yield Finding("duplicate-name", Severity.ERROR, tuple(names), message)


def _cycles(view: _View) -> Iterator[Finding]:
    for group in algebra.cycles(view.parents):
        start = group[0]
        if len(group) == 1:
            path = [start, start]
        else:
            inside = view.graph.subgraph(group)
            loops = (nx.shortest_path(inside, parent, start) for parent in sorted(inside.successors(start)))
            path = [start, *min(loops, key=len)]
        names = tuple(view.name(c) for c in group)
        verb = "are" if len(names) > 1 else "is"
        message = f"{listing(names)} {verb} among their own ancestors; drop one relation of the cycle"
        yield Finding("cycle", Severity.ERROR, names, message, view.chain(path))


def _self_exclusive(view: _View) -> Iterator[Finding]:
    for column in view.self_pairs:
        name = view.name(column)
        message = f"{name!r} is exclusive with itself, so no lesion can have it{_below(view, column)}; drop the pair"
        yield Finding("self-exclusive", Severity.ERROR, (name,), message, (f"{name} EXCLUSIVE_WITH {name}",))


def _exclusive_ancestors(view: _View) -> Iterator[Finding]:
    """Labels at or below both members of an exclusive pair, the topmost of each such family."""
    pairs = view.pairs
    if not len(pairs):
        return
    at_or_below = algebra.union(view.ancestors, algebra.identity(view.size))
    both = at_or_below[:, pairs[:, 0]].multiply(at_or_below[:, pairs[:, 1]])
    under = algebra.as_bool(both.multiply(view.impossible[:, None]))
    derived = algebra.product(algebra.minus(view.ancestors, view.ancestors.T), under)
    for column, k in algebra.to_pairs(algebra.minus(under, derived)):
        low, (a, b) = int(column), (int(x) for x in pairs[k])
        if low == b:
            a, b = b, a
        names: tuple[str, ...]
        clash = f"{view.name(a)} EXCLUSIVE_WITH {view.name(b)}"
        if low == a:
            rule, names = "exclusive-with-ancestor", (view.name(a), view.name(b))
            what = f"{names[0]!r} is exclusive with its own ancestor {names[1]!r}"
        else:
            rule, names = "exclusive-ancestors", (view.name(low), view.name(a), view.name(b))
            what = f"{names[0]!r} has the mutually exclusive ancestors {names[1]!r} and {names[2]!r}"
        message = f"{what}, so no lesion can have it{_below(view, low)}; drop the exclusive pair or cut a parent"
        yield Finding(rule, Severity.ERROR, names, message, (*view.way_up(low, a), *view.way_up(low, b), clash))


def _self_soft(view: _View) -> Iterator[Finding]:
    for s in view.ontology.soft_relations:
        if s.subject == s.object and s.subject in view.index:
            name = view.ontology.by_id[s.subject].name
            message = f"{name!r} is {s.kind} itself, which says nothing; drop the relation"
            yield Finding("self-soft", Severity.ERROR, (name,), message, (f"{name} {s.kind} {name}",))


def _needless_exceptions(view: _View) -> Iterator[Finding]:
    listed = algebra.from_pairs(view.pairs, view.size, symmetric=True)
    inherited = algebra.inherit_exclusive(listed, view.ancestors)
    asserted = sorted({(x.a, x.b) for x in view.ontology.exceptions if x.a in view.index and x.b in view.index})
    for a, b in ((view.index[x], view.index[y]) for x, y in asserted):
        if not inherited[a, b]:
            names = (view.name(a), view.name(b))
            message = f"{names[0]!r} and {names[1]!r} are not exclusive, so no exception is needed; drop the exception"
            yield Finding("needless-exception", Severity.WARNING, names, message)


def _deprecated_relations(view: _View) -> Iterator[Finding]:
    for r in view.ontology.relations:
        ends = [view.ontology.by_id[one] for one in (r.child, r.parent) if one in view.index]
        for old in (label for label in ends if label.deprecated):
            names = tuple(label.name for label in ends)
            message = f"{old.name!r} is deprecated and takes part in {' '.join((names[0], r.kind, names[-1]))!r}"
            yield Finding("deprecated-relation", Severity.WARNING, names, f"{message}; drop the relation")


def _below(view: _View, column: int) -> str:
    """What to add to a message about an unsatisfiable label when others inherit the fault."""
    lower = [view.name(c) for c in np.flatnonzero(view.ancestors[:, [column]].toarray()[:, 0]) if c != column]
    return f", nor what lies below it ({listing(lower)})" if lower else ""


def _ambiguous(view: _View) -> Iterator[Finding]:
    meanings: dict[str, dict[int, str]] = defaultdict(dict)
    for i, label in enumerate(view.ontology.labels):
        if label.deprecated:
            continue
        meanings[folded(label.name)].setdefault(i, f"name of {label.name}")
        for synonym in label.synonyms:
            if synonym.scope is SynonymScope.EXACT:
                meanings[folded(synonym.text)].setdefault(i, f"exact synonym of {label.name}")
    sets = [(label_set.name, set(label_set.members)) for label_set in view.ontology.label_sets]
    for text, found in sorted(meanings.items()):
        names = tuple(view.name(i) for i in found)
        if len(found) < 2 or len({folded(name) for name in names}) < 2:
            continue
        ids = {view.ontology.labels[i].id for i in found}
        inside = [name for name, members in sets if len(members & ids) > 1]
        where = f" inside label set {inside[0]}" if inside else ""
        message = (
            f"{text!r} means {listing(names)}{where}; remove the synonym from all but one, or give it another scope"
        )
        severity = Severity.ERROR if inside else Severity.WARNING
        yield Finding("ambiguous-synonym", severity, names, message, tuple(f"{text}: {how}" for how in found.values()))


def count(number: int, noun: str) -> str:
    """``3 labels``, ``1 label``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listing(names: Iterable[str]) -> str:
    """Names for a message: all of a short list, the first ones and the number of the rest of a long one."""
    shown = [repr(name) for name in names]
    rest = len(shown) - _MOST_NAMED
    return ", ".join(shown[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
