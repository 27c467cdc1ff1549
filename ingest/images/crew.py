"""Who cuts patches: this process, a pool of processes, or a Dask cluster; the same tasks, the same results."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from ingest.cluster import dask_client
from kg.errors import LesionKGError, UsageError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Answer(Protocol[T_co]):
    """What will hold the result of a task."""

    def result(self) -> T_co:
        """Wait for the result."""
        ...


class Crew(Protocol[T_co]):
    """Runs tasks."""

    ahead: int
    """Tasks to hand out before the first result is taken."""

    def submit(self, *task: Any) -> Answer[T_co]:
        """Hand out one task."""
        ...


def crew(work: Callable[..., T], workers: int = 1, dask: str = "") -> AbstractContextManager[Crew[T]]:
    """Get workers for the time of a ``with`` block.

    Args:
        work: does one task; a function of a module, so that other processes find it.
        workers: number of processes; 1 works in this one.
        dask: address of a Dask scheduler, which then decides how many work.

    Raises:
        UsageError: fewer than one worker, Dask is not installed, or no scheduler answers.
    """
    if dask:
        return _cluster(work, dask)
    if workers < 1:
        raise UsageError(f"workers {workers}: at least one is needed")
    return nullcontext(_Alone(work)) if workers == 1 else _pool(work, workers)


def result(answer: Answer[T]) -> T:
    """The result of a task.

    Raises:
        LesionKGError: the process that worked on it died.
    """
    try:
        return answer.result()
    except BrokenProcessPool:
        raise LesionKGError(
            "patch cache: a worker process died, perhaps for lack of memory; run again with fewer --workers, finished "
            "patches are kept"
        ) from None


@dataclass(frozen=True)
class _Done(Generic[T]):
    value: T

    def result(self) -> T:
        return self.value


class _Alone(Generic[T]):
    ahead = 1

    def __init__(self, work: Callable[..., T]) -> None:
        self._work = work

    def submit(self, *task: Any) -> _Done[T]:
        return _Done(self._work(*task))


class _Shared(Generic[T]):
    def __init__(self, work: Callable[..., T], executor: Any, workers: int) -> None:
        self.ahead = 2 * max(1, workers)
        self._work, self._executor = work, executor

    def submit(self, *task: Any) -> Answer[T]:
        answer: Answer[T] = self._executor.submit(self._work, *task)
        return answer


@contextmanager
def _pool(work: Callable[..., T], workers: int) -> Iterator[Crew[T]]:
    # Spawned, never forked: a fork beside the graph engine's virtual machine hangs.
    executor = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _ignore_interrupts)
    try:
        yield _Shared(work, executor, workers)
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which ends its workers


@contextmanager
def _cluster(work: Callable[..., T], address: str) -> Iterator[Crew[T]]:
    with dask_client(address) as client:
        yield _Shared(work, client, sum(client.nthreads().values()))
