"""Raw scores and coherent ones, and every decoder, on the real test lesions: figures of merit and broken relations.

Trains the default metadata recipe once. Thresholds are those of the run, calibrated on validation lesions; the paper's
own procedure, a grid of thresholds, is a line of its own. Lesions with a relevant label, as in the paper.

Usage: ``python benchmarks/decoders.py [RUN_FOLDER]``; with a folder nothing is trained.
"""

from __future__ import annotations

import sys
import tempfile

import numpy as np
import torch

from ingest.release import Release
from kg.junction_tree import JunctionTree
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped
from learn.decode import Decoder, decide
from learn.evaluation import coherence, decisions
from learn.exact import ExactInference
from learn.judged import Judged
from learn.max_constraint import MaxConstraint
from learn.metrics import auc, mean
from learn.recipe import Recipe
from learn.run import Run
from learn.thresholds import grid_thresholds
from learn.training import train

EDGE = 1e-7


def main() -> None:
    """Train, decide, print."""
    matrices = RelationMatrices.from_ontology(load_shipped(), "lesanet-171")
    cohort = Release.shipped().cohort(matrices)
    if len(sys.argv) > 1:
        run = Run.read(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            run = train(cohort, matrices, Recipe(), folder)
    val, test = (Judged.of_split(run, cohort, split) for split in ("val", "test"))
    inference = ExactInference(JunctionTree.compile(matrices))
    upward = MaxConstraint(matrices)

    print(f"{test.size} test lesions\n\n{'scores':44}{'macro AUC':>10}{'child > parent':>16}{'exclusive > 1':>15}")
    child, parent = matrices.parents.nonzero()
    one, other = matrices.exclusive_minimal.nonzero()
    for name, given in (("score", test.score), ("calibrated probability", test.probability)):
        logits = torch.logit(torch.from_numpy(given.astype(np.float64)), eps=EDGE)
        for way, scores in (
            (name, given),
            (f"{name}, max-constraint", upward(torch.from_numpy(given)).numpy()),
            (f"{name}, exact marginals", inference.marginals(logits).numpy()),
        ):
            above = (scores[:, child] > scores[:, parent]).any(axis=1).mean()
            both = (scores[:, one] + scores[:, other] > 1 + 1e-6).any(axis=1).mean()
            print(f"{way:44}{mean(auc(test.truth, scores, test.used)):10.4f}{above:15.1%} {both:14.1%}")

    print(f"\n{'decoder':44}{'precision':>10}{'recall':>8}{'F1':>8}{'micro F1':>10}{'labels':>8}{'incoherent':>12}")
    ways = {str(way): decide(way, test.score, run.thresholds, matrices).positive for way in Decoder}
    grid = grid_thresholds(val.truth, val.score, val.used)
    ways["paper, grid of thresholds"] = decide(Decoder.PAPER, test.score, grid, matrices).positive
    for name, decided in ways.items():
        d, broken = decisions(test.truth, decided, test.used, matrices), coherence(decided, matrices)
        print(
            f"{name:44}{d.precision_zero:10.4f}{d.recall:8.4f}{d.f1:8.4f}{d.micro_f1:10.4f}"
            f"{decided.sum(axis=1).mean():8.2f}{broken.lesions_incoherent / test.size:11.1%}"
        )


if __name__ == "__main__":
    main()
