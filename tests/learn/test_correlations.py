"""Reading a score propagation matrix as edges."""

from __future__ import annotations

import numpy as np

from kg import algebra
from kg.matrices import RelationMatrices
from learn.correlations import Reading, default_threshold, read_correlations


def matrices() -> RelationMatrices:
    """Four labels; 0 and 1 are exclusive, 3 descends from 2."""
    return RelationMatrices(
        "four",
        tuple("abcd"),
        tuple("abcd"),
        ("type",) * 4,
        ancestors=algebra.from_pairs(np.array([(3, 2)]), 4),
        exclusive=algebra.from_pairs(np.array([(0, 1)]), 4, symmetric=True),
    )


def test_an_edge_runs_from_the_column_that_gives_evidence_to_the_row_that_receives_it() -> None:
    weights = np.zeros((2, 4, 4))
    weights[:, 1, 3] = 0.5  # refined score of 1 gains from score of 3
    edges = read_correlations(weights, matrices(), np.eye(4, dtype=bool), threshold=0.1)
    assert (edges.source.tolist(), edges.target.tolist(), edges.weight.tolist()) == ([3], [1], [0.5])
    assert edges.considered == 12


def test_signs_and_exclusion_decide_the_reading_and_seeds_the_stability() -> None:
    weights = np.zeros((4, 4, 4))
    weights[:, 0, 1] = 0.9
    weights[:, 2, 0] = [0.6, 0.6, 0.6, -0.2]
    weights[:, 0, 2] = -0.3
    weights[:, 1, 1] = 9.0  # the diagonal is no correlation
    edges = read_correlations(weights, matrices(), np.eye(4, dtype=bool), threshold=0.25)
    assert list(edges.reading) == [Reading.CONFUSABLE, Reading.CO_OCCURS, Reading.SUPPRESSES]
    assert edges.stability.tolist() == [1.0, 0.75, 1.0]


def test_an_edge_that_is_large_in_one_seed_only_is_kept_with_its_low_stability() -> None:
    weights = np.zeros((3, 4, 4))
    weights[:, 2, 0] = [0.5, -0.4, 0.01]
    edges = read_correlations(weights, matrices(), np.eye(4, dtype=bool), threshold=0.45)
    assert len(edges.source) == 1
    assert np.isclose(edges.stability[0], 2 / 3)


def test_co_occurrence_is_counted_after_expansion() -> None:
    weights = np.zeros((1, 4, 4))
    weights[0, 2, 3] = weights[0, 0, 1] = weights[0, 2, 0] = 1.0
    lesions = np.array([[1, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]], bool)
    edges = read_correlations(weights, matrices(), lesions, threshold=0.5)
    pair = {(int(s), int(t)): (int(n), float(x)) for s, t, n, x in zip(
        edges.source, edges.target, edges.together, edges.lift, strict=True
    )}  # fmt: skip
    assert pair[3, 2] == (2, 2.0), "both lesions with d have its ancestor c, twice what chance gives"
    assert pair[0, 2] == (1, 2.0)
    assert pair[1, 0][0] == 0
    assert np.isnan(pair[1, 0][1]), "b has no lesion, so nothing can be said"


def test_the_default_threshold_scales_with_the_weights() -> None:
    weights = np.random.default_rng(0).normal(size=(3, 20, 20))
    assert np.isclose(default_threshold(3 * weights), 3 * default_threshold(weights))
    assert 4 < default_threshold(weights) < 6
