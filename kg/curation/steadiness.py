"""Asking a busy graph again, when what it said may have been half of somebody's commit.

While a commit of another process becomes visible, page by page, a reader can miss the newest revision, and two writers
can make the same next one; the adapters report that as whatever error it led to. Such an error counts only when nobody
wrote meanwhile.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from kg import schema
from kg.errors import LesionKGError
from kg.store import GraphStore, Transaction

T = TypeVar("T")

LONGEST_S = 30.0
"""Longest time of asking again."""

_PAUSE_S = 0.02


def steadily(store: GraphStore, work: Callable[[], T]) -> T:
    """Do ``work``, and again when it failed while others wrote to the graph.

    Raises:
        LesionKGError: ``work`` failed while nobody wrote, or for :data:`LONGEST_S`.
    """
    deadline = time.monotonic() + LONGEST_S
    while True:
        before = _writes(store)
        try:
            return work()
        except LesionKGError:
            time.sleep(random.uniform(_PAUSE_S, 5 * _PAUSE_S))  # a commit that has begun shows by then
            if _writes(store) == before or time.monotonic() > deadline:
                raise


def read_steadily(store: GraphStore, work: Callable[[Transaction], T]) -> T:
    """As :meth:`kg.store.GraphStore.read_transaction`, on a busy graph."""
    return steadily(store, lambda: store.read_transaction(work))


def _writes(store: GraphStore) -> object:
    return store.read(schema.READ_WRITES, {"id": schema.SCHEMA_ID})
