"""Relation algebra: properties on random ontologies, checked against plain Python sets."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import algebra
from kg.errors import MatrixError


@st.composite
def hierarchies(draw: st.DrawFn) -> np.ndarray:
    """A random acyclic parent matrix: labels only have parents with a smaller number."""
    size = draw(st.integers(1, 9))
    cells = [(c, p) for c in range(size) for p in range(c)]
    chosen = draw(st.lists(st.sampled_from(cells), unique=True)) if cells else []
    matrix = np.zeros((size, size), bool)
    for c, p in chosen:
        matrix[c, p] = True
    return matrix


@st.composite
def worlds(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parents, listed exclusive pairs (perhaps one-way) and label data of a few lesions."""
    parents = draw(hierarchies())
    size = len(parents)
    booleans = st.lists(st.booleans(), min_size=size * size, max_size=size * size)
    exclusive = np.array(draw(booleans)).reshape(size, size) & ~np.eye(size, dtype=bool)
    lesions = draw(st.integers(1, 5))
    labels = np.array(draw(st.lists(st.booleans(), min_size=lesions * size, max_size=lesions * size)))
    return parents, exclusive, labels.reshape(lesions, size)


def ancestors_by_walking(parents: np.ndarray) -> list[set[int]]:
    out: list[set[int]] = []
    for label in range(len(parents)):
        seen: set[int] = set()
        todo = list(np.flatnonzero(parents[label]))
        while todo:
            parent = int(todo.pop())
            if parent not in seen:
                seen.add(parent)
                todo.extend(np.flatnonzero(parents[parent]))
        out.append(seen)
    return out


@given(hierarchies())
def test_closure_equals_walking_up_the_hierarchy(parents: np.ndarray) -> None:
    closed = algebra.closure(parents).toarray()
    assert [set(np.flatnonzero(row)) for row in closed] == ancestors_by_walking(parents)


@given(hierarchies())
def test_closure_is_idempotent_and_reduction_undoes_it(parents: np.ndarray) -> None:
    closed = algebra.closure(parents)
    assert (algebra.closure(closed) != closed).nnz == 0
    reduced = algebra.reduction(parents)
    assert (algebra.closure(reduced) != closed).nnz == 0
    for child, parent in algebra.to_pairs(reduced):
        fewer = reduced.toarray()
        fewer[child, parent] = False
        assert not algebra.closure(fewer).toarray()[child, parent], "a pair of the reduction is redundant"


def test_reduction_refuses_a_cycle_and_cycles_names_it() -> None:
    circle = algebra.from_pairs(np.array([(0, 1), (1, 2), (2, 0), (3, 3), (4, 0)]), 5)
    assert algebra.cycles(circle) == [[0, 1, 2], [3]]
    with pytest.raises(MatrixError, match="cycle"):
        algebra.reduction(circle)


@given(hierarchies())
def test_an_acyclic_hierarchy_has_no_cycles(parents: np.ndarray) -> None:
    assert algebra.cycles(parents) == []


@given(worlds())
def test_exclusion_is_inherited_by_all_descendants_on_both_sides(world: tuple[np.ndarray, ...]) -> None:
    parents, listed, _ = world
    up = [s | {i} for i, s in enumerate(ancestors_by_walking(parents))]
    either_way = listed | listed.T
    expected = {
        (a, b) for a, b in product(range(len(parents)), repeat=2) if any(either_way[x, y] for x in up[a] for y in up[b])
    }
    found = algebra.inherit_exclusive(listed, algebra.closure(parents))
    assert {tuple(p) for p in algebra.to_pairs(found)} == expected


@given(worlds())
def test_exclusion_closure_is_symmetric_and_idempotent(world: tuple[np.ndarray, ...]) -> None:
    parents, listed, _ = world
    ancestors = algebra.closure(parents)
    once = algebra.inherit_exclusive(listed, ancestors)
    assert (once != once.T).nnz == 0
    assert (algebra.inherit_exclusive(once, ancestors) != once).nnz == 0


@given(worlds())
def test_minimal_exclusive_pairs_inherit_to_the_same_closure_and_none_is_redundant(
    world: tuple[np.ndarray, ...],
) -> None:
    parents, listed, _ = world
    ancestors = algebra.closure(parents)
    closed = algebra.inherit_exclusive(listed, ancestors)
    if closed.diagonal().any():
        return  # a contradiction has no minimal irreflexive form
    minimal = algebra.minimal_exclusive(closed, ancestors)
    assert (algebra.inherit_exclusive(minimal, ancestors) != closed).nnz == 0
    for a, b in algebra.to_pairs(minimal, symmetric=True):
        fewer = minimal.toarray()
        fewer[a, b] = fewer[b, a] = False
        assert not algebra.inherit_exclusive(fewer, ancestors).toarray()[a, b]


@given(worlds())
def test_expansion_is_extensive_idempotent_and_monotone(world: tuple[np.ndarray, ...]) -> None:
    parents, _, labels = world
    ancestors = algebra.closure(parents)
    expanded = algebra.expand(labels, ancestors)
    assert algebra.minus(labels, expanded).nnz == 0
    assert (algebra.expand(expanded, ancestors) != expanded).nnz == 0
    fewer = labels.copy()
    fewer[:, ::2] = False
    assert algebra.minus(algebra.expand(fewer, ancestors), expanded).nnz == 0


@given(worlds())
def test_reliable_negatives_are_exclusive_with_a_positive_and_never_positive_or_an_ancestor_of_one(
    world: tuple[np.ndarray, ...],
) -> None:
    parents, listed, labels = world
    ancestors = algebra.closure(parents)
    exclusive = algebra.inherit_exclusive(listed, ancestors)
    positive = algebra.expand(labels, ancestors)
    negative = algebra.reliable_negatives(positive, exclusive).toarray()
    up = ancestors_by_walking(parents)
    for row, lesion in enumerate(positive.toarray()):
        labels_of = set(np.flatnonzero(lesion))
        expected = {c for c in range(len(parents)) if exclusive.toarray()[c, list(labels_of)].any()} - labels_of
        assert set(np.flatnonzero(negative[row])) == expected
        assert not expected & set().union(*(up[c] for c in labels_of), set())


@given(worlds())
def test_contradictions_list_exactly_the_exclusive_pairs_on_one_lesion(world: tuple[np.ndarray, ...]) -> None:
    parents, listed, labels = world
    exclusive = algebra.inherit_exclusive(listed, algebra.closure(parents)).toarray()
    expected = [
        (row, a, b)
        for row, lesion in enumerate(labels)
        for a in range(labels.shape[1])
        for b in range(a, labels.shape[1])
        if lesion[a] and lesion[b] and exclusive[a, b]
    ]
    assert [tuple(x) for x in algebra.contradictions(labels, exclusive)] == expected


@given(worlds())
def test_a_label_set_is_coherent_when_closed_upward_and_free_of_exclusive_pairs(world: tuple[np.ndarray, ...]) -> None:
    parents, listed, labels = world
    ancestors = algebra.closure(parents)
    exclusive = algebra.inherit_exclusive(listed, ancestors)
    closed = [not (algebra.minus(algebra.expand(r[None], ancestors), r[None])).nnz for r in labels]
    free = [not len(algebra.contradictions(r[None], exclusive)) for r in labels]
    assert algebra.coherent(labels, ancestors, exclusive).tolist() == [
        a and b for a, b in zip(closed, free, strict=True)
    ]


@settings(max_examples=30)
@given(worlds(), st.randoms(use_true_random=False))
def test_algebra_does_not_depend_on_the_order_of_labels(world: tuple[np.ndarray, ...], random: object) -> None:
    parents, listed, labels = world
    order = np.random.default_rng(random.getrandbits(32)).permutation(len(parents))  # type: ignore[attr-defined]
    shuffle = np.ix_(order, order)
    ancestors = algebra.closure(parents)
    moved = algebra.closure(parents[shuffle])
    assert (moved.toarray() == ancestors.toarray()[shuffle]).all()
    exclusive = algebra.inherit_exclusive(listed, ancestors).toarray()
    assert (algebra.inherit_exclusive(listed[shuffle], moved).toarray() == exclusive[shuffle]).all()
    assert (
        algebra.expand(labels[:, order], moved).toarray() == algebra.expand(labels, ancestors).toarray()[:, order]
    ).all()


def test_operations_on_an_empty_ontology_and_no_lesions() -> None:
    nothing = algebra.from_pairs(np.zeros((0, 2)), 3)
    assert algebra.closure(nothing).nnz == 0
    assert algebra.contradictions(np.ones((2, 3), bool), nothing).shape == (0, 3)
    assert algebra.expand(np.zeros((0, 3), bool), nothing).shape == (0, 3)


@given(worlds(), st.data())
def test_exclusion_with_exceptions_is_inherited_and_takes_out_just_what_they_imply(
    world: tuple[np.ndarray, ...], data: st.DataObject
) -> None:
    parents, exclusive, _ = world
    size = len(parents)
    cells = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))
    pairs = data.draw(st.lists(cells, min_size=1, max_size=3))
    ancestors = algebra.closure(parents)
    kept = algebra.inherit_exclusive(exclusive, ancestors, algebra.from_pairs(np.array(pairs), size))
    assert (algebra.inherit_exclusive(kept, ancestors) != kept).nnz == 0  # closed, whatever was taken out
    up = ancestors.toarray() | np.eye(size, dtype=bool)
    out = np.zeros((size, size), bool)
    for a, b in pairs:
        out |= np.outer(up[a], up[b]) | np.outer(up[b], up[a])
    whole = algebra.inherit_exclusive(exclusive, ancestors).toarray()
    assert (kept.toarray() == (whole & ~out)).all()
