"""What was computed from a graph, kept until the graph changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from kg.schema import READ_WRITES, SCHEMA_ID
from kg.store import GraphStore

T = TypeVar("T")


class Kept:
    """Values by key, each with the count of writes that the graph had before it was computed; threads may share it.

    Args:
        store: the graph.
        most: how many values are kept; the oldest goes first.
    """

    def __init__(self, store: GraphStore, most: int = 16) -> None:
        self.store = store
        self._most = most
        self._values: dict[Hashable, tuple[int, Any]] = {}
        self._locks: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def get(self, key: Hashable, work: Callable[[], T]) -> T:
        """The value of a key, computed when it is not known or the graph changed; others wait and share it."""
        with self._lock:
            lock = self._locks.setdefault(key, Lock())
        with lock:
            writes = self.writes()
            known = self._values.get(key)
            if known is not None and known[0] == writes:
                found: T = known[1]
                return found
            found = work()
            with self._lock:
                self._values.pop(key, None)
                self._values[key] = (writes, found)
                while len(self._values) > self._most:
                    self._values.pop(next(iter(self._values)))
            return found

    def writes(self) -> int:
        """How many write transactions the graph saw."""
        return int(self.store.read(READ_WRITES, {"id": SCHEMA_ID})[0]["writes"])

    def through(self, write: Callable[[], T]) -> T:
        """Run a write that none of the kept values depends on; they stay unless another writer came between."""
        before = self.writes()
        done = write()
        after = self.writes()
        if after == before + 1:
            with self._lock:
                for key, (writes, value) in self._values.items():
                    if writes == before:
                        self._values[key] = (after, value)
        return done
