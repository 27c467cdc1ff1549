"""The NumPy reference of exact inference is what trying all label sets gives."""

from __future__ import annotations

import numpy as np
import pytest
from branching import total_weight
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from small_ontologies import legal_sets, random_relations

from kg.errors import MatrixError
from kg.exact import log_legal, log_partition, marginals, most_probable
from kg.junction_tree import JunctionTree
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped

SEEDS = st.integers(0, 2**31 - 1)
quick = settings(max_examples=60, deadline=None)


def drawn(seed: int, size: int, spread: float = 4.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, spread, (6, size))


@quick
@given(SEEDS)
def test_sums_and_marginals_are_those_over_all_legal_label_sets(seed: int) -> None:
    relations = random_relations(seed)
    tree, legal, logits = JunctionTree.compile(relations), legal_sets(relations), drawn(seed, relations.size)
    weights = logits @ legal.T
    total = logsumexp(weights, axis=1)
    assert log_partition(tree, logits) == pytest.approx(total)
    assert marginals(tree, logits) == pytest.approx(np.exp(weights - total[:, None]) @ legal)
    independent = np.prod(
        np.where(legal, 1 / (1 + np.exp(-logits[:, None])), 1 / (1 + np.exp(logits[:, None]))), axis=2
    )
    assert np.exp(log_legal(tree, logits)) == pytest.approx(independent.sum(axis=1))


@quick
@given(SEEDS)
def test_the_most_probable_label_set_is_legal_and_no_other_weighs_more(seed: int) -> None:
    relations = random_relations(seed)
    tree, legal, logits = JunctionTree.compile(relations), legal_sets(relations), drawn(seed, relations.size)
    found = most_probable(tree, logits)
    assert relations.coherent(found).all()
    assert np.array_equal(found, legal[(logits @ legal.T).argmax(axis=1)])


@quick
@given(SEEDS)
def test_of_equal_weights_the_set_with_fewest_labels_wins(seed: int) -> None:
    relations = random_relations(seed)
    tree, legal = JunctionTree.compile(relations), legal_sets(relations)
    # Small whole numbers: many ties, and sums that are exact in any order.
    logits = np.random.default_rng(seed).integers(-1, 2, (6, relations.size)).astype(float)
    found, weights = most_probable(tree, logits), logits @ legal.T
    assert (logits * found).sum(axis=1) == pytest.approx(weights.max(axis=1), abs=0)
    fewest = np.where(weights == weights.max(axis=1, keepdims=True), legal.sum(axis=1), 99).min(axis=1)
    assert found.sum(axis=1).tolist() == fewest.tolist()


def test_sums_and_marginals_of_the_171_labels_are_those_of_branching() -> None:
    relations = RelationMatrices.from_ontology(load_shipped(), "lesanet-171")
    tree = JunctionTree.compile(relations)
    for z in drawn(1, relations.size, 3.0)[:3]:
        weights = np.exp(z).tolist()
        total = total_weight(relations, weights)
        assert log_partition(tree, z[None])[0] == pytest.approx(np.log(total), rel=1e-12)
        # A label of weight 0 is in no set that counts.
        without = [total_weight(relations, [*weights[:c], 0.0, *weights[c + 1 :]]) for c in range(0, relations.size, 9)]
        assert marginals(tree, z[None])[0, ::9] == pytest.approx(1 - np.array(without) / total, abs=1e-12)


def test_logits_of_another_number_of_labels_are_refused() -> None:
    tree = JunctionTree.compile(random_relations(1))
    with pytest.raises(MatrixError, match="do not fit the"):
        log_partition(tree, np.zeros((2, tree.size + 1)))


def test_no_lesion_is_no_trouble() -> None:
    tree = JunctionTree.compile(random_relations(1))
    assert marginals(tree, np.zeros((0, tree.size))).shape == (0, tree.size)
    assert most_probable(tree, np.zeros((0, tree.size))).shape == (0, tree.size)
