"""Where a server's queries are answered: named ones at once, free ones in processes that can be killed."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import CancelledError
from dataclasses import replace

from kg.errors import QueryCancelledError, QueryTimeoutError
from kg.store import GraphStore
from queries.limits import Limits
from queries.pool import Pool
from queries.request import Request, answer
from queries.results import Result
from queries.threads import Job, Threads

NAMED_AT_ONCE = 8
"""Named queries that run at the same time; others wait for their turn."""

_TICK_S = 0.05


class Desk:
    """Answers queries; its threads may share it.

    Free Cypher runs in child processes, on a copy of an embedded graph that holds everything that was committed before
    it was asked (:mod:`queries.pool`). Named queries run in this process on the open graph. Both wait in lines of their
    own, so that neither holds up the other.

    Args:
        store: the graph, held open by this process.
        limits: of free queries; their time is also that of named ones.
    """

    def __init__(self, store: GraphStore, limits: Limits) -> None:
        self._store = store
        self.limits = limits
        self._pool = Pool(store, limits)
        self._free = Threads("free query", limits.workers, limits.waiting)
        self._named = Threads("named query", NAMED_AT_ONCE, limits.waiting)

    def ask(self, request: Request, seconds: float | None = None, cancelled: threading.Event | None = None) -> Result:
        """Answer a request; waits until it is done. In coroutines use :meth:`answered`.

        Args:
            request: a named query, or free Cypher; its rows are cut at the limit of this desk.
            seconds: less time than the desk allows; counted from when the query runs.
            cancelled: ends the query, or its waiting, when it is set.

        Raises:
            QueryRefusedError: free Cypher that does not only read; it was not run.
            UsageError: no such named query or parameter, or a value that does not fit, or names nothing in the graph.
            QueryBusyError: too many queries wait already.
            QueryTimeoutError: it took too long and was killed.
            QueryCancelledError: it was cancelled, or the desk was closed.
            LesionKGError: it needed more memory than it may, or the graph failed.
        """
        asked = _Asked(self, request, seconds, cancelled or threading.Event())
        while True:
            try:
                return asked.job.result(_TICK_S)
            except TimeoutError:
                asked.look()
            except CancelledError:
                raise QueryCancelledError("query: cancelled, the server stops") from None

    async def answered(
        self, request: Request, seconds: float | None = None, cancelled: threading.Event | None = None
    ) -> Result:
        """The same without holding a thread: any number of queries may wait while others are served.

        Cancelling the task that awaits this cancels the query.
        """
        ended = cancelled or threading.Event()
        asked = await asyncio.get_running_loop().run_in_executor(None, _Asked, self, request, seconds, ended)
        result = asyncio.wrap_future(asked.job)
        try:
            while not (await asyncio.wait([result], timeout=_TICK_S))[0]:
                asked.look()
            return result.result()
        except CancelledError:
            raise QueryCancelledError("query: cancelled, the server stops") from None
        finally:
            if not result.done():
                ended.set()
                result.cancel()

    def warm(self) -> None:
        """Start a process for free queries in the background, so that the first one need not wait for it."""
        self._pool.warm()

    def close(self) -> None:
        """End what still runs. Closing twice is allowed."""
        self._free.close()
        self._named.close()
        self._pool.close()

    def submit(self, request: Request, seconds: float, cancelled: threading.Event) -> Job[Result]:
        """Put a checked request in its line."""
        if request.name:
            return self._named.submit(lambda: answer(self._store, request))
        return self._free.submit(lambda: self._pool.ask(request, seconds, cancelled))


class _Asked:
    """A request on its way."""

    def __init__(self, desk: Desk, request: Request, seconds: float | None, cancelled: threading.Event) -> None:
        request = replace(request, rows=min(request.rows, desk.limits.rows))
        request.check()
        self._named = request.name
        self._cancelled = cancelled
        self._seconds = min(seconds or desk.limits.seconds, desk.limits.seconds)
        self.job = desk.submit(request, self._seconds, cancelled)

    def look(self) -> None:
        """Whether to wait on.

        Raises:
            QueryCancelledError: it was cancelled.
            QueryTimeoutError: a named query took too long. A free one is ended by who looks after its process.
        """
        if self._cancelled.is_set():
            self.job.cancel()
            raise QueryCancelledError("query: cancelled")
        started = self.job.started
        if self._named and started is not None and time.monotonic() - started > self._seconds:
            raise QueryTimeoutError(f"query {self._named}: ended after {self._seconds:g} s; ask for less")
