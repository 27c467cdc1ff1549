"""The index of lesions that the pages share; one for each served graph."""

from __future__ import annotations

from threading import Lock

from lesionkg.server.workplace import Workplace
from queries.lesion_index import LesionIndex

_known: dict[int, LesionIndex] = {}
_lock = Lock()


def index(workplace: Workplace) -> LesionIndex:
    """The index of a workplace's graph."""
    with _lock:
        found = _known.get(id(workplace.store))
        if found is None or found.store is not workplace.store:
            _known.clear()
            found = _known[id(workplace.store)] = LesionIndex(workplace.store)
        return found
