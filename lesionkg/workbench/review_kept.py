"""What the pages read from the graph and keep until it changes, one for each workplace."""

from __future__ import annotations

from threading import Lock
from weakref import WeakKeyDictionary

from lesionkg.server.workplace import Workplace
from lesionkg.workbench.frame import place
from queries.kept import Kept

_known: WeakKeyDictionary[Workplace, Kept] = WeakKeyDictionary()
_lock = Lock()


def kept() -> Kept:
    """What is kept of the workplace that the pages show."""
    with _lock:
        return _known.setdefault(place(), Kept(place().store))
