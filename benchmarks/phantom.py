"""From files to table on a synthetic set: LesaNet in small, and with parts taken out, over several seeds.

Makes a set (``lesionkg phantom make``), builds its patch cache, trains the rows of the ablation with the recipe
``phantom``, and prints macro figures of test lesions twice: against the released lists, from which labels were left out
as reports leave them out, and against the complete labels, which only a synthetic set has. Figures are in the paper's
conventions; ``precision`` counts 1 where a label is never predicted, ``precision, 0`` counts 0 there. Thresholds come
from the released lists of validation lesions in both cases. Nothing here is a patient.

Usage: ``python benchmarks/phantom.py [--lesions 3000] [--seeds 3] [--rows full,no-rhem,...] [--folder DIR]``
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ingest.images.build_cache import build_cache
from ingest.images.geometry import PatchGeometry
from ingest.images.patch_cache import PatchCache
from ingest.images.patch_jobs import deeplesion_jobs
from ingest.phantom.make import HAND_LABELS_FILE, IMAGES, LABEL_SET, make_phantom
from ingest.release import Release
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped
from learn.ablation import Ablation, variants
from learn.decode import threshold_and_expand
from learn.evaluation import decisions
from learn.hand_labels import read_hand_labels
from learn.image.execution import Execution
from learn.image.recipe import ImageRecipe
from learn.judged import Judged
from learn.metrics import Counts, auc, mean
from learn.run import Run
from learn.thresholds import grid_thresholds

GEOMETRY = PatchGeometry(size=64, spacing_mm=1.9)
ROWS = "full,no-rhem,no-propagation,wce,no-expansion"
FIGURES = ("AUC", "precision", "precision, 0", "recall", "recall, rare", "F1", "micro F1")


def measure(run: Run, ablation: Ablation, truth: np.ndarray | None) -> np.ndarray:
    """Figures of a run on test lesions, shape (F,); against the released lists when ``truth`` is None."""
    val, test = (Judged.of_split(run, ablation.cohort, split) for split in ("val", "test"))
    real, used = test.truth, test.used
    if truth is not None:
        real, used = truth[test.table["index"].to_numpy()], np.ones_like(used)
    decided = threshold_and_expand(test.score, grid_thresholds(val.truth, val.score, val.used), run.matrices)
    found = decisions(real, decided, used, run.matrices)
    rare = mean(Counts.of(real, decided, used).recall(), ablation.frequencies.rare)
    area = mean(auc(real, test.score, used))
    return np.array([area, found.precision_one, found.precision_zero, found.recall, rare, found.f1, found.micro_f1])


def complete_truth(folder: Path, matrices: RelationMatrices, lesions: int) -> np.ndarray:
    """Complete labels of the test lesions by lesion index, N x C bool; other rows are empty."""
    hand = read_hand_labels(folder / HAND_LABELS_FILE, matrices.names)
    out = np.zeros((lesions, matrices.size), bool)
    out[list(hand.indices)] = hand.truth
    return out


def show(title: str, figures: dict[str, np.ndarray]) -> None:
    """Print one table: a row for each variant, mean and standard deviation over seeds."""
    print(f"\n{title}\n{'':34s}" + "".join(f"{name:>18s}" for name in FIGURES))
    for name, values in figures.items():
        spread = values.std(0, ddof=1) if len(values) > 1 else np.full(values.shape[1], np.nan)
        print(f"{name:34s}" + "".join(f"{m:>9.4f} ± {s:.4f}" for m, s in zip(values.mean(0), spread, strict=True)))


def main() -> None:
    """Make the set, train every row, print both tables and how long each part took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lesions", type=int, default=3000, help="synthetic lesions")
    parser.add_argument("--seeds", type=int, default=3, help="networks for each row")
    parser.add_argument("--rows", default=ROWS, help="rows of the ablation, separated by commas")
    parser.add_argument("--folder", type=Path, help="keep set, cache and runs here; goes on where it was stopped")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lesionkg-") as temporary:
        folder = options.folder or Path(temporary)
        started = time.perf_counter()
        if not (folder / "set").is_dir():
            print(asdict(make_phantom(folder / "set", options.lesions)))
        made = time.perf_counter()
        matrices = RelationMatrices.from_ontology(load_shipped(), LABEL_SET)
        release = Release.read_phantom(folder / "set")
        cohort = release.cohort(matrices)
        if not (folder / "patches").is_dir():
            build_cache(folder / "patches", deeplesion_jobs(release, folder / "set" / IMAGES).jobs, GEOMETRY)
        cache = PatchCache.open(folder / "patches")
        cached = time.perf_counter()
        print(f"set {made - started:.1f} s, patch cache {cached - made:.1f} s")
        recipe = ImageRecipe.named("phantom")
        ablation = Ablation(cohort, matrices, recipe, folder / "runs", cache, Execution(device="cpu"))
        truth = complete_truth(folder / "set", matrices, cohort.size)
        listed: dict[str, np.ndarray] = {}
        complete: dict[str, np.ndarray] = {}
        for variant in variants(options.rows.split(",")):
            begun = time.perf_counter()
            line = ablation.line(variant, range(options.seeds))
            runs = [Run.read(ablation.runs_folder / run) for run in line.runs]
            listed[variant.name] = np.stack([measure(run, ablation, None) for run in runs])
            complete[variant.name] = np.stack([measure(run, ablation, truth) for run in runs])
            seconds = (time.perf_counter() - begun) / options.seeds
            print(f"{variant.name}: {seconds:.1f} s a network", flush=True)
        show("synthetic test lesions, released lists", listed)
        show("synthetic test lesions, complete labels", complete)
        print(f"\n{time.perf_counter() - started:.0f} s in all; rare: {int(ablation.frequencies.rare.sum())} labels")


if __name__ == "__main__":
    main()
