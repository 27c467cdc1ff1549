"""How much a label's threshold should borrow from all labels, judged within the validation lesions.

Validation patients are halved several times; thresholds are chosen on one half and judged on the other, decoded so that
no relation is broken. Test lesions are not touched.

Usage: ``python benchmarks/thresholds.py RUN_FOLDER``
"""

from __future__ import annotations

import sys

import numpy as np

from ingest.release import Release
from learn.calibration import Calibration
from learn.decode import decode, threshold_and_expand
from learn.evaluation import decisions
from learn.judged import truth_of
from learn.run import Run
from learn.thresholds import exact_thresholds, grid_thresholds, pooled_prior

HALVINGS = 4
STRENGTHS = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


def main() -> None:
    """Measure and print."""
    run = Run.read(sys.argv[1])
    cohort = Release.shipped().cohort(run.matrices)
    val = cohort.subset("val").filter(cohort.subset("val").has_positive)
    row_of = {lesion: n for n, lesion in enumerate(run.lesions)}
    score = run.score[[row_of[lesion] for lesion in val.table["lesion"].to_pylist()]]
    truth, used = truth_of(val)
    patients = np.array(val.table["patient"].to_pylist())
    names = np.unique(patients)
    found: dict[str, list[tuple[float, ...]]] = {}
    for seed in range(HALVINGS):
        half = np.isin(patients, np.random.default_rng(seed).permutation(names)[: len(names) // 2])
        for chosen, judged in ((half, ~half), (~half, half)):
            given = truth[chosen], score[chosen], used[chosen]
            probability = Calibration.fit(score[chosen], truth[chosen], used[chosen]).apply(score[chosen])
            ways = {
                f"exact search, prior worth {strength:g} positives": decode(
                    score[judged],
                    exact_thresholds(*given, pooled_prior(truth[chosen], probability, used[chosen], strength)),
                    run.matrices,
                ).positive
                for strength in STRENGTHS
            }
            ways["grid of the released code, not coherent"] = threshold_and_expand(
                score[judged], grid_thresholds(*given), run.matrices
            )
            for name, decided in ways.items():
                d = decisions(truth[judged], decided, used[judged], run.matrices)
                found.setdefault(name, []).append((d.f1, d.micro_f1, d.precision_zero, d.recall))
    print(f"{'':44}{'macro F1':>10}{'micro F1':>10}{'precision':>11}{'recall':>8}")
    for name, values in found.items():
        f1, micro, precision, recall = np.mean(values, axis=0)
        print(f"{name:44}{f1:10.3f}{micro:10.3f}{precision:11.3f}{recall:8.3f}")


if __name__ == "__main__":
    main()
