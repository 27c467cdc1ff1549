"""A few threads that live as long as their owner, and a bounded line of work before them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from kg.errors import QueryBusyError

T = TypeVar("T")


class Job(Future[T], Generic[T]):
    """Work in the line or under way.

    Attributes:
        started: when it began, by :func:`time.monotonic`; None while it waits.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__()
        self._work = work
        self.started: float | None = None

    def run(self) -> None:
        """Do the work, unless it was cancelled."""
        if not self.set_running_or_notify_cancel():
            return
        self.started = time.monotonic()
        try:
            self.set_result(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for
            self.set_exception(error)


class Threads:
    """Does work in the order in which it comes, a few at the same time.

    The threads stay: the graph engine's virtual machine remembers for ever each thread that ever called it. They end
    with the process without being waited for, so that work without end cannot keep the process alive.

    Args:
        name: of the threads.
        most: how many.
        waiting: how much work may wait for a thread.
    """

    def __init__(self, name: str, most: int, waiting: int) -> None:
        self._name = name
        self._most = most
        self._waiting = waiting
        self._line: deque[Job[object]] = deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._running = 0
        self._closed = False

    def submit(self, work: Callable[[], T]) -> Job[T]:
        """Put work at the end of the line.

        Raises:
            QueryBusyError: too much waits already, or the threads were closed.
        """
        job = Job(work)
        with self._changed:
            others = len(self._line) + self._running
            if self._closed or others >= self._most + self._waiting:
                raise QueryBusyError(f"query: {max(others - self._most, 0)} others wait already; ask again in a minute")
            self._line.append(job)  # type: ignore[arg-type]  # whatever it gives goes to who holds the job
            if others >= self._threads and self._threads < self._most:
                self._threads += 1
                threading.Thread(target=self._serve, name=self._name, daemon=True).start()
            self._changed.notify()
        return job

    def close(self) -> None:
        """Cancel what waits, and let the threads end."""
        with self._changed:
            self._closed = True
            for job in self._line:
                job.cancel()
            self._line.clear()
            self._changed.notify_all()

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._line and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                job = self._line.popleft()
                self._running += 1
            job.run()
            with self._changed:
                self._running -= 1
