"""Kill -9 in the middle of a write, at chosen points, and see what the graph holds afterwards.

A test gives a script that opens the graph folder named by ``sys.argv[1]``, prints ``ready`` just before the
transaction, and ``done`` after it; it may import the modules of this folder::

    killed = kill(script, folder, str(generation), after=0.2)

``kill_points`` measures the write once and spreads the points over it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from kg.embedded import open_folder
from kg.integrity import edge_counts


def kill(script: str, folder: Path, *arguments: str, after: float | None) -> float | None:
    """Run a script on a graph folder and kill it ``after`` seconds from its ``ready``; ``None`` lets it finish.

    Returns:
        The seconds from ``ready`` to ``done``; ``None`` when it was killed before it was done.
    """
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready", "the script failed before it wrote"
        began = time.monotonic()
        if after is not None:
            time.sleep(after)
            process.kill()
        rest = process.stdout.read()
        took = time.monotonic() - began
    if after is None:
        assert process.returncode == 0, "the script failed"
    return took if "done" in rest else None


def kill_points(seconds: float, count: int, seed: int = 0) -> list[float]:
    """Random moments of a write that takes ``seconds``; every other one in its last quarter, where the commit is."""
    rng = random.Random(seed)
    return [rng.uniform(0.75 if i % 2 else 0.0, 1.05) * seconds for i in range(count)]


def broken_relationships(folder: Path) -> list[str]:
    """Relationship types whose in- and outgoing counts differ."""
    with open_folder(folder) as store:
        return [count.kind for count in edge_counts(store) if not count.agrees]
