"""Matching lesions over studies, judged on known follow-ups: python benchmarks/matching.py FOLLOW_UP_PAIRS.json

The list of pairs is not part of this project. With --phantom FOLDER --run RUN_FOLDER a phantom's own list is judged
too, with the embedding of a run that looked at its patches.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from ingest.release import PHANTOM, Release
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped
from learn.follow_ups import (
    FollowUps,
    location_and_size,
    matching_figures,
    read_deeplesion_follow_ups,
    read_phantom_follow_ups,
)
from learn.matching import judge, match_lesions, thresholds_without_truth
from learn.predict import predict
from learn.recipe import Recipe
from learn.run import Run
from learn.training import train


def line(name: str, known: FollowUps, embedding: np.ndarray) -> None:
    """Print the figures of one embedding, thresholds chosen with and without known follow-ups."""
    embedding = np.asarray(embedding, np.float64)
    f = matching_figures(known, embedding)
    d = f.decisions
    print(
        f"{name:38} precision {d.precision:.3f}  recall {d.recall:.3f}  F1 {d.f1:.3f}  AUC {f.auc:.3f}"
        f"  (T1 {f.thresholds.within:.3g}, T2 {f.thresholds.between:.3g})"
    )
    pairs, same = known.pairs()
    for share in (0.001, 0.003, 0.01, 0.03):
        blind = thresholds_without_truth(embedding, known.studies, known.patients, share)
        d = judge(pairs, same, match_lesions(embedding, known.studies, known.patients, blind).group)
        print(
            f"{f'  no truth, {share:.1%} of other patients':38} precision {d.precision:.3f}  recall {d.recall:.3f}"
            f"  F1 {d.f1:.3f}  (T2 {blind.between:.3g})"
        )


def told(known: FollowUps) -> None:
    """Print what could be judged."""
    pairs, same = known.pairs()
    named = int((known.instance >= 0).sum())
    print(
        f"{known.listed} listed pairs, {known.unresolved} of them of lesions that are not known; {named} listed lesions"
        f" among {len(known.lesions)} of {len(set(known.patients))} patients; {len(pairs)} pairs judged,"
        f" {int(same.sum())} of one lesion"
    )


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path, nargs="?")
    parser.add_argument("--phantom", type=Path)
    parser.add_argument("--run", type=Path)
    options = parser.parse_args()
    if options.pairs:
        release = Release.shipped()
        known = read_deeplesion_follow_ups(options.pairs, release)
        told(known)
        place = location_and_size(known.rows)
        line("location", known, place[:, :3])
        line("location and size", known, place)
        matrices = RelationMatrices.from_ontology(load_shipped(), "lesanet-171")
        cohort = release.cohort(matrices)
        own = np.isin(cohort.table["patient"].to_numpy(zero_copy_only=False), np.unique(known.patients))
        trained = int(np.isin(known.lesions, cohort.subset("train").table["lesion"].to_pylist()).sum())
        with tempfile.TemporaryDirectory() as folder:
            run = train(cohort, matrices, Recipe(seeds=(0, 1, 2)), folder)
        print(
            f"metadata run: {trained} of the {len(known.lesions)} lesions were trained on ({int(own.sum())} in cohort)"
        )
        embedding = predict(run, known.rows).embedding
        line("embedding of a metadata run", known, embedding)
        line("embedding, location and size", known, np.hstack([0.1 * embedding, place]))
    if options.phantom and options.run:
        run = Run.read(options.run)
        all_known = read_phantom_follow_ups(options.phantom / "follow_ups.csv", Release.read_phantom(options.phantom))
        row_of = {lesion: row for row, lesion in enumerate(run.lesions)}
        known = all_known.filter(np.array([lesion in row_of for lesion in all_known.lesions]))
        print(f"{PHANTOM.source}, val and test lesions")
        told(known)
        line("location and size", known, location_and_size(known.rows))
        line(f"embedding of {run.run_id}", known, run.embedding[[row_of[lesion] for lesion in known.lesions]])


if __name__ == "__main__":
    main()
