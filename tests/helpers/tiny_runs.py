"""A recipe whose network is too small to be good but trains on the real lesions in a second or two."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from learn.recipe import Recipe
from learn.run import Run

TINY = Recipe(seeds=(0, 1), width=24, depth=1, embedding=8, epochs=5, learning_rate=0.02, triplets=200)


class Trained(NamedTuple):
    """A run, where it lies, and what it told of its progress."""

    run: Run
    folder: Path
    progress: list[tuple[int, int]]
