"""The parts of the model, taken out one at a time: a table in the shape of LesaNet's Table 1, on the real test lesions.

Models on metadata, no pixels; no graph is needed. AUC, precision, recall and F1 are macro averages in the paper's
conventions: mean and standard deviation over single networks, one for each seed. The last column is the AUC of the
networks' mean score. Below the table: what relations add, as a paired difference over the same resampled patients.
``lesionkg ablate`` trains the same rows from a graph, on metadata or on patches.

Usage: ``python benchmarks/ablation.py [--seeds 5] [--quick]``
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from ingest.release import Release
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped
from learn.ablation import MORE_VARIANTS, VARIANTS, Ablation, Line, Variant
from learn.bootstrap import Resampling, interval, macro
from learn.judged import Judged
from learn.metrics import auc, mean
from learn.recipe import Recipe, Rhem
from learn.run import Run

PAPER = Variant(
    "paper",
    "all, the paper's weights in each loss",
    {
        "weight_power": 1.0,
        "rhem": Rhem.SAMPLED,
        "rhem_weight": 1.0,
        "triplet_weight": 5.0,
        "propagation_rate": 1.0,
    },
)


def mean_score(line: Line, ablation: Ablation) -> Judged:
    """The test lesions with the mean score of a row's networks."""
    judged = [Judged.of_split(Run.read(ablation.runs_folder / run), ablation.cohort, "test") for run in line.runs]
    return replace(judged[0], score=np.mean([one.score for one in judged], axis=0))


def main() -> None:
    """Train every row and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="networks for each row")
    parser.add_argument("--quick", action="store_true", help="two seeds and a quarter of the epochs")
    options = parser.parse_args()
    recipe, seeds = Recipe(), tuple(range(2 if options.quick else options.seeds))
    if options.quick:
        recipe = replace(recipe, epochs=max(1, recipe.epochs // 4))
    matrices = RelationMatrices.from_ontology(load_shipped("lesanet-repaired"), "lesanet-171")
    cohort = Release.shipped().cohort(matrices)
    with tempfile.TemporaryDirectory(prefix="lesionkg-") as folder:
        ablation = Ablation(cohort, matrices, recipe, Path(folder))
        print(f"{ablation.training.size:,} training lesions; {len(seeds)} seeds, {recipe.epochs} epochs; no pixels\n")
        print(f"{'':44}{'AUC':>16}{'precision':>16}{'recall':>16}{'F1':>16}{'AUC of mean':>13}")
        together: dict[str, Judged] = {}
        for variant in (*VARIANTS, *MORE_VARIANTS, PAPER):
            line = ablation.line(variant, seeds)
            judged = together[variant.name] = mean_score(line, ablation)
            cells = "".join(f"{m:8.4f} ±{s:6.4f}" for m, s in zip(line.mean[:4], line.spread[:4], strict=True))
            area = mean(auc(judged.truth, judged.score, judged.used))
            print(f"{variant.name:44}{cells}{area:13.4f}", flush=True)
    compare(together)


def compare(together: dict[str, Judged]) -> None:
    """Print the difference of every row to the first, over the same resampled patients."""
    first, *others = together
    resampled = Resampling.of(together[first].patients)
    replicates = {name: macro(resampled.auc(j.truth, j.score, j.used)) for name, j in together.items()}
    areas = {name: mean(auc(j.truth, j.score, j.used)) for name, j in together.items()}
    print("\nmacro AUC of the mean score, all less another; 95 % over the same resampled patients")
    for name in others:
        found = interval(replicates[first] - replicates[name])
        sure = "" if found.low > 0 or found.high < 0 else ", not distinguishable from nil"
        print(f"{name:44}{areas[first] - areas[name]:+9.4f} ({found.low:+.4f} to {found.high:+.4f}){sure}")


if __name__ == "__main__":
    main()
