"""The child process that runs a query, so that it can be ended at any moment: ``python -m queries.worker``.

It reads one JSON request from standard input and writes JSON lines to standard output: ``{"opened": true}`` once the
graph is open, then ``{"columns", "notes"}``, one ``{"row"}`` for each row, and ``{"end"}``; or one
``{"error", "message"}``. It ends at once when its standard input closes, that is, when its parent is gone.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from typing import Any, BinaryIO

from kg.connect import open_store
from kg.errors import LesionKGError, StoreBusyError
from kg.store import GraphStore
from queries.request import Request, answer

MEMORY_BYTES = 3 << 30
"""Most memory of the child, the heap of the graph engine (1 GB) included."""

TURN_S = 3.0
"""Longest wait for another query of the same graph folder to end."""


def main() -> None:
    """Serve the one request."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints must not come between the lines
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _limit_memory()
    try:
        with _open(order["url"]) as store:
            _send(output, {"opened": True})
            result = answer(store, Request(**order["request"]))
            _send(output, {"columns": result.columns, "notes": result.notes})
            for row in result.rows:
                _send(output, {"row": row})
            _send(output, {"end": True, "truncated": result.truncated, "seconds": result.seconds})
    except LesionKGError as error:
        _send(output, {"error": type(error).__name__, "message": str(error)})
    except MemoryError:
        _send(
            output, {"error": LesionKGError.__name__, "message": "query: out of memory; ask for fewer or smaller rows"}
        )


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


def _send(output: BinaryIO, line: dict[str, Any]) -> None:
    output.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    output.flush()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _limit_memory() -> None:
    # Not RLIMIT_AS: the Java runtime reserves far more addresses than it uses.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
