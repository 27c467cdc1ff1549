"""Reading what the pages show first, in the background, so that who opens a page need not wait for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn

from kg.errors import LesionKGError
from lesionkg.server.workplace import Workplace
from lesionkg.workbench.lesion_index import index
from lesionkg.workbench.query_desk import read_schema_once
from lesionkg.workbench.review_kept import kept
from queries.choices import read_choices
from queries.conflict_data import cohorts, conflicts_of_labels
from queries.overview_view import contents, contradictory, never_ruled_out, newest_cohort, soundness
from queries.review_board import gather

_NICE = 10
_TICK_S = 0.1
_ENDING_S = 1.0


@contextmanager
def warmed(place: Workplace, server: uvicorn.Server) -> Iterator[None]:
    """Read in one thread of low priority, from when the server is up until the block ends.

    Args:
        place: what is served; its pages must be loaded.
        server: is waited for, so that it answers first.
    """
    stopping = threading.Event()
    thread = threading.Thread(target=_warm, args=(place, server, stopping), name="warming", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(_ENDING_S)


def reads(place: Workplace) -> tuple[Callable[[], object], ...]:
    """What is read, in the order in which people get to it; each is kept until the graph changes."""

    def conflicts() -> None:
        conflicts_of_labels(kept(), cohorts(kept())[0])

    def clashing() -> None:
        cohort = newest_cohort(place.store)
        if cohort is not None:
            never_ruled_out(kept(), cohort)
            contradictory(kept(), cohort)

    return (
        lambda: contents(kept()),
        lambda: soundness(kept()),
        lambda: gather(kept()),
        clashing,
        conflicts,
        lambda: index(place).warm(),
        lambda: kept().get("choices", lambda: read_choices(place.store)),
        read_schema_once,
        place.desk.warm,
    )


def _warm(place: Workplace, server: uvicorn.Server, stopping: threading.Event) -> None:
    while not server.started:
        if stopping.wait(_TICK_S):
            return
    if hasattr(os, "setpriority"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
    for read in reads(place):
        if stopping.is_set() or server.should_exit:
            return
        with suppress(LesionKGError):  # the page that shows it says why
            read()
