"""A child process that answers queries, seen from its parent: started, asked, and ended, if need be by force.

A query inside the graph engine notices neither signals nor that nobody waits for it any more. So it runs in a process
of its own (:mod:`queries.worker`), which only reads: ending it loses nothing.
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
from contextlib import suppress
from dataclasses import asdict
from types import TracebackType
from typing import IO, Any, Self

from kg import errors
from kg.connect import PASSWORD, USER
from kg.errors import LesionKGError, QueryCancelledError, QueryTimeoutError, UsageError
from kg.jvm import OPTIONS
from queries.limits import Limits
from queries.request import Request
from queries.results import Result

READER_USER, READER_PASSWORD = "LESIONKG_NEO4J_READER_USER", "LESIONKG_NEO4J_READER_PASSWORD"
"""Environment variables with an account of a Bolt server that may only read: free queries use it when it is set."""

OPENING_S = 60.0
"""Longest wait for the child to open the graph."""

ENDING_S = 5.0
"""Longest wait for an idle child to end by itself."""

LARGEST_ORDER = 8 << 20
"""Bytes of a query with its parameters above which it is refused."""

_TICK_S = 0.05
_OUT_OF_MEMORY = 3
"""Exit code of a Java runtime that ran out of heap."""


class WorkerProcess:
    """One child. Not to be shared by threads.

    Attributes:
        clean: whether it may be asked again: its last query ended by itself, and left little memory behind.
    """

    def __init__(self, limits: Limits, more_time: str = "") -> None:
        """Start it; nothing is open yet.

        Args:
            limits: memory and size of a result.
            more_time: where the user gives a query more time, for the message when it takes too long.
        """
        self._limits = limits
        self._more_time = more_time
        self.clean = True
        # No performance data on the disk, no pages of text when the memory ends, and only half of it for Java objects:
        # the rest is for the rows in Python and for the runtime itself.
        java = (
            f"-XX:TieredStopAtLevel=1 {os.environ.get(OPTIONS, '')} -Xmx{limits.memory_mb // 2}m "
            "-XX:-UsePerfData -XX:+ExitOnOutOfMemoryError"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "queries.worker", str(limits.memory_mb), str(limits.result_mb << 20)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a Java runtime out of memory prints pages
            cwd=tempfile.gettempdir(),  # and leaves files where it runs
            env={**os.environ, **_account(), OPTIONS: java},
            start_new_session=True,  # Ctrl-C reaches the parent only, and ending the group ends all of the child's
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._orders: IO[bytes] = self._process.stdin
        self._lines: queue.Queue[bytes] = queue.Queue(maxsize=64)
        self._gone = threading.Event()
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def open(self, address: str, snapshot: bool, cancelled: threading.Event | None = None) -> None:
        """Let it open a graph for reading, in place of the one it has open.

        Args:
            address: graph folder, or ``bolt://`` or ``neo4j://`` address.
            snapshot: the folder is a copy for reading only.
            cancelled: ends the wait when it is set.

        Raises:
            StoreError: there is no such graph, it is busy, or damaged.
            QueryCancelledError: it was cancelled.
        """
        self._order({"open": address, "snapshot": snapshot})
        late = QueryTimeoutError("query: the graph did not open in time; ask again, or look at `lesionkg doctor`")
        self._answer("opened", time.monotonic() + OPENING_S, late, cancelled)

    def ask(self, request: Request, seconds: float, cancelled: threading.Event | None = None) -> Result:
        """Let it answer a request on the open graph; when it does not end in time it is killed.

        Raises:
            UsageError: no such named query or parameter, or a value that does not fit, or names nothing in the graph.
            QueryTimeoutError: it took longer than ``seconds``.
            QueryCancelledError: it was cancelled.
            StoreError: the graph refused or failed.
            LesionKGError: the result is too large, or the memory ran out.
        """
        self._order({"request": asdict(request)})
        self.clean = False
        deadline = time.monotonic() + seconds
        late = QueryTimeoutError(f"query: ended after {seconds:g} s; ask for less, or give more time{self._more_time}")
        try:
            head = self._answer("columns", deadline, late, cancelled)
            rows: list[tuple[Any, ...]] = []
            while "rows" in (line := self._answer("rows", deadline, late, cancelled, "end")):
                rows.extend(tuple(row) for row in line["rows"])
        except (QueryTimeoutError, QueryCancelledError):
            self.kill()
            raise
        self._look_at_memory(line)
        return Result(
            tuple(head["columns"]), tuple(rows), line["truncated"], tuple(head["notes"]), line["seconds"],
            line["peak_mb"],
        )  # fmt: skip

    def kill(self) -> None:
        """End it at once, with all that it started. Killing twice is allowed."""
        self.clean = False
        self._gone.set()
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with suppress(BrokenPipeError):
            self._orders.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _order(self, order: dict[str, Any]) -> None:
        encoded = json.dumps(order).encode() + b"\n"
        if len(encoded) > LARGEST_ORDER:
            raise UsageError(f"query: its parameters take more than {LARGEST_ORDER >> 20} MB; give fewer values")
        # A child that broke down takes no order; that its answers end is then what the caller is told.
        with suppress(BrokenPipeError, ValueError):  # the second when it was killed: the pipe is closed
            self._orders.write(encoded)
            self._orders.flush()

    def _answer(
        self, key: str, deadline: float, late: LesionKGError, cancelled: threading.Event | None, end: str = ""
    ) -> dict[str, Any]:
        """The next line, which has ``key`` or ``end``.

        Raises:
            LesionKGError: ``late``; it was cancelled; the error that the child met; or the child ended.
        """
        while True:
            try:
                line = self._lines.get(timeout=max(min(_TICK_S, deadline - time.monotonic()), 0.001))
                break
            except queue.Empty:
                if self._gone.is_set() or (cancelled is not None and cancelled.is_set()):
                    raise QueryCancelledError("query: cancelled") from None
                if time.monotonic() > deadline:
                    raise late from None
        if not line:
            raise LesionKGError(self._end())
        answer: dict[str, Any] = json.loads(line)
        if key in answer or (end and end in answer):
            return answer
        if "error" not in answer:
            raise LesionKGError("query: its process sent something unexpected; report this with the query")
        self._look_at_memory(answer)
        raise getattr(errors, answer["error"], LesionKGError)(answer["message"])

    def _look_at_memory(self, answer: dict[str, Any]) -> None:
        """A query ended by itself: the process may go on unless it is bloated."""
        self.clean = answer["now_mb"] < self._limits.memory_mb / 2

    def _end(self) -> str:
        """Why the child ended without being told to."""
        self.clean = False
        code = self._process.wait()
        if code == _OUT_OF_MEMORY:
            return f"query: it needed more than its {self._limits.memory_mb} MB and was ended; ask for less"
        return f"query: its process ended with code {code}, perhaps for lack of memory; ask for less"

    def _read(self, pipe: IO[bytes]) -> None:
        # A line is one value or some rows, and the child bounds the whole result; the reader trusts it no further.
        longest = (self._limits.result_mb << 20) + (1 << 20)
        with suppress(OSError, ValueError), pipe:
            while (line := pipe.readline(longest)) and line.endswith(b"\n") and self._put(line):
                pass
        self._put(b"")

    def _put(self, line: bytes) -> bool:
        while not self._gone.is_set():
            try:
                self._lines.put(line, timeout=1)
            except queue.Full:
                continue
            return True
        return False


def _account() -> dict[str, str]:
    """The credentials of the account for reading, where there is one, in the place of the others."""
    user, password = os.environ.get(READER_USER), os.environ.get(READER_PASSWORD)
    return {USER: user, PASSWORD: password} if user and password else {}
