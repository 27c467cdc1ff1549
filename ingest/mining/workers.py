"""Who mines: this process, a pool of processes, or a Dask cluster; the same tasks, the same results in the same order.

Processes are spawned, never forked: a fork beside the graph engine's virtual machine hangs. Each builds its matcher and
relevance model once. A report that fails takes nothing else down: it comes back as a problem under its id.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ingest.cluster import dask_client
from ingest.mining.matcher import Matcher
from ingest.mining.mention import RelevanceModel
from ingest.mining.mine_report import MinedReport, mine_report
from ingest.reports.report import Report, ReportProblem
from kg.errors import LesionKGError, UsageError

T = TypeVar("T")
Mined = MinedReport | ReportProblem


@dataclass(frozen=True)
class Miner:
    """All that mining a report needs; it travels to each worker once.

    Attributes:
        matcher: finds the labels.
        relevance: judges them.
    """

    matcher: Matcher
    relevance: RelevanceModel

    def mine(self, reports: Sequence[Report]) -> list[Mined]:
        """Mine reports, one by one."""
        return [self._mine(report) for report in reports]

    def _mine(self, report: Report) -> Mined:
        try:
            mined = mine_report(report, self.matcher, self.relevance)
        except Exception as error:  # noqa: BLE001 - whatever is wrong: its message may hold text, and the batch goes on
            return ReportProblem(report.id, f"could not be mined ({type(error).__name__}); please report this")
        for problem in mined.problems:
            if problem.left_out:
                return problem
        return mined


class Answer(Protocol):
    """What will hold the result of a task."""

    def result(self) -> list[Mined]:
        """Wait for the result."""
        ...


class Crew(Protocol):
    """Runs tasks."""

    ahead: int
    """Tasks to hand out before the first result is taken."""

    def submit(self, reports: Sequence[Report]) -> Answer:
        """Hand out one task."""
        ...


def crew(miner: Miner, workers: int = 1, dask: str = "") -> AbstractContextManager[Crew]:
    """Get workers for the time of a ``with`` block.

    Args:
        miner: what each of them needs.
        workers: number of processes; 1 mines in this one.
        dask: address of a Dask scheduler, which then decides how many work.

    Raises:
        UsageError: fewer than one worker, Dask is not installed, or no scheduler answers.
    """
    if dask:
        return _dask(miner, dask)
    if workers < 1:
        raise UsageError(f"workers {workers}: at least one is needed")
    return _alone(miner) if workers == 1 else _pool(miner, workers)


def in_order(
    workers: Crew, tasks: Iterable[T], reports_of: Callable[[T], Sequence[Report]]
) -> Iterator[tuple[T, list[Mined]]]:
    """Hand out tasks as they come and yield each with its result, in the same order.

    At most ``workers.ahead`` tasks are under way, so that memory does not grow with their number.

    Raises:
        LesionKGError: a worker process died.
    """
    under_way: deque[tuple[T, Answer]] = deque()
    for task in tasks:
        under_way.append((task, workers.submit(reports_of(task))))
        if len(under_way) >= workers.ahead:
            task, answer = under_way.popleft()
            yield task, _result(answer)
    while under_way:
        task, answer = under_way.popleft()
        yield task, _result(answer)


def _result(answer: Answer) -> list[Mined]:
    try:
        return answer.result()
    except BrokenProcessPool:
        raise LesionKGError(
            "mining: a worker process died, perhaps for lack of memory; run again with fewer --workers, what was "
            "stored is kept"
        ) from None


class _Alone:
    ahead = 1

    def __init__(self, miner: Miner) -> None:
        self._miner = miner

    def submit(self, reports: Sequence[Report]) -> Answer:
        done: Future[list[Mined]] = Future()
        done.set_result(self._miner.mine(reports))
        return done


@contextmanager
def _alone(miner: Miner) -> Iterator[Crew]:
    yield _Alone(miner)


class _Pool:
    def __init__(self, executor: ProcessPoolExecutor, workers: int) -> None:
        self.ahead = 2 * workers
        self._executor = executor

    def submit(self, reports: Sequence[Report]) -> Answer:
        return self._executor.submit(_mine, reports)


_of_this_process: list[Miner] = []


def _prepare(miner: Miner) -> None:
    """Runs once in each new worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which ends its workers
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    _of_this_process.append(miner)


def _mine(reports: Sequence[Report]) -> list[Mined]:
    return _of_this_process[0].mine(reports)


@contextmanager
def _pool(miner: Miner, workers: int) -> Iterator[Crew]:
    before = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _prepare, (miner,))
    try:
        yield _Pool(executor, workers)
    except BaseException:
        # Not waited for: one of them may be busy with a very long report.
        executor.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        raise
    executor.shutdown()


class _Cluster:
    def __init__(self, client: Any, miner: Any, threads: int) -> None:
        self.ahead = 2 * max(1, threads)
        self._client = client
        self._miner = miner

    def submit(self, reports: Sequence[Report]) -> Answer:
        answer: Answer = self._client.submit(Miner.mine, self._miner, reports, pure=False)
        return answer


@contextmanager
def _dask(miner: Miner, address: str) -> Iterator[Crew]:
    with dask_client(address) as client:
        there = client.scatter(miner, broadcast=True, hash=False)
        yield _Cluster(client, there, sum(client.nthreads().values()))
