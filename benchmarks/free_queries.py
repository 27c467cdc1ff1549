"""Free queries on a desk: cold, warm, after a write, and beside a bomb; ratios to a named query measured in one run.

Usage: ``lesionkg demo``, then ``python benchmarks/free_queries.py [HOME]`` (default ``$LESIONKG_HOME``). The graph is
copied first, so the folder may not be open in a server; nothing in it is changed.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from kg.errors import LesionKGError, QueryCancelledError
from kg.owner import GraphOwner
from queries.desk import Desk
from queries.limits import Limits
from queries.request import Request

REPEAT = 15
WARM_S, PAGE_S = 0.3, 0.5
SMALL = Request(cypher="MATCH (c:Label) RETURN c.class AS class, count(*) AS labels ORDER BY class")
NAMED = Request("label-relations")
BOMB = Request(
    cypher="UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b UNWIND range(1, 1000) AS c RETURN count(*) AS n"
)
MEMORY_BOMB = Request(cypher="RETURN size(reduce(s = 'x', i IN range(1, 40) | s + s)) AS n")


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median(work: Callable[[], object]) -> float:
    """Median wall time of several calls."""
    return statistics.median(seconds(work) for _ in range(REPEAT))


def write(owner: GraphOwner) -> None:
    """Commit something."""
    owner.store.write_transaction(lambda tx: tx.run("MATCH (s:Schema {id: 'schema'}) SET s.benchmark = true"))


def beside(desk: Desk, bomb: Request, work: Callable[[], float]) -> float:
    """Measure while a bomb runs again and again."""
    stop = threading.Event()

    def bombs() -> None:
        while not stop.is_set():
            try:
                desk.ask(bomb, None, stop)
            except QueryCancelledError:
                return
            except LesionKGError:
                continue

    thrower = threading.Thread(target=bombs)
    thrower.start()
    time.sleep(1)
    try:
        return work()
    finally:
        stop.set()
        thrower.join()


def main() -> None:
    """Measure and print."""
    home = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("LESIONKG_HOME", ".lesionkg"))
    with tempfile.TemporaryDirectory(prefix="lesionkg-benchmark-") as place:
        folder = Path(place) / "graph"
        shutil.copytree(home / "graph", folder)
        with GraphOwner(folder) as owner:
            desk = Desk(owner.store, Limits())
            try:
                measure(owner, desk)
            finally:
                desk.close()


def measure(owner: GraphOwner, desk: Desk) -> None:
    """Ask and print a line each."""
    desk.ask(NAMED)
    cold = seconds(lambda: desk.ask(SMALL))
    named = median(lambda: desk.ask(NAMED))
    warm = median(lambda: desk.ask(SMALL))
    written = []
    for _ in range(REPEAT):
        write(owner)
        written.append(seconds(lambda: desk.ask(SMALL)))
    found = {
        "named, in process": named,
        "free, no process started": cold,
        "free, warm": warm,
        "free, after a write": statistics.median(written),
        "named, beside a bomb": beside(desk, BOMB, lambda: median(lambda: desk.ask(NAMED))),
        "free, beside a bomb": beside(desk, BOMB, lambda: median(lambda: desk.ask(SMALL))),
        "free, beside memory bombs": beside(desk, MEMORY_BOMB, lambda: median(lambda: desk.ask(SMALL))),
    }
    print(f"{'median of ' + str(REPEAT):28}{'seconds':>10}{'ratio to named':>16}")
    for what, took in found.items():
        print(f"{what:28}{took:10.3f}{took / named:16.2f}")
    print(f"memory of the process of a small query: {desk.ask(SMALL).memory_mb:.0f} MB")
    for what, goal in (("free, warm", WARM_S), ("free, beside a bomb", PAGE_S)):
        print(f"{what}: goal {goal:g} s {'met' if found[what] < goal else 'MISSED'}")


if __name__ == "__main__":
    main()
