"""Junction tree of the relations: what makes exact inference over legal label sets cheap.

A label set is legal when it holds every ancestor of its labels and no two exclusive ones. LesaNet's 171 labels have
about 2^61 legal label sets, but the relations are sparse: a tree of small bags of labels carries them all, and within a
bag only a few assignments are legal (HEX graphs, Deng et al. 2014). Sums and maxima over all legal label sets become
two sweeps over the tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import log2

import networkx as nx
import numpy as np

from kg import algebra
from kg.errors import MatrixError
from kg.matrices import RelationMatrices

MOST_STATES = 4096
MOST_IN_ALL = 32768


@dataclass(frozen=True, eq=False)
class Bag:
    """A node of the tree: k labels with their S legal assignments.

    Each assignment of the labels shared with the parent (the separator) has a number. Every one of them occurs both
    here and in the parent, because an assignment that is legal under the closures always extends to more labels: add
    the ancestors of what is positive, and nothing else.

    Attributes:
        labels: k columns, rising.
        states: S x k bool; fewest positive labels first, so the first state is empty.
        parent: place of the parent bag in the tree; -1 for a root.
        depth: 0 for a root.
        separator: columns shared with the parent, rising; empty for a root.
        own: shape (S,), number of the separator's assignment in each state; 0 everywhere for a root.
        theirs: shape (S of the parent,), the same for the parent's states; empty for a root.
    """

    labels: tuple[int, ...]
    states: np.ndarray
    parent: int
    depth: int
    separator: tuple[int, ...]
    own: np.ndarray
    theirs: np.ndarray

    @cached_property
    def home(self) -> tuple[int, ...]:
        """Columns that no bag nearer to the root has; each label is at home in one bag."""
        return tuple(c for c in self.labels if c not in self.separator)

    @cached_property
    def home_states(self) -> np.ndarray:
        """The columns of ``states`` of the labels at home here, S x H."""
        return self.states[:, np.isin(self.labels, self.home)]

    @property
    def separations(self) -> int:
        """How many assignments the separator has; 1 for a root."""
        return int(self.own.max()) + 1


@dataclass(frozen=True, eq=False)
class JunctionTree:
    """Bags of all labels, one tree for each group of labels that relations connect.

    Attributes:
        matrices: the relations it was compiled from.
        bags: by depth, parents before children.
    """

    matrices: RelationMatrices
    bags: tuple[Bag, ...]

    @classmethod
    def compile(
        cls, matrices: RelationMatrices, most_states: int = MOST_STATES, most_in_all: int = MOST_IN_ALL
    ) -> JunctionTree:
        """Compile the relations.

        The minimal relations give the graph, eliminated by fewest fill-in edges (ties by degree, then column); bags are
        the maximal cliques, joined over the largest separators and rooted at the centre of their tree. Equal relations
        give equal trees.

        Args:
            matrices: relations of the C labels.
            most_states: bound on the legal assignments of a bag, so that time and memory stay small.
            most_in_all: bound on those of all bags together; a batch of B lesions keeps a few numbers for each.

        Raises:
            MatrixError: the relations contradict each other, or a bag or all bags together would have more states.
        """
        matrices.require_consistent()
        pairs = np.concatenate(
            [algebra.to_pairs(matrices.parents), algebra.to_pairs(matrices.exclusive_minimal, symmetric=True)]
        ).tolist()
        cliques = _cliques(pairs, matrices.size)
        ancestors, exclusive = matrices.ancestors.toarray(), matrices.exclusive.toarray()
        states, in_all = dict[tuple[int, ...], np.ndarray](), 0
        for clique in cliques:
            states[clique] = _legal_states(clique, ancestors, exclusive, most_states, matrices)
            in_all += len(states[clique])
            if in_all > most_in_all:
                raise MatrixError(
                    f"junction tree of {matrices.label_set}: its bags have over {most_in_all} legal assignments "
                    "together; use the greedy decoder, or raise most_in_all"
                )
        tree = cls(matrices, tuple(_bags(cliques, states)))
        tree._require_complete(pairs)
        return tree

    @property
    def size(self) -> int:
        """C, the number of labels."""
        return self.matrices.size

    @property
    def treewidth(self) -> int:
        """Labels of the largest bag, less one; -1 without labels."""
        return max((len(bag.labels) for bag in self.bags), default=0) - 1

    @property
    def depth(self) -> int:
        """Levels of the deepest tree."""
        return max((bag.depth + 1 for bag in self.bags), default=0)

    @property
    def states(self) -> int:
        """Legal assignments of all bags together."""
        return sum(len(bag.states) for bag in self.bags)

    @property
    def most_states(self) -> int:
        """Legal assignments of the bag that has most."""
        return max((len(bag.states) for bag in self.bags), default=0)

    @cached_property
    def label_sets(self) -> int:
        """How many legal label sets there are, exactly."""
        counts = [[1] * len(bag.states) for bag in self.bags]
        total = 1
        for bag, count in zip(reversed(self.bags), reversed(counts), strict=True):
            sums = [0] * bag.separations
            for number, ways in zip(bag.own.tolist(), count, strict=True):
                sums[number] += ways
            if bag.parent < 0:
                total *= sums[0]
            else:
                above = counts[bag.parent]
                above[:] = [ways * sums[number] for ways, number in zip(above, bag.theirs.tolist(), strict=True)]
        return total

    @property
    def log2_label_sets(self) -> float:
        """Binary logarithm of the number of legal label sets."""
        return log2(self.label_sets)

    def _require_complete(self, pairs: list[list[int]]) -> None:
        """Every relation lies in a bag, and the bags of each label are connected (running intersection)."""
        inside = {(a, b) for bag in self.bags for a in bag.labels for b in bag.labels}
        spare = np.zeros(self.size, np.int64)
        for bag in self.bags:
            spare[list(bag.home)] += 1
        if not all((a, b) in inside for a, b in pairs) or (spare != 1).any():
            raise AssertionError("junction tree: a relation lies in no bag, or a label's bags are not connected")


def _cliques(pairs: list[list[int]], size: int) -> list[tuple[int, ...]]:
    """Maximal cliques of the graph after elimination by fewest fill-in edges, each rising, in order of elimination."""
    around: list[set[int]] = [set() for _ in range(size)]
    for a, b in pairs:
        around[a].add(b)
        around[b].add(a)
    left, found = set(range(size)), list[frozenset[int]]()

    def cost(c: int) -> tuple[int, int, int]:
        near = around[c]
        return sum(len(near - around[n]) - 1 for n in near), len(near), c

    costs = {c: cost(c) for c in left}
    while left:
        chosen = min(left, key=costs.__getitem__)
        near = around[chosen]
        clique = frozenset(near | {chosen})
        if not any(clique <= other for other in found):
            found.append(clique)
        left.remove(chosen)
        for n in near:
            around[n] |= near - {n}
            around[n].discard(chosen)
        # Fill-in edges change the cost of the neighbours and of who knows two of them.
        for c in near.union(*(around[n] for n in near)):
            costs[c] = cost(c)
    return [tuple(sorted(clique)) for clique in found]


def _legal_states(
    clique: tuple[int, ...],
    ancestors: np.ndarray,
    exclusive: np.ndarray,
    most: int,
    matrices: RelationMatrices,
) -> np.ndarray:
    """All assignments of a clique that break none of the closed relations, S x k bool, fewest positive labels first."""
    states = np.zeros((1, 0), bool)
    for place, label in enumerate(clique):
        before = list(clique[:place])
        needed_by, needs, bars = ancestors[before, label], ancestors[label, before], exclusive[label, before]
        may_be_off = ~states[:, needed_by].any(axis=1)
        may_be_on = states[:, needs].all(axis=1) & ~states[:, bars].any(axis=1)
        off, on = states[may_be_off], states[may_be_on]
        states = np.concatenate(
            [np.column_stack([off, np.zeros(len(off), bool)]), np.column_stack([on, np.ones(len(on), bool)])]
        )
        if len(states) > most:
            names = ", ".join(repr(matrices.names[c]) for c in clique[:3])
            raise MatrixError(
                f"junction tree of {matrices.label_set}: {len(clique)} entangled labels ({names}, ...) have over "
                f"{most} legal assignments; use the greedy decoder, or raise most_states"
            )
    return states[np.lexsort((*states.T[::-1], states.sum(axis=1)))]


def _bags(cliques: list[tuple[int, ...]], states: dict[tuple[int, ...], np.ndarray]) -> Iterator[Bag]:
    """Bags by depth: each connected group rooted at its centre."""
    shared = [[len(set(a) & set(b)) for b in cliques] for a in cliques]
    todo, placed = set(range(len(cliques))), list[tuple[int, int, int]]()
    while todo:
        group = _spanning(min(todo), shared)
        graph = nx.Graph([(i, above) for i, above, _ in group[1:]])
        centre = min(nx.center(graph)) if len(group) > 1 else group[0][0]
        placed += _spanning(centre, shared)
        todo -= {i for i, _, _ in group}
    placed.sort(key=lambda node: node[2])
    place = {clique: p for p, (clique, _, _) in enumerate(placed)}
    for i, above, depth in placed:
        labels = cliques[i]
        if above < 0:
            yield Bag(labels, states[labels], -1, 0, (), np.zeros(len(states[labels]), np.int64), np.zeros(0, np.int64))
            continue
        separator = tuple(c for c in labels if c in cliques[above])
        rows = [states[of][:, np.searchsorted(of, separator)] for of in (labels, cliques[above])]
        numbers = np.unique(np.concatenate(rows), axis=0, return_inverse=True)[1]
        own, theirs = np.split(numbers, [len(rows[0])])
        if not np.array_equal(np.unique(own), np.unique(theirs)):
            raise AssertionError("junction tree: a legal assignment of a separator does not extend to its bags")
        yield Bag(labels, states[labels], place[above], depth, separator, own, theirs)


def _spanning(root: int, shared: list[list[int]]) -> list[tuple[int, int, int]]:
    """Spanning tree of largest separators from a clique (Prim): clique, parent (-1 for the root), depth of each."""
    tree = [(root, -1, 0)]
    # For each clique not reached yet: shared labels, and of those in the tree that share most, the shallowest.
    best = {i: (shared[root][i], 0, root) for i in range(len(shared)) if i != root}
    while best:
        clique = max(best, key=lambda i: (best[i][0], -best[i][1], -i))
        count, depth, parent = best.pop(clique)
        if count == 0:
            break
        tree.append((clique, parent, depth + 1))
        for i, (most, least, _) in best.items():
            if (shared[clique][i], -depth - 1) > (most, -least):
                best[i] = (shared[clique][i], depth + 1, clique)
    return tree
