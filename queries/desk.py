"""Where a server's queries are answered: named ones at once, free ones in processes that can be killed."""

from __future__ import annotations

import threading
from dataclasses import replace

from kg.store import GraphStore
from queries.limits import Limits
from queries.request import Request, answer
from queries.results import Result
from queries.runner import run


class Desk:
    """Answers queries; its threads may share it.

    Args:
        store: the graph, held open by this process.
        limits: of free queries.
    """

    def __init__(self, store: GraphStore, limits: Limits) -> None:
        self._store = store
        self.limits = limits

    def ask(self, request: Request, seconds: float | None = None, cancelled: threading.Event | None = None) -> Result:
        """Answer a request; waits until it is done.

        Args:
            request: a named query, or free Cypher; its rows are cut at the limit of this desk.
            seconds: less time than the desk allows.
            cancelled: ends the query when it is set.

        Raises:
            QueryRefusedError: free Cypher that does not only read; it was not run.
            UsageError: no such named query or parameter, or a value that does not fit, or names nothing in the graph.
            QueryTimeoutError: it took too long and was killed.
            LesionKGError: it needed more memory than it may, or the graph failed.
        """
        request = replace(request, rows=min(request.rows, self.limits.rows))
        if request.name:
            return answer(self._store, request)
        return run(self._store.url, request, min(seconds or self.limits.seconds, self.limits.seconds))

    def close(self) -> None:
        """End what still runs. Closing twice is allowed."""
