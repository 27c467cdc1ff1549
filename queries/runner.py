"""Running one query in a child process: with limits, and ended at once by Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kg.connect import open_store
from kg.errors import UsageError
from kg.neo4j_store import Neo4jStore
from kg.ownership import read_ownership
from queries.limits import Limits
from queries.process import WorkerProcess
from queries.request import Request
from queries.results import Result
from queries.snapshots import one_snapshot

RESULT_MB = 256
"""Size of a result, as JSON, after which the query is ended."""


def run(url: str | Path, request: Request, timeout_s: float = 30.0, limits: Limits | None = None) -> Result:
    """Answer a request in a child process.

    Args:
        url: graph folder, or ``bolt://`` or ``neo4j://`` address.
        request: what to ask.
        timeout_s: seconds the query may take, counted from when the graph is open.
        limits: memory and size of the result; the rest of it is not looked at.

    Raises:
        QueryRefusedError: free Cypher that does not only read; nothing was started.
        UsageError: no such named query or parameter, or a value that does not fit, or names nothing in the graph.
        QueryTimeoutError: the query took too long and was ended.
        StoreError: there is no such graph, it is busy, or it refused or failed.
        LesionKGError: the result is too large, or the memory ran out.
    """
    request.check()
    if not timeout_s > 0:
        raise UsageError(f"query: a time limit of {timeout_s} s is none; give a positive number of seconds")
    with (
        _readable(url, request) as (address, snapshot),
        WorkerProcess(limits or Limits(result_mb=RESULT_MB), " with --timeout") as worker,
    ):
        worker.open(address, snapshot)
        return worker.ask(request, timeout_s)


@contextmanager
def _readable(url: str | Path, request: Request) -> Iterator[tuple[str, bool]]:
    """What the child opens: the graph, or, when a server owns it, for free Cypher a copy that nobody else needs."""
    if "://" in str(url):
        yield str(url), False
        return
    folder = Path(url).absolute()
    owner = read_ownership(folder)
    if request.cypher and owner is not None and owner.bolt:
        with open_store(folder, read_only=True) as store:
            if isinstance(store, Neo4jStore):
                with one_snapshot(store) as copy:
                    yield str(copy), True
                return
    yield str(folder), False
