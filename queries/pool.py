"""Warm child processes for free queries: started before they are needed, used again as long as they are clean."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass

from kg.embedded import EmbeddedStore
from kg.errors import LesionKGError, QueryCancelledError
from kg.store import GraphStore
from queries.limits import Limits
from queries.process import WorkerProcess
from queries.request import Request
from queries.results import Result
from queries.snapshots import Snapshot, Snapshots
from queries.threads import Job, Threads

_TICK_S = 0.05
_SPARE_S = 0.5
"""Time after which a running query counts as a long one, and another process is started for who comes next."""


@dataclass(eq=False, slots=True)
class _Warm:
    """A process with what it has open."""

    process: WorkerProcess
    snapshot: Snapshot | None


class Pool:
    """Answers free queries in child processes; threads may share it.

    An embedded graph is read from a copy (:mod:`queries.snapshots`): never one that lacks something that was committed
    before the query was asked. A process is used again only when its last query ended by itself.

    Args:
        store: the graph, held open by this process.
        limits: of each query.
    """

    def __init__(self, store: GraphStore, limits: Limits) -> None:
        self._url = store.url
        self._limits = limits
        self._snapshots = Snapshots(store) if isinstance(store, EmbeddedStore) else None
        self._lock = threading.Lock()
        self._ready: deque[Job[_Warm]] = deque()
        self._starts = Threads("query worker starts", limits.workers, limits.workers)
        self._alive: set[WorkerProcess] = set()
        self._closed = threading.Event()

    def ask(self, request: Request, seconds: float, cancelled: threading.Event) -> Result:
        """Answer a checked request; see :meth:`queries.desk.Desk.ask`.

        The caller sees to it that no more run at a time than there may be workers.
        """
        warm = self._take(cancelled)
        spare = threading.Timer(_SPARE_S, self.warm)
        spare.daemon = True
        spare.start()
        try:
            return warm.process.ask(request, seconds, cancelled)
        finally:
            spare.cancel()
            self._put_back(warm)

    def warm(self) -> None:
        """Start a process in the background, unless one waits or there are enough; the next query finds it ready."""
        with self._lock:
            if not self._ready and len(self._alive) < self._limits.workers and not self._closed.is_set():
                self._ready.append(self._starts.submit(self._started))

    def close(self) -> None:
        """End all processes, and the queries in them. Closing twice is allowed."""
        self._closed.set()
        with self._lock:
            ready = [*self._ready]
            self._ready.clear()
            for process in [*self._alive]:
                process.kill()
        self._starts.close()
        for job in ready:
            with suppress(LesionKGError, CancelledError):
                job.result()  # a start that is under way fails by now
        if self._snapshots is not None:
            self._snapshots.close()

    def _take(self, cancelled: threading.Event) -> _Warm:
        """A process with the newest state open."""
        with self._lock:
            job = self._ready.popleft() if self._ready else self._starts.submit(self._started)
        while True:
            try:
                warm = job.result(_TICK_S)
                break
            except TimeoutError:
                if cancelled.is_set():
                    with self._lock:
                        self._ready.append(job)
                    raise QueryCancelledError("query: cancelled") from None
        try:
            self._renew(warm)
        except BaseException:
            self._end(warm)
            raise
        return warm

    def _renew(self, warm: _Warm) -> None:
        """Let a process open the newest copy, unless it has it open."""
        if self._snapshots is None:
            return
        newest = self._snapshots.take()
        if newest is warm.snapshot:
            self._snapshots.give_back(newest)
            return
        older, warm.snapshot = warm.snapshot, newest
        warm.process.open(str(newest.folder), snapshot=True)
        if older is not None:
            self._snapshots.give_back(older)

    def _put_back(self, warm: _Warm) -> None:
        if warm.process.clean and not self._closed.is_set():
            with self._lock:
                self._ready.appendleft(_done(warm))
            return
        self._end(warm)
        self.warm()

    def _started(self) -> _Warm:
        with self._lock:
            if self._closed.is_set():
                raise QueryCancelledError("query: cancelled, the server stops")
            process = WorkerProcess(self._limits)
            self._alive.add(process)
        warm = _Warm(process, None)
        try:
            if self._snapshots is None:
                process.open(self._url, snapshot=False)
            else:
                self._renew(warm)
        except BaseException:
            self._end(warm)
            raise
        return warm

    def _end(self, warm: _Warm) -> None:
        warm.process.kill()
        with self._lock:
            self._alive.discard(warm.process)
        if self._snapshots is not None and warm.snapshot is not None:
            self._snapshots.give_back(warm.snapshot)
            warm.snapshot = None


def _done(warm: _Warm) -> Job[_Warm]:
    """A start that is over."""
    job = Job(lambda: warm)
    job.run()
    return job
