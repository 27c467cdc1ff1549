"""Where a training step on patches spends its time: shares of fetching, input, forward, losses, backward, optimiser.

Patches and label sets are drawn (synthetic), the network is LesaNet at full width. Shares are within one run on one
thread; what is fetched is fetched in that thread here, while training fetches ahead in others. Beside it: a patch from
the memory map against what the same thread could compute.

Usage: ``OMP_NUM_THREADS=1 python benchmarks/step.py [--batch 16] [--steps 2] [--recipe paper|modern]``
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import torch
from gpu import drawn_cache, drawn_cohort, drawn_relations, trainer_of
from torch import nn

from learn.head import Outputs
from learn.image.augment import Draws, augment
from learn.image.execution import Execution
from learn.image.inputs import as_input
from learn.image.optimisation import set_rate
from learn.image.recipe import Augmentation, ImageRecipe, Precision


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--recipe", default="paper")
    options = parser.parse_args()
    torch.set_num_threads(1)
    # Float32, as CPUs have it: bfloat16 there is emulated.
    recipe = replace(ImageRecipe.named(options.recipe), batch=options.batch, width=options.width)
    recipe = replace(recipe, precision=Precision.FLOAT32)
    matrices = drawn_relations()
    cohort = drawn_cohort(matrices, options.batch * (options.steps + 1))
    spent: dict[str, float] = defaultdict(float)

    def lap(name: str) -> None:
        nonlocal began
        now = time.perf_counter()
        spent[name] += now - began
        began = time.perf_counter()

    with tempfile.TemporaryDirectory() as folder:
        cache = drawn_cache(Path(folder), cohort)
        trainer = trainer_of(cohort, matrices, cache, recipe, Execution(device="cpu", workers=0))
        trainer.network.train()
        batches = trainer.batches.epoch(0)
        trainer.step(next(batches), None, 0, 0)
        draws = Draws.of_epoch(cohort.size, recipe.seed, 0) if recipe.augmentation is Augmentation.LATERAL else None
        for step in range(options.steps):
            began = time.perf_counter()
            batch = next(batches)
            lap("fetch patches from the memory map")
            truth = trainer.examples.truth(batch.rows)
            triplets = trainer.objective.draw_triplets(truth.positive, 0, step, 0)
            lap("labels and triplets")
            patches, boxes = as_input(batch.pixels), batch.boxes
            if draws is not None:
                rows = torch.from_numpy(batch.rows)
                patches, boxes = augment(patches, boxes, draws.take(rows, torch.from_numpy(trainer.examples.may_flip)))
            lap("input and augmentation")
            out: Outputs = trainer.network(patches, boxes)
            lap("forward")
            losses = trainer.objective(out, truth, triplets, 0, step, 0)
            loss = torch.stack(list(losses)).sum()
            lap("losses")
            trainer.optimiser.zero_grad()
            loss.backward()
            lap("backward")
            set_rate(trainer.optimiser, recipe.learning_rate)
            nn.utils.clip_grad_norm_(trainer.network.parameters(), recipe.clip)
            trainer.optimiser.step()
            if trainer.average is not None:
                trainer.average.update(step)
            lap("clipping, optimiser, average")
    total = sum(spent.values())
    print(f"recipe {options.recipe}, width {options.width:g}, batch {options.batch}, {options.steps} steps, one thread")
    for name, seconds in spent.items():
        print(f"{name:36} {seconds / total:8.2%} of a step")
    print(f"{'a step':36} {total / options.steps:8.2f} s")


if __name__ == "__main__":
    main()
