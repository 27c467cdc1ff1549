"""Every named query on a whole graph, embedded and over Bolt. Prints wall times and their ratios measured in one run.

Usage: ``lesionkg demo``, then ``python benchmarks/named_queries.py [GRAPH_FOLDER]`` (default ``$LESIONKG_HOME/graph``).
The folder must be free: the benchmark opens it and serves it to itself. Questions about two models need a second one.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

from kg.errors import LesionKGError
from kg.neo4j_store import Neo4jStore
from kg.owner import GraphOwner
from kg.store import GraphStore
from queries.catalogue import catalogue
from queries.request import Request, answer
from queries.runner import run

REPEAT = 7
LIMIT_S, MEDIAN_S = 1.0, 0.2


def times(store: GraphStore, name: str) -> tuple[list[float], float]:
    """Wall times in seconds, and the least processor time of this thread, which other programs disturb less."""
    wall, processor = [], []
    for _ in range(REPEAT):
        start = time.thread_time()
        wall.append(answer(store, Request(name)).seconds)
        processor.append(time.thread_time() - start)
    return wall, min(processor)


def main() -> None:
    """Measure and print."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(os.environ.get("LESIONKG_HOME", ".lesionkg")) / "graph")
    start = time.perf_counter()
    rows = len(run(folder, Request("few-positives")).rows)
    alone = time.perf_counter() - start
    medians: dict[str, list[float]] = {"embedded": [], "bolt": []}
    with GraphOwner(folder) as owner:
        reader = owner.ownership.accounts["reader"]
        with Neo4jStore(owner.url, reader.user, reader.password, folder.name, read_only=True) as bolt:
            print(
                f"{'milliseconds':28}{'rows':>6}{'first':>8}{'embedded':>10}{'(cpu)':>8}{'bolt':>8}{'bolt/embedded':>15}"
            )
            for name in catalogue():
                try:
                    first = answer(owner.store, Request(name))
                    (embedded, processor), (over_bolt, _) = times(owner.store, name), times(bolt, name)
                except LesionKGError as error:
                    print(f"{name:28}{error}")
                    continue
                both = statistics.median(embedded), statistics.median(over_bolt)
                medians["embedded"].append(both[0])
                medians["bolt"].append(both[1])
                print(
                    f"{name:28}{len(first.rows):6}{first.seconds * 1e3:8.0f}{both[0] * 1e3:10.0f}{processor * 1e3:8.0f}"
                    f"{both[1] * 1e3:8.0f}{both[1] / both[0]:15.2f}"
                )
    print(f"{len(medians['embedded'])} queries; few-positives in a child process: {alone:.2f} s ({rows} rows)")
    for adapter, found_times in medians.items():
        slowest, middle = max(found_times), statistics.median(found_times)
        verdict = "met" if slowest < LIMIT_S and middle < MEDIAN_S else "MISSED"
        print(
            f"{adapter}: slowest {slowest:.3f} s (limit {LIMIT_S:g}), median of the queries {middle:.3f} s "
            f"(limit {MEDIAN_S:g}): {verdict}"
        )


if __name__ == "__main__":
    main()
