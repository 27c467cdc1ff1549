"""The junction tree carries every relation, and its bags only what is legal."""

from __future__ import annotations

import numpy as np
import pytest
from branching import total_weight
from hypothesis import given, settings
from hypothesis import strategies as st
from small_ontologies import legal_sets, random_relations

from kg import algebra
from kg.errors import MatrixError
from kg.junction_tree import JunctionTree
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped

SEEDS = st.integers(0, 2**31 - 1)
quick = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def relations() -> RelationMatrices:
    return RelationMatrices.from_ontology(load_shipped("lesanet-repaired"), "lesanet-171")


@pytest.fixture(scope="module")
def tree(relations: RelationMatrices) -> JunctionTree:
    return JunctionTree.compile(relations)


def relations_of(size: int, parents: list[tuple[int, int]], exclusive: list[tuple[int, int]]) -> RelationMatrices:
    ancestors = algebra.closure(algebra.from_pairs(np.array(parents), size))
    listed = algebra.from_pairs(np.array(exclusive), size, symmetric=True)
    names = tuple(f"l{i}" for i in range(size))
    inherited = algebra.inherit_exclusive(listed, ancestors)
    return RelationMatrices("small", names, names, ("type",) * size, ancestors, inherited)


def test_the_171_labels_need_only_small_bags(relations: RelationMatrices, tree: JunctionTree) -> None:
    assert (relations.parents.nnz, relations.exclusive_minimal.nnz) == (137, 2 * 173)
    assert tree.treewidth == 10
    assert tree.most_states == 16
    assert (len(tree.bags), tree.states) == (119, 546)
    assert tree.depth <= 10
    assert tree.log2_label_sets == pytest.approx(61.2, abs=0.01)


def test_every_minimal_relation_of_the_171_labels_lies_within_a_bag(
    relations: RelationMatrices, tree: JunctionTree
) -> None:
    for kind in (relations.parents, relations.exclusive_minimal):
        for a, b in algebra.to_pairs(kind).tolist():
            assert any({a, b} <= set(bag.labels) for bag in tree.bags)


def test_branching_over_labels_counts_the_same_legal_label_sets(
    relations: RelationMatrices, tree: JunctionTree
) -> None:
    assert tree.label_sets == total_weight(relations, [1] * relations.size) == 2651564982990274560


def test_equal_relations_give_equal_trees(relations: RelationMatrices, tree: JunctionTree) -> None:
    again = JunctionTree.compile(relations)
    assert len(again.bags) == len(tree.bags)
    for one, other in zip(tree.bags, again.bags, strict=True):
        assert (one.labels, one.parent, one.depth, one.separator) == (
            other.labels,
            other.parent,
            other.depth,
            other.separator,
        )
        assert np.array_equal(one.states, other.states)


@quick
@given(SEEDS)
def test_random_relations_have_the_label_sets_that_trying_all_finds(seed: int) -> None:
    relations = random_relations(seed)
    assert JunctionTree.compile(relations).label_sets == len(legal_sets(relations))


@quick
@given(SEEDS)
def test_bags_hold_each_state_once_and_connect_over_their_separators(seed: int) -> None:
    relations = random_relations(seed)
    tree = JunctionTree.compile(relations)
    legal = legal_sets(relations)
    assert sorted(c for bag in tree.bags for c in bag.home) == list(range(relations.size))
    for place, bag in enumerate(tree.bags):
        # Exactly what legal label sets look like through this bag.
        assert {tuple(s) for s in bag.states.tolist()} == {tuple(s) for s in legal[:, bag.labels].tolist()}
        assert len(np.unique(bag.states, axis=0)) == len(bag.states)
        assert not bag.states[0].any()
        if bag.parent < 0:
            assert (bag.depth, bag.separator) == (0, ())
            continue
        above = tree.bags[bag.parent]
        assert bag.parent < place
        assert bag.depth == above.depth + 1
        assert set(bag.separator) == set(bag.labels) & set(above.labels) != set()
        mine = bag.states[:, np.searchsorted(bag.labels, bag.separator)]
        for number, row in zip(bag.theirs, above.states[:, np.searchsorted(above.labels, bag.separator)], strict=True):
            assert (mine[bag.own == number] == row).all()


@pytest.mark.parametrize(
    ("size", "parents", "exclusive", "bags", "label_sets"),
    [
        pytest.param(0, [], [], 0, 1, id="no labels"),
        pytest.param(3, [], [], 3, 8, id="isolated labels"),
        pytest.param(3, [(2, 1), (1, 0)], [], 2, 4, id="a chain"),
        pytest.param(4, [(1, 0), (3, 2)], [], 2, 9, id="a forest"),
        pytest.param(3, [], [(0, 1), (1, 2), (0, 2)], 1, 4, id="a mutually exclusive group"),
        pytest.param(4, [(1, 0), (2, 0), (3, 1), (3, 2)], [], 2, 6, id="two parents"),
    ],
)
def test_any_small_ontology_compiles(
    size: int, parents: list[tuple[int, int]], exclusive: list[tuple[int, int]], bags: int, label_sets: int
) -> None:
    tree = JunctionTree.compile(relations_of(size, parents, exclusive))
    assert (len(tree.bags), tree.label_sets) == (bags, label_sets)


def test_a_hundred_exclusive_labels_are_one_wide_bag_with_few_states() -> None:
    size = 100
    tree = JunctionTree.compile(relations_of(size, [], [(a, b) for a in range(size) for b in range(a)]))
    assert (len(tree.bags), tree.treewidth, tree.states) == (1, size - 1, size + 1)


def test_relations_too_entangled_are_refused_in_one_line() -> None:
    # Eight parents shared by eight children: the parents end up in one bag, and are free in it.
    shared = [(8 + child, parent) for child in range(8) for parent in range(8)]
    with pytest.raises(MatrixError, match=r"9 entangled labels \(.*\) have over 16 legal assignments; use the") as e:
        JunctionTree.compile(relations_of(16, shared, []), most_states=16)
    assert "\n" not in str(e.value)


def test_many_groups_each_small_enough_are_refused_in_one_line() -> None:
    groups = [
        (6 * group + 3 + child, 6 * group + parent) for group in range(9) for child in (0, 1, 2) for parent in (0, 1, 2)
    ]
    relations = relations_of(54, groups, [])
    in_all = JunctionTree.compile(relations).states
    assert JunctionTree.compile(relations, most_in_all=in_all).states == in_all
    with pytest.raises(MatrixError, match=f"over {in_all - 1} legal assignments together; use the greedy decoder") as e:
        JunctionTree.compile(relations, most_in_all=in_all - 1)
    assert "\n" not in str(e.value)


def test_contradictory_relations_are_refused() -> None:
    names = ("a", "b")
    clash = algebra.from_pairs(np.array([(1, 0), (1, 1)]), 2, symmetric=True)
    above = algebra.from_pairs(np.array([(1, 0)]), 2)
    with pytest.raises(MatrixError, match="exclusive with itself"):
        JunctionTree.compile(RelationMatrices("broken", names, names, ("type",) * 2, above, clash))


def test_the_bound_is_on_states_not_on_labels() -> None:
    shared = [(8 + child, parent) for child in range(8) for parent in range(8)]
    assert JunctionTree.compile(relations_of(16, shared, [])).most_states == 2**8 + 1
