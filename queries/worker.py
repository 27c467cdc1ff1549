"""The child process that runs queries, so that it can be ended at any moment: ``python -m queries.worker MB BYTES``.

Its arguments are the most memory it may take and the most bytes of a result. It reads one JSON order a line from
standard input and writes JSON lines to standard output:

* ``{"open": address, "snapshot": false}``: ``{"opened": true}`` once the graph is open for reading; of a snapshot the
  address is the folder of its files, which are opened without a lock.
* ``{"request": {...}}``: ``{"columns", "notes"}``, then ``{"rows"}`` as often as needed, then ``{"end"}``.

An order that fails is answered by one ``{"error", "message"}``. The process ends at once when its standard input
closes, that is, when its parent is gone.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from kg.connect import open_store
from kg.embedded import open_snapshot
from kg.errors import LesionKGError, StoreBusyError
from kg.store import GraphStore
from queries.request import Request, answer

TURN_S = 3.0
"""Longest wait for another query of the same graph folder to end."""

_WARM_UP = (
    "MATCH (c:Label) WHERE c.name STARTS WITH 'l' WITH c.class AS class, count(*) AS labels "
    "RETURN class, labels ORDER BY labels DESC LIMIT 5",
    "MATCH (a:Label)-[r:EXCLUDES]-(b:Label) RETURN a.name AS a, collect(DISTINCT b.name)[0..3] AS b ORDER BY a LIMIT 5",
    "MATCH (l:Lesion) WITH l LIMIT 20 MATCH (l)-[:HAS_LABEL]->(c:Label) RETURN l.id AS lesion, c.name AS label "
    "ORDER BY lesion, label LIMIT 5",
)
"""Reads that make the engine load and compile what nearly every query needs."""


class _Worker:
    """Carries out orders, one after the other."""

    def __init__(self, output: BinaryIO, most_bytes: int) -> None:
        self._output = output
        self._most_bytes = most_bytes
        self._store: GraphStore | None = None

    def serve(self, order: dict[str, Any]) -> None:
        """Carry out one order and answer it."""
        try:
            if "open" in order:
                self._open(order["open"], order["snapshot"])
            else:
                self._ask(Request(**order["request"]))
        except LesionKGError as error:
            # Where a copy lies is of no use to who asks.
            url = self._store.url if self._store else ""
            self._fail(type(error).__name__, str(error).replace(f"graph {url}: ", "query: "))
        except MemoryError:
            self._fail(LesionKGError.__name__, "query: out of memory; ask for fewer or smaller rows")
        except RecursionError:
            self._fail(LesionKGError.__name__, "query: a value is nested too deep; return flatter ones")

    def _open(self, address: str, snapshot: bool) -> None:
        if self._store is not None:
            self._store.close()
        self._store = open_snapshot(Path(address)) if snapshot else _open(address)
        if snapshot:
            # From here on this process writes no file, whatever it runs.
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
            for query in _WARM_UP:
                self._store.read(query)
        self._send({"opened": True})

    def _ask(self, request: Request) -> None:
        assert self._store is not None
        _forget_peak()
        result = answer(self._store, request)
        lines, size = [], 0
        for line in _lines(result.rows):
            lines.append(line)
            size += len(line)
            if size > self._most_bytes:
                most = self._most_bytes >> 20
                raise LesionKGError(f"query: the result is larger than {most} MB; ask for fewer rows or columns")
        self._send({"columns": result.columns, "notes": result.notes})
        for line in lines:
            self._output.write(line)
        peak, now = _memory()
        self._send({
            "end": True, "truncated": result.truncated, "seconds": result.seconds, "peak_mb": peak, "now_mb": now,
        })  # fmt: skip

    def _fail(self, kind: str, message: str) -> None:
        self._send({"error": kind, "message": message, "now_mb": _memory()[1]})

    def _send(self, line: dict[str, Any]) -> None:
        self._output.write(_encoded(line))
        self._output.flush()


def main() -> None:
    """Serve orders until standard input closes."""
    memory_mb, most_bytes = (int(argument) for argument in sys.argv[1:3])
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints must not come between the lines
    _limit_memory(memory_mb << 20)
    os.nice(5)  # pages and named queries go first
    orders: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read_orders, args=(orders,), daemon=True).start()
    worker = _Worker(output, most_bytes)
    while True:
        worker.serve(json.loads(orders.get()))


def _read_orders(orders: queue.Queue[bytes]) -> None:
    for line in sys.stdin.buffer:
        orders.put(line)
    os._exit(1)


def _open(url: str) -> GraphStore:
    """The graph for reading; several queries of one folder take turns.

    Raises:
        StoreBusyError: another process holds the folder all the time.
    """
    deadline = time.monotonic() + TURN_S
    while True:
        try:
            return open_store(url, read_only=True)
        except StoreBusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _lines(rows: tuple[tuple[Any, ...], ...]) -> Iterator[bytes]:
    """Lines of some rows each."""
    for start in range(0, len(rows), 100):
        yield _encoded({"rows": rows[start : start + 100]})


def _encoded(line: dict[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def _limit_memory(most: int) -> None:
    # Not RLIMIT_AS: the Java runtime reserves far more addresses than it uses.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _forget_peak() -> None:
    """Let the peak of the memory begin anew, where the system can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _memory() -> tuple[float, float]:
    """Peak and present memory of this process in MB; where the system does not tell, the peak since its start twice."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        found = dict(line.split(":", 1) for line in lines if ":" in line)
        return tuple(int(found[key].split()[0]) / 1024 for key in ("VmHWM", "VmRSS"))  # type: ignore[return-value]
    except (OSError, KeyError, ValueError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1024)
        return peak, peak


if __name__ == "__main__":
    main()
