"""Training LesaNet on a GPU: images a second at full width with and without compilation, bfloat16 and channels last.

Patches and label sets are drawn (synthetic): speed does not depend on what they show. Every step is a whole one of
``learn.image.trainer``: patches from a memory map through the loader, forward, all losses, backward, clipping, SGD.
Needs PyTorch with CUDA, numpy, scipy, pyarrow and safetensors, nothing else.

Usage: ``python benchmarks/gpu.py [--batch 128] [--steps 40]``; exits with 1 where there is no GPU.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pyarrow as pa
import torch

from ingest.images.geometry import PatchGeometry
from ingest.images.patch_cache import PatchCache, write_cache
from kg import algebra
from kg.cohort import COHORT_SCHEMA, Cohort
from kg.matrices import RelationMatrices
from learn.image.checkpoint import Origin
from learn.image.contralateral import Laterality
from learn.image.distributed import Group
from learn.image.examples import Examples
from learn.image.execution import Execution
from learn.image.meter import Meter
from learn.image.recipe import ImageRecipe, Precision
from learn.image.trainer import Setting, Trainer
from learn.image.validation import Validation

LABELS, TRAINING_LESIONS, EPOCHS = 171, 19_213, 15


def drawn_relations() -> RelationMatrices:
    """171 labels: each of the last 100 has a parent among the first 71; some pairs of the first are exclusive."""
    draw = np.random.default_rng(0)
    below = np.stack([np.arange(71, LABELS), draw.integers(0, 71, 100)], axis=1)
    apart = np.array([(a, b) for a in range(40) for b in range(a) if (a + b) % 3 == 0])
    ancestors = algebra.from_pairs(below, LABELS)
    exclusive = algebra.inherit_exclusive(algebra.from_pairs(apart, LABELS, symmetric=True), ancestors)
    names = tuple(f"label {i}" for i in range(LABELS))
    return RelationMatrices("drawn", names, names, ("bodypart",) * LABELS, ancestors, exclusive)


def drawn_cohort(matrices: RelationMatrices, lesions: int) -> Cohort:
    """Lesions with one to five labels each."""
    draw = np.random.default_rng(1)
    rows = range(lesions)
    columns = {
        "lesion": [f"DRAWN:{row:05d}" for row in rows],
        "index": list(rows),
        "patient": ["p"] * lesions,
        "study": ["p/s"] * lesions,
        "series": ["p/s/1"] * lesions,
        "split": ["train"] * lesions,
        "relevant": [np.unique(draw.integers(0, LABELS, draw.integers(1, 6))).tolist() for _ in rows],
        "uncertain": [[]] * lesions,
        "irrelevant": [[]] * lesions,
    }
    table = pa.table({f.name: columns.get(f.name, [None] * lesions) for f in COHORT_SCHEMA}, schema=COHORT_SCHEMA)
    return Cohort.freeze("drawn", "drawn", matrices.label_ids, matrices.names, 0, "", matrices.matrix_hash, table)


def drawn_cache(folder: Path, cohort: Cohort) -> PatchCache:
    """Noise, with boxes of lesions of 1 to 5 cm."""
    draw = np.random.default_rng(2)
    pixels = draw.integers(8000, 9000, (cohort.size, 3, 120, 120), dtype=np.int16)
    sides = draw.uniform(10, 50, (cohort.size, 2)) / 2
    boxes = np.concatenate([60 - sides, 60 + sides], axis=1)
    return write_cache(folder, PatchGeometry(), cohort.table["lesion"].to_pylist(), pixels, boxes)


def trainer_of(
    cohort: Cohort, matrices: RelationMatrices, cache: PatchCache, recipe: ImageRecipe, execution: Execution
) -> Trainer:
    """A trainer that neither judges nor writes."""
    sides = Laterality.unknown(matrices.label_ids)
    return Trainer(
        Examples.of(cohort, matrices, cache, recipe.labels, sides),
        Validation.of(cohort.filter(np.zeros(cohort.size, bool)), matrices, cache),
        recipe,
        Setting(execution, Group(), cache.folder, Origin(matrices.label_ids, "", "", "", "", {}, 1)),
    )


def measure(trainer: Trainer, steps: int, warm: int) -> tuple[float, float]:
    """Images a second, and the share of time spent waiting for data, over ``steps`` steps after ``warm``."""
    meter = Meter(trainer.device)
    trainer.network.train()
    done = 0
    while done < warm + steps:
        for step, batch in enumerate(meter.timed(trainer.batches.epoch(done))):
            values = trainer.step(batch, None, 0, step)
            done += 1
            if done == warm:
                # Compilation and the choice of kernels do not count.
                meter.add(values, 0)
                meter.flush()
            elif done > warm:
                meter.add(values, len(batch.rows))
            if done == warm + steps:
                break
    told = meter.flush()
    return told["images_per_second"], told["waiting_share"]


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--lesions", type=int, default=2048)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--width", type=float, default=1.0, help="for a trial of this script")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu for a trial of this script")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        print("benchmarks/gpu.py: PyTorch finds no GPU here; run it on a machine that has one")
        return 1
    on_gpu = options.device == "cuda"
    name = torch.cuda.get_device_name() if on_gpu else platform.processor() or platform.machine()
    print(f"{name}; {os.cpu_count()} CPU cores; PyTorch {torch.__version__}; batch {options.batch}, synthetic patches")
    print("| precision | channels last | compiled | images/s | ms/step | waiting for data | peak memory | 15 epochs |")
    print("|---|---|---|---|---|---|---|---|")
    matrices = drawn_relations()
    cohort = drawn_cohort(matrices, options.lesions)
    with tempfile.TemporaryDirectory() as folder:
        cache = drawn_cache(Path(folder), cohort)
        for compiled, precision, last in product((False, True), Precision, (False, True)):
            recipe = replace(ImageRecipe(), batch=options.batch, width=options.width, precision=precision)
            execution = Execution(device=options.device, compile=compiled, channels_last=last, workers=options.workers)
            if on_gpu:
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
            began = time.perf_counter()
            try:
                rate, waiting = measure(
                    trainer_of(cohort, matrices, cache, recipe, execution), options.steps, min(10, options.steps)
                )
            except (RuntimeError, ImportError) as error:
                print(f"| {precision} | {last} | {compiled} | failed: {str(error).splitlines()[0][:80]} |")
                continue
            memory = f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB" if on_gpu else "-"
            minutes = EPOCHS * (TRAINING_LESIONS // options.batch) * options.batch / rate / 60
            print(
                f"| {precision} | {'yes' if last else 'no'} | {'yes' if compiled else 'no'} | {rate:,.0f} | "
                f"{1000 * options.batch / rate:.1f} | {waiting:.1%} | {memory} | {minutes:.1f} min |",
                flush=True,
            )
            print(f"  ({time.perf_counter() - began:.0f} s in all, first steps included)", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
