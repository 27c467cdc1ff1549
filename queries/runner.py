"""Running a query in a child process: with a time limit, and ended at once by Ctrl-C.

A query inside the graph engine does not notice signals, so it never runs in the process that a person talks to. The
child (:mod:`queries.worker`) opens the graph for reading only; ending it, even by force, loses nothing.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from kg import errors
from kg.errors import LesionKGError, QueryTimeoutError, UsageError
from kg.jvm import OPTIONS
from queries.request import Request
from queries.results import Result

QUICK_START = "-XX:TieredStopAtLevel=1"
"""Option of the child's Java runtime: compile once and quickly. A process that answers one question spends most of its
time compiling otherwise; with it the named queries take three fifths of the processor time."""

OPENING_S = 60.0
"""Longest wait for the child to open the graph."""

MOST_BYTES = 256 << 20
"""Bytes of a result, as JSON, after which the query is ended."""


def run(url: str | Path, request: Request, timeout_s: float = 30.0) -> Result:
    """Answer a request in a child process.

    Args:
        url: graph folder, or ``bolt://`` or ``neo4j://`` address.
        request: what to ask.
        timeout_s: seconds the query may take, counted from when the graph is open.

    Raises:
        QueryRefusedError: free Cypher that does not only read; nothing was started.
        UsageError: no such named query or parameter, or a value that does not fit, or names nothing in the graph.
        QueryTimeoutError: the query took too long and was ended.
        StoreError: there is no such graph, it is busy, or it refused or failed.
        LesionKGError: the result is too large, or the child broke down.
    """
    request.check()
    if not timeout_s > 0:
        raise UsageError(f"query: a time limit of {timeout_s} s is none; give a positive number of seconds")
    address = str(url) if "://" in str(url) else str(Path(url).absolute())
    order = {"url": address, "request": asdict(request)}
    with _child(order) as lines:
        _expect(lines.next_line(OPENING_S, "the graph did not open"), "opened")
        deadline = time.monotonic() + timeout_s
        return _collect(lines, deadline, timeout_s)


def _collect(lines: _Lines, deadline: float, timeout_s: float) -> Result:
    head = _expect(lines.next_line(deadline - time.monotonic(), f"ended after {timeout_s:g} s"), "columns")
    rows: list[tuple[Any, ...]] = []
    while True:
        line = lines.next_line(deadline - time.monotonic(), f"ended after {timeout_s:g} s")
        if "row" in line:
            rows.append(tuple(line["row"]))
            continue
        end = _expect(line, "end")
        return Result(tuple(head["columns"]), tuple(rows), end["truncated"], tuple(head["notes"]), end["seconds"])


def _expect(line: dict[str, Any], key: str) -> dict[str, Any]:
    """The line, unless it tells of an error.

    Raises:
        LesionKGError: the error that the child met, of the same class.
    """
    if key in line:
        return line
    kind = getattr(errors, str(line.get("error")), LesionKGError)
    raise kind(line.get("message", "query: its process sent something unexpected; report this with the query"))


class _Lines:
    """The JSON lines of a child, read by a thread so that waiting for them can end."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: IO[bytes]) -> None:
        self._process = process
        self._queue: queue.Queue[bytes] = queue.Queue(maxsize=1000)
        self._bytes = 0
        threading.Thread(target=self._read, args=(pipe,), daemon=True).start()

    def _read(self, pipe: IO[bytes]) -> None:
        for line in pipe:
            self._queue.put(line)
        self._queue.put(b"")

    def next_line(self, wait_s: float, late: str) -> dict[str, Any]:
        """The next line.

        Raises:
            QueryTimeoutError: it did not come in time.
            LesionKGError: the child ended before, or the result is too large.
        """
        try:
            line = self._queue.get(timeout=max(wait_s, 0.001))
        except queue.Empty:
            raise QueryTimeoutError(f"query: {late}; ask for less, or give more time with --timeout") from None
        self._bytes += len(line)
        if self._bytes > MOST_BYTES:
            raise LesionKGError(
                f"query: the result is larger than {MOST_BYTES >> 20} MB; ask for fewer rows or columns"
            )
        if not line:
            code = self._process.wait()
            raise LesionKGError(
                f"query: its process ended with code {code}, perhaps for lack of memory; ask for fewer rows"
            )
        decoded: dict[str, Any] = json.loads(line)
        return decoded


@contextmanager
def _child(order: dict[str, Any]) -> Iterator[_Lines]:
    """Start the child with its order; whatever happens, nothing of it is left afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "queries.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a Java runtime out of memory prints pages
        cwd=tempfile.gettempdir(),  # and leaves files where it runs
        env={**os.environ, OPTIONS: f"{QUICK_START} {os.environ.get(OPTIONS, '')}"},
        start_new_session=True,  # Ctrl-C reaches this process only, and ending the group ends all of the child's
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        # A child that broke down at once takes no order; that its answer ends is then what the caller is told.
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
        yield _Lines(process, process.stdout)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with suppress(BrokenPipeError):
            process.stdin.close()
