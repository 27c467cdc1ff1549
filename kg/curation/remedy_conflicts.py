"""Why an ontology breaks its rules, as sets of droppable statements: the conflicts that a remedy must resolve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

import networkx as nx
import numpy as np

from kg import algebra
from kg.curation.facts import Fact, Key, LabelStatus, LabelSynonym, key_of
from kg.findings import Finding, errors_in
from kg.names import folded
from kg.ontology import ExclusiveGroup, Ontology, Relation, SynonymScope

EXCLUSIVE_RULES = frozenset({"exclusive-ancestors", "exclusive-with-ancestor"})
"""Rules that a label breaks which no lesion can have."""


@dataclass(frozen=True)
class Drop:
    """A statement that can be dropped, whichever sources make it.

    Attributes:
        facts: what makes it; all of them go together.
        text: the statement, e.g. ``rectum PART_OF pelvis``.
        member: id of the label that leaves, when the fact is an exclusive group.
    """

    facts: tuple[Fact, ...]
    text: str
    member: str = ""

    @property
    def keys(self) -> frozenset[Key]:
        """Keys of its facts, and of the whole labels that hold them."""
        parts = ((("label", f.label),) if isinstance(f, (LabelStatus, LabelSynonym)) else () for f in self.facts)
        return frozenset(map(key_of, self.facts)).union(*parts)


@dataclass(frozen=True, slots=True)
class Conflict:
    """What every remedy must do: drop one statement of the first kind, or keep one of the second.

    Attributes:
        drop: statements that contradict each other.
        keep: statements that an exception to the contradiction is inherited through.
    """

    drop: frozenset[int]
    keep: frozenset[int] = frozenset()


class Conflicts:
    """The conflicts behind findings.

    Statements are numbered by their place in :attr:`drops`. A label that no lesion can have, and that no finding names,
    is left as it is; a remedy may not add one.
    """

    def __init__(self, ontology: Ontology, findings: Iterable[Finding]) -> None:
        self._ontology = ontology
        self._index = {label.id: i for i, label in enumerate(ontology.labels)}
        self._size = len(ontology.labels)
        self._named: defaultdict[str, set[str]] = defaultdict(set)
        self._errors = errors_in(findings)
        for finding in self._errors:
            at_fault = finding.labels[:1] if finding.rule in EXCLUSIVE_RULES else finding.labels
            self._named["exclusive" if finding.rule in EXCLUSIVE_RULES else finding.rule].update(at_fault)
        self.drops: list[Drop] = []
        self._steps = self._number_steps()
        self._pairs = self._number_pairs()
        pairs = sorted(ontology.exception_pairs)
        self._exceptions = [(self._index[a], self._index[b]) for a, b in pairs if a in self._index and b in self._index]
        self.listed = (*self._self_pairs(), *self._dangling(), *self._ambiguous())
        """Conflicts that show without following any chain."""

    def remaining(self, dropped: frozenset[int]) -> list[Conflict]:
        """Conflicts of chains that stay when these statements are dropped, no statement in two of them."""
        found = []
        gone = set(dropped)
        while (conflict := self._next(gone)) is not None:
            found.append(conflict)
            gone |= conflict.drop
        return found

    def _next(self, dropped: set[int]) -> Conflict | None:
        graph = nx.restricted_view(self._graph, [], [step for step, n in self._steps.items() if n in dropped])
        kept = [step for step, n in self._steps.items() if n not in dropped]
        parents = algebra.from_pairs(np.array(kept), self._size)
        for group in algebra.cycles(parents):
            if any(self._name(c) in self._named["cycle"] for c in group):
                return Conflict(frozenset(self._steps[step] for step in _loop(graph, group)))
        ancestors = algebra.closure(parents)
        wrong = self._impossible(ancestors, dropped) & self._wanted
        if not wrong.any():
            return None
        lower = algebra.minus(ancestors, ancestors.T)[:, np.flatnonzero(wrong)].sum(axis=1) > 0
        low = int(np.flatnonzero(wrong & ~lower)[0])
        return Conflict(self._chains(graph, low, dropped), self._lost_protection(low, dropped))

    def _impossible(self, ancestors: algebra.BoolMatrix, dropped: set[int]) -> np.ndarray:
        """Labels that inherit an exclusion with themselves, shape (C,)."""
        pairs = [pair for pair in self._pairs if pair[0] != pair[1] and self._way(pair, dropped) is not None]
        listed = algebra.from_pairs(np.array(pairs), self._size, symmetric=True)
        excepted = algebra.from_pairs(np.array(self._exceptions), self._size, symmetric=True)
        found: np.ndarray = algebra.inherit_exclusive(listed, ancestors, excepted).diagonal()
        return found

    @cached_property
    def _wanted(self) -> np.ndarray:
        """Labels that a lesion must be able to have, shape (C,): those of the findings, and those it can have now."""
        ancestors = algebra.closure(algebra.from_pairs(np.array(list(self._steps)), self._size))
        at_fault = np.array([label.name in self._named["exclusive"] for label in self._ontology.labels], dtype=bool)
        below = ancestors[:, np.flatnonzero(at_fault)].sum(axis=1) > 0
        wanted: np.ndarray = at_fault | below | ~self._impossible(ancestors, set())
        return wanted

    def _chains(self, graph: nx.DiGraph[int], low: int, dropped: set[int]) -> frozenset[int]:
        """The shortest chains from a label up to both sides of an exclusive pair, and the pair."""
        paths = nx.single_source_shortest_path(graph, low)
        ends = [p for p in self._pairs if p[0] != p[1] and p[0] in paths and p[1] in paths]
        pair = min((p for p in ends if self._way(p, dropped)), key=lambda p: len(paths[p[0]]) + len(paths[p[1]]))
        steps = (self._steps[step] for end in pair for step in pairwise(paths[end]))
        return frozenset({*steps, *(self._way(pair, dropped) or ())})

    def _lost_protection(self, low: int, dropped: set[int]) -> frozenset[int]:
        """Fewest of the dropped steps without which no exception reaches a label; empty when none ever did."""
        gone: set[int] = set()
        if self._protected(low, gone):
            gone = dropped & set(self._steps.values())
            for step in sorted(gone):
                if not self._protected(low, gone - {step}):
                    gone.remove(step)
        return frozenset(gone)

    def _protected(self, low: int, dropped: set[int]) -> bool:
        """Whether both labels of an exception are at or below a label."""
        graph = nx.restricted_view(self._graph, [], [step for step, n in self._steps.items() if n in dropped])
        below = {low, *nx.ancestors(graph, low)}
        return any(a in below and b in below for a, b in self._exceptions)

    def _way(self, pair: tuple[int, int], dropped: set[int]) -> tuple[int, ...] | None:
        """Statements that make two labels exclusive, when any are left."""
        return next((way for way in self._pairs[pair] if not dropped.intersection(way)), None)

    def _number_steps(self) -> dict[tuple[int, int], int]:
        """The number of each parent step; steps to labels that do not exist are left out."""
        by_step: defaultdict[tuple[str, str], list[Relation | LabelStatus]] = defaultdict(list)
        for relation in self._ontology.relations:
            by_step[relation.child, relation.parent].append(relation)
        for label in self._ontology.labels:
            if label.deprecated and label.replaced_by:
                by_step[label.id, label.replaced_by].append(LabelStatus(label.id, True, label.replaced_by))
        found = {}
        for (child, parent), facts in sorted(by_step.items()):
            if child in self._index and parent in self._index:
                kinds = sorted({f.kind.value if isinstance(f, Relation) else "MERGED_INTO" for f in facts})
                text = f"{self._show(child)} {'/'.join(kinds)} {self._show(parent)}"
                found[self._index[child], self._index[parent]] = self._number(Drop(tuple(facts), text))
        return found

    def _number_pairs(self) -> dict[tuple[int, int], list[tuple[int, ...]]]:
        """For each listed exclusive pair, smaller index first, the ways in which it is stated."""
        ways: defaultdict[tuple[int, int], list[tuple[int, ...]]] = defaultdict(list)
        by_pair: defaultdict[tuple[str, str], list[Fact]] = defaultdict(list)
        for pair in self._ontology.exclusive_pairs:
            if pair.a in self._index and pair.b in self._index:
                by_pair[pair.a, pair.b].append(pair)
        for (a, b), facts in sorted(by_pair.items()):
            drop = Drop(tuple(facts), f"{self._show(a)} EXCLUSIVE_WITH {self._show(b)}")
            ways[self._index[a], self._index[b]].append((self._number(drop),))
        for group in self._ontology.exclusive_groups:
            numbers = [(self._index[m], self._number(self._leave(group, m))) for m in group.members if m in self._index]
            for (a_index, a_number), (b_index, b_number) in combinations(numbers, 2):
                ways[min(a_index, b_index), max(a_index, b_index)].append((a_number, b_number))
        return ways

    @cached_property
    def _graph(self) -> nx.DiGraph[int]:
        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from(range(self._size))
        graph.add_edges_from(self._steps)
        return graph

    def _self_pairs(self) -> Iterator[Conflict]:
        for (a, b), ways in self._pairs.items():
            if a == b and self._name(a) in self._named["self-exclusive"]:
                yield from (Conflict(frozenset(way)) for way in ways)

    def _dangling(self) -> Iterator[Conflict]:
        """Everything that refers to a label that does not exist must go, but label sets, which never change."""
        ontology, missing = self._ontology, self._named["dangling-reference"]
        drops: list[Drop] = []
        for r in ontology.relations:
            if missing & {r.child, r.parent}:
                drops.append(Drop((r,), f"{self._show(r.child)} {r.kind} {self._show(r.parent)}"))
        for pair in ontology.exclusive_pairs:
            if missing & {pair.a, pair.b}:
                drops.append(Drop((pair,), f"{self._show(pair.a)} EXCLUSIVE_WITH {self._show(pair.b)}"))
        for x in ontology.exceptions:
            if missing & {x.a, x.b}:
                drops.append(Drop((x,), f"{self._show(x.a)} COMPATIBLE_WITH {self._show(x.b)}"))
        for s in ontology.soft_relations:
            if missing & {s.subject, s.object}:
                drops.append(Drop((s,), f"{self._show(s.subject)} {s.kind} {self._show(s.object)}"))
        for group in ontology.exclusive_groups:
            drops += [self._leave(group, m) for m in group.members if m in missing]
        for label in ontology.labels:
            if label.replaced_by in missing:
                status = LabelStatus(label.id, label.deprecated, label.replaced_by)
                drops.append(Drop((status,), f"{label.name} MERGED_INTO {label.replaced_by}"))
        yield from (Conflict(frozenset({self._number(drop)})) for drop in drops)

    def _ambiguous(self) -> Iterator[Conflict]:
        """Of two labels of one label set that one text means, one must lose the synonym."""
        groups = [frozenset(f.labels) for f in self._errors if f.rule == "ambiguous-synonym"]
        meanings: defaultdict[str, dict[str, int | None]] = defaultdict(dict)
        for label in self._ontology.labels:
            if label.deprecated or not any(label.name in group for group in groups):
                continue
            meanings[folded(label.name)][label.id] = None
            by_text: defaultdict[str, list[LabelSynonym]] = defaultdict(list)
            for synonym in label.synonyms:
                if synonym.scope is SynonymScope.EXACT:
                    by_text[folded(synonym.text)].append(LabelSynonym(label.id, synonym))
            for text, found in by_text.items():
                if label.id not in meanings[text]:
                    drop = Drop(tuple(found), f"synonym {found[0].synonym.text!r} of {label.name}")
                    meanings[text][label.id] = self._number(drop)
        sets = [set(label_set.members) for label_set in self._ontology.label_sets]
        for holders in meanings.values():
            for a, b in combinations(holders, 2):
                together = any({self._show(a), self._show(b)} <= group for group in groups)
                numbers = frozenset(n for n in (holders[a], holders[b]) if n is not None)
                if together and numbers and any({a, b} <= members for members in sets):
                    yield Conflict(numbers)

    def _leave(self, group: ExclusiveGroup, member: str) -> Drop:
        return Drop((group,), f"{self._show(member)} MEMBER_OF {group.id}", member)

    def _number(self, drop: Drop) -> int:
        self.drops.append(drop)
        return len(self.drops) - 1

    def _name(self, index: int) -> str:
        return self._ontology.labels[index].name

    def _show(self, label_id: str) -> str:
        label = self._ontology.by_id.get(label_id)
        return label.name if label else label_id


def _loop(graph: nx.DiGraph[int], group: list[int]) -> list[tuple[int, int]]:
    """The steps of a short cycle inside a group of labels that are each other's ancestors."""
    start = group[0]
    inside = graph.subgraph(group)
    ways = (nx.shortest_path(inside, parent, start) for parent in sorted(inside.successors(start)))
    return list(pairwise([start, *min(ways, key=len)]))
