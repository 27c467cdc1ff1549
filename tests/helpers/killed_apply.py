"""Apply a proposal and be killed at a named point of it, or by somebody else at any moment.

Use :func:`die`, or run :data:`SCRIPT` by :func:`killing.kill`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kg.connect import open_store
from kg.curation import application, proposal_application
from kg.curation.mirror import follow
from kg.curation.proposal_tables import open_curation_at
from kg.relational import Database

SCRIPT = "import sys; from killed_apply import main; main(*sys.argv[1:])"

POINTS = {
    "noted": (proposal_application, "apply_changes", False),
    "before the commit": (application, "store_revision", True),
    "committed": (proposal_application, "settle", False),
    "settled": (proposal_application, "settle", True),
    "mirror half written": (Database, "fill", True),
}
"""Where to die: before a function is called, or (True) right after it did its work."""


def main(folder: str, address: str, point: str = "") -> None:
    """Apply proposal 1, then let the mirror follow."""
    with open_store(Path(folder)) as store, open_curation_at(address) as database:
        if point:
            where, name, after = POINTS[point]
            setattr(where, name, dying(getattr(where, name), after))
        tell("ready")
        proposal_application.apply(database, store, "1", "ann")
        follow(database, store)
        tell("done")


def tell(word: str) -> None:
    """Say how far it is."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def die(folder: Path, address: str, point: str) -> None:
    """Apply in a process that is killed at a point."""
    command = [sys.executable, "-c", SCRIPT, str(folder), address, point]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "ready\n"), done.stderr


def dying(function: Callable[..., Any], after: bool) -> Callable[..., Any]:
    """The function, at whose call the process is killed."""

    def called(*arguments: Any, **named: Any) -> None:
        if after:
            function(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    return called
