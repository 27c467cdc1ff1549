"""Who cuts patches: this process, a pool of processes, or a Dask cluster; the same tasks, the same results."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any, Generic, Protocol, TypeVar

from ingest.cluster import dask_client
from kg.errors import LesionKGError, UsageError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Answer(Protocol[T_co]):
    """What will hold the result of a task."""

    def result(self) -> T_co:
        """Wait for the result.

        Raises:
            LesionKGError: the process, or the cluster, that worked on it died.
        """
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


@dataclass(frozen=True)
class _Local(Generic[T]):
    future: Future[T]

    def result(self) -> T:
        try:
            return self.future.result()
        except BrokenProcessPool:
            raise _DIED from None


_DIED = LesionKGError(
    "patch cache: a worker process died, perhaps for lack of memory; run again with fewer --workers, finished patches "
    "are kept"
)


class _Pool(Generic[T]):
    def __init__(self, work: Callable[..., T], executor: ProcessPoolExecutor, workers: int) -> None:
        self.ahead = 2 * workers
        self._work, self._executor = work, executor

    def submit(self, *task: Any) -> Answer[T]:
        try:
            return _Local(self._executor.submit(self._work, *task))
        except BrokenProcessPool:
            raise _DIED from None


@contextmanager
def _pool(work: Callable[..., T], workers: int) -> Iterator[Crew[T]]:
    # Spawned, never forked: a fork beside the graph engine's virtual machine hangs.
    executor = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _prepare)
    try:
        yield _Pool(work, executor, workers)
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()


def _prepare() -> None:
    """Runs once in each new worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which ends its workers
    threading.Thread(target=_end_with_the_main_process, daemon=True).start()


def _end_with_the_main_process() -> None:
    # A worker waits for tasks for ever when the main process is killed: it holds both ends of the queue.
    main = multiprocessing.parent_process()
    if main is not None:
        wait([main.sentinel])
        os._exit(1)


@dataclass(frozen=True)
class _Remote(Generic[T]):
    future: Any

    def result(self) -> T:
        try:
            value: T = self.future.result()
        except Exception as error:
            raise LesionKGError(
                f"patch cache: the Dask cluster gave no result ({type(error).__name__}); see that its workers run and "
                "have lesionkg installed, and run again: finished patches are kept"
            ) from error
        return value


class _Cluster(Generic[T]):
    def __init__(self, work: Callable[..., T], client: Any) -> None:
        self.ahead = 2 * max(1, sum(client.nthreads().values()))
        self._work, self._client = work, client

    def submit(self, *task: Any) -> Answer[T]:
        return _Remote(self._client.submit(self._work, *task, pure=False))


@contextmanager
def _cluster(work: Callable[..., T], address: str) -> Iterator[Crew[T]]:
    with dask_client(address) as client:
        yield _Cluster(work, client)
