"""Relation algebra against plain Python sets, on the released training label lists. Prints ratios measured in one run.

Usage: ``python benchmarks/expansion.py``
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from ingest.release import Release
from kg.algebra import union
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped

REPEAT = 15


def best(function: Callable[[], object]) -> float:
    """Shortest wall time of several calls, in seconds."""
    times = []
    for _ in range(REPEAT):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def expand_sets(label_sets: list[set[int]], ancestors: list[set[int]]) -> list[set[int]]:
    """Every label set with all ancestors of its labels, by Python sets with the closure at hand."""
    return [labels.union(*(ancestors[c] for c in labels)) for labels in label_sets]


def negatives_of_sets(label_sets: list[set[int]], exclusive: list[set[int]]) -> list[set[int]]:
    """Labels exclusive with a positive one, by Python sets."""
    return [set().union(*(exclusive[c] for c in labels)) - labels for labels in label_sets]


def contradictions_of_sets(label_sets: list[set[int]], exclusive: list[set[int]]) -> list[tuple[int, int]]:
    """Exclusive pairs on one lesion, by Python sets."""
    return [(a, b) for labels in label_sets for a in labels for b in exclusive[a] & labels if a < b]


def main() -> None:
    """Measure and print."""
    matrices = RelationMatrices.from_ontology(load_shipped("lesanet-repaired"), "lesanet-171")
    train = Release.shipped().cohort(matrices).subset("train")
    labels = union(train.relevant_matrix(), train.uncertain_matrix())
    expanded = matrices.expand(labels)
    ancestors = [set(np.flatnonzero(row)) for row in matrices.ancestors.toarray()]
    exclusive = [set(np.flatnonzero(row)) for row in matrices.exclusive.toarray()]
    sets = [set(row.tolist()) for row in np.split(labels.indices, labels.indptr[1:-1])]
    full = expand_sets(sets, ancestors)
    assert full == [set(row.tolist()) for row in np.split(expanded.indices, expanded.indptr[1:-1])]

    print(f"{labels.shape[0]:,} label sets, {labels.nnz:,} labels; best of {REPEAT} runs, same results")
    for name, ours, plain in (
        ("expansion", lambda: matrices.expand(labels), lambda: expand_sets(sets, ancestors)),
        ("reliable negatives", lambda: matrices.reliable_negatives(labels), lambda: negatives_of_sets(full, exclusive)),
        ("contradictions", lambda: matrices.contradictions(labels), lambda: contradictions_of_sets(full, exclusive)),
    ):
        fast, slow = best(ours), best(plain)
        print(f"{name:20} {slow / fast:6.1f} x faster than Python sets ({1e3 * fast:.1f} ms and {1e3 * slow:.1f} ms)")


if __name__ == "__main__":
    main()
