"""The impact of a change on all shipped DeepLesion labels, against plain Python sets. Prints ratios of one run.

The change: abdomen and pelvis no longer exclusive, porta hepatis no longer part of the liver. Both ways read the same
label data and count the same cells; the vectorised one lists lesions, pairs and junction trees besides.

Usage: ``python benchmarks/impact.py``
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from kg.curation.impact import impact
from kg.curation.impact_figures import TreeSize
from kg.matrices import RelationMatrices
from kg.ontology import Ontology
from kg.shipped import load_shipped
from learn.impact import released_label_data

REPEAT = 15
SET = "lesanet-171"


def best(function: Callable[[], object], repeat: int) -> float:
    """Shortest wall time of several calls, in seconds."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def changed(ontology: Ontology) -> Ontology:
    """The ontology after the change."""
    abdomen, pelvis, porta, liver = (ontology.label(n).id for n in ("abdomen", "pelvis", "porta Hepatis", "liver"))
    return replace(
        ontology,
        exclusive_pairs=tuple(p for p in ontology.exclusive_pairs if {p.a, p.b} != {abdomen, pelvis}),
        relations=tuple(r for r in ontology.relations if (r.child, r.parent) != (porta, liver)),
    )


def main() -> None:
    """Measure and print."""
    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))
    from plain_impact import plain_impact

    before = load_shipped()
    after = changed(before)
    data = released_label_data(SET)[1]
    matrices = RelationMatrices.from_ontology(before, SET)
    found, plain = impact(before, after, data, SET), plain_impact(before, after, data, SET)
    ids = tuple(found.names)
    states = ("unknown", "positive", "negative")
    for part in found.splits:
        for column, was, now in np.ndindex(part.moves.shape):
            assert part.moves[column, was, now] == plain.moves[part.split, ids[column], states[was], states[now]]
    print(f"{found.total.lesions:,} lesions, {matrices.size} labels; {found.summary}")
    fast, slow = (
        best(lambda: impact(before, after, data, SET), REPEAT),
        best(lambda: plain_impact(before, after, data, SET), 3),
    )
    trees = 2 * best(lambda: TreeSize.of(RelationMatrices.from_ontology(before, SET)), REPEAT)
    print(f"impact: {1e3 * fast:.0f} ms, of which {1e3 * trees:.0f} ms are two junction trees")
    print(f"plain sets: {1e3 * slow:.0f} ms; {slow / fast:.1f} x as long")


if __name__ == "__main__":
    main()
