"""What the review queues rest on: how the rank was chosen, what errors of labels alone come to, what promotion mends.

Runs on a graph that holds the released lesions and a published model, e.g. what ``lesionkg demo`` leaves.

* Ranking: correlations are ranked by the counts of training lesions; a correlation holds when the validation and test
  lesions show the same direction (p < 0.05, hypergeometric). Shares of the first 20, 50 and 100 that hold.
* Errors of the labels: no lesion has a left label and its right partner; how many patients with the rarer one do, as
  reports were mined.
* Promotion: every contradicted pair that carries exceptions, and the contradictory lesions that these resolve.
* Time: the contradicted pairs against the same counts by plain Python sets, as a ratio.

Usage: ``python benchmarks/queues.py HOME``
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from kg.connect import open_store
from kg.curation.label_data import read_label_data
from kg.curation.queues import Contradiction, Correlation, Item, QueueKind
from kg.curation.queues_graph import QueueSources, read_sources
from kg.curation.queues_lesions import LabelledLesions
from kg.curation.queues_promotion import promote
from kg.curation.queues_ranked import contradiction_items
from kg.curation.queues_rule import at_least
from kg.errors import ChangeRefusedError
from kg.ontology import SoftKind

FIRST = (20, 50, 100)
NEEDED = 20
"""Patients that the rarer of two partners must have to be counted."""


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path, help="data folder of `lesionkg demo`")
    parser.add_argument("--cohort", default="lesanet")
    options = parser.parse_args()
    with open_store(str(options.home / "graph"), read_only=True) as store:
        sources = read_sources(store, cohort=options.cohort, split="train")
        data = read_label_data(store, options.cohort)
    others = replace(data, splits=np.where(data.splits == "train", "train", "test"))
    other = LabelledLesions.of_data(sources.lesions.ontology, others, {}, "test")
    ranking(sources, other)
    partners(sources.lesions)
    promotion(sources.lesions)
    timing(sources.lesions)


def ranking(sources: QueueSources, other: LabelledLesions) -> None:
    """Which order puts correlations first that hold among other lesions."""
    items = sources.items()[QueueKind.CORRELATIONS]
    holds = np.array(hold(items, other))
    learned = [item.evidence for item in items if isinstance(item.evidence, Correlation)]
    strength = np.array([abs(one.weight) * one.stability for one in learned])
    print(f"{len(items)} correlations of {sources.model} that the ontology lacks; {holds.mean():.0%} hold")
    print(f"{'ranked by':36}" + "".join(f"{f'first {n}':>11}" for n in FIRST))
    for name, order in (
        ("weight times stability", np.argsort(-strength, kind="stable")),
        ("weight times stability times surprise", np.arange(len(items))),
    ):
        print(f"{name:36}" + "".join(f"{holds[order[:n]].mean():>11.0%}" for n in FIRST))


def hold(items: tuple[Item, ...], other: LabelledLesions) -> list[bool]:
    """Whether other lesions show the direction of each correlation."""
    columns = np.array([[other.closures.index[label] for label in item.labels] for item in items])
    counted = other.counts(columns[:, 0], columns[:, 1])
    weights = [item.evidence.weight for item in items if isinstance(item.evidence, Correlation)]
    return [
        (counts.together > counts.expected) == (weight > 0) and counts.probability < 0.05
        for counts, weight in zip(counted, weights, strict=True)
    ]


def partners(lesions: LabelledLesions) -> None:
    """Patients with a lesion that has a left label and its right partner."""
    index = lesions.closures.index
    print("\nleft and right partners on one lesion, of the patients with the rarer one")
    for soft in lesions.ontology.soft_relations:
        a, b = index[soft.subject], index[soft.object]
        both, rarer = lesions.patients_with(a, b), min(lesions.patients_with(a), lesions.patients_with(b))
        if soft.kind is SoftKind.CONTRALATERAL_OF and rarer >= NEEDED:
            names = f"{lesions.ontology.labels[a].name} x {lesions.ontology.labels[b].name}"
            print(f"  {names:50}{both:>5} of {rarer:>5} {both / rarer:>7.1%}, at least {at_least(both, rarer):.1%}")


def promotion(lesions: LabelledLesions) -> None:
    """What exceptions resolve."""
    items = contradiction_items(lesions)
    changed, made, before, left = 0, 0, 0.0, 0.0
    print("\ncontradicted pairs, exceptions that promotion makes, contradictory lesions before and after")
    for item in items:
        try:
            change_set = promote(item, lesions.ontology, "benchmark", "2026-01-01T00:00:00+00:00")
        except ChangeRefusedError:
            continue
        after = contradiction_items(replace(lesions, ontology=change_set.apply(lesions.ontology)))
        rest = next((one.score for one in after if one.id == item.id), 0.0)
        changed, made, before, left = changed + 1, made + len(change_set.changes), before + item.score, left + rest
        if changed <= 10:
            print(f"  {' x '.join(item.names):50}{len(change_set.changes):>3}{item.score:>7.0f}{rest:>7.0f}")
    print(
        f"  {changed} of {len(items)} pairs carry {made} exceptions; contradictory lesions {before:.0f} -> {left:.0f}"
    )


def timing(lesions: LabelledLesions) -> None:
    """The contradicted pairs against plain sets."""
    lesions.has.nnz, lesions.together.shape, lesions.closures.exclusive.nnz  # computed once, needed by both  # noqa: B018
    start = time.perf_counter()
    items = contradiction_items(lesions)
    ours = time.perf_counter() - start
    start = time.perf_counter()
    counted = by_sets(lesions)
    plain = time.perf_counter() - start
    found = {item.labels: item.evidence.contradictory for item in items if isinstance(item.evidence, Contradiction)}
    assert found == counted
    ratio = f"{plain / ours:.1f} times as quick as plain sets"
    print(f"\n{len(items)} contradicted pairs with their most specific labels: {ratio}")


def by_sets(lesions: LabelledLesions) -> dict[tuple[str, str], int]:
    """Contradictory lesions of each asserted pair, one lesion and label at a time."""
    labels = lesions.ontology.labels
    index, exclusive = lesions.closures.index, lesions.closures.exclusive.toarray()
    up = {i: {i, *np.flatnonzero(row).tolist()} for i, row in enumerate(lesions.closures.ancestors.toarray())}
    sets = [set(row.tolist()) for row in np.split(lesions.has.indices, lesions.has.indptr[1:-1])]
    found: dict[tuple[str, str], int] = {}
    for one, other in lesions.ontology.all_exclusive_pairs:
        a, b = index[one], index[other]
        for has in sets:
            if a in has and b in has:
                first, second = [x for x in has if a in up[x]], [y for y in has if b in up[y]]
                if any(exclusive[x, y] for x in first for y in second):
                    key = (labels[a].id, labels[b].id)
                    found[key] = found.get(key, 0) + 1
    return found


if __name__ == "__main__":
    main()
