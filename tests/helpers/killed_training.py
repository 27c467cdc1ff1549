"""Train a tiny network on made patches, killing the process at chosen moments; run as a script.

    python killed_training.py FOLDER RECIPE MOMENT...

A moment is ``step:7`` (after the seventh step of the whole training), ``write:2`` (when that attempt flushes to disk
for the second time: odd ones come before a checkpoint is renamed to its place, even ones after) or ``done`` (let it
finish). Each moment is an attempt in a process of its own, which continues what the one before left.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from made_patches import TINY, made_cache, made_cohort, made_matrices, made_ontology

from ingest.images.patch_cache import PatchCache
from learn.image.contralateral import Laterality
from learn.image.execution import Execution
from learn.image.recipe import Augmentation, ImageRecipe, Optimiser, Precision, Schedule
from learn.image.train import train_images
from learn.recipe import Rhem

RECIPES: dict[str, ImageRecipe] = {
    "paper": TINY,
    "modern": replace(
        TINY,
        optimiser=Optimiser.ADAMW,
        learning_rate=1e-3,
        schedule=Schedule.COSINE,
        average=0.99,
        augmentation=Augmentation.LATERAL,
        rhem=Rhem.EXPECTED,
        precision=Precision.BFLOAT16,
    ),
}
EXECUTION = Execution(device="cpu", workers=1, checkpoint_steps=3, log_steps=2)


def train(folder: Path, recipe: ImageRecipe, progress: Callable[[int, int], None] | None = None) -> None:
    """One attempt."""
    torch.set_num_threads(1)
    matrices = made_matrices()
    cohort = made_cohort(matrices)
    sides = Laterality.from_ontology(made_ontology(), "made-8")
    cache = PatchCache.open(folder.parent / "cache")
    train_images(cohort, matrices, cache, recipe, folder, EXECUTION, sides, progress)


def attempt(folder: Path, recipe: ImageRecipe, moment: str) -> None:
    """One attempt that kills its own process at the moment; it returns from ``done`` alone."""
    what, _, number = moment.partition(":")

    def at_step(done: int, _: int) -> None:
        if what == "step" and done == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    if what == "write":
        left, sync = [int(number)], os.fsync

        def at_write(handle: int) -> None:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            sync(handle)

        os.fsync = at_write
    train(folder, recipe, at_step)


def main() -> None:
    """All attempts in turn."""
    folder, recipe = Path(sys.argv[1]), RECIPES[sys.argv[2]]
    if not (folder.parent / "cache").is_dir():
        made_cache(folder.parent / "cache", made_cohort(made_matrices()))
    for moment in sys.argv[3:]:
        child = os.fork()
        if child == 0:
            attempt(folder, recipe, moment)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        expected = 0 if moment == "done" else signal.SIGKILL
        if status != expected:
            raise SystemExit(f"{moment}: ended with {status}, expected {int(expected)}")


if __name__ == "__main__":
    main()
