"""Synthetic training runs: made-up scores, embeddings and weights over real lesions, for tests of what uses them.

Nothing here was trained. Scores are the real labels with noise, so that predictions have hits, misses and false alarms.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from kg.cohort import Cohort
from kg.matrices import RelationMatrices

SEEDS = (0, 1, 2)


def synthetic_run(cohort: Cohort, matrices: RelationMatrices, seed: int, created: str) -> Any:
    """What :class:`learn.run.Run` holds, made up; ``publish`` takes it for a run."""
    draw = np.random.default_rng(seed)
    split = cohort.table["split"].to_numpy(zero_copy_only=False)
    keep = (split != "train") & cohort.has_positive
    kept = cohort.filter(keep)
    labels = matrices.expand(kept.positive_matrix()).toarray()
    lesions, size = labels.shape
    score = np.clip(0.15 + 0.5 * labels + draw.normal(0, 0.12, labels.shape), 0.001, 0.999).astype(np.float32)
    score[:, draw.permutation(size)[:20]] *= 0.5  # labels the model is bad at
    embedding = labels @ draw.normal(0, 1, (size, 16)) + draw.normal(0, 1, (lesions, 16))
    weight = draw.normal(0, 0.02, (len(SEEDS), size, size))
    strong = draw.random((size, size)) < 0.02
    weight += np.where(strong, draw.normal(0, 0.2, (size, size)) + draw.normal(0, 0.1, weight.shape), 0)
    return SimpleNamespace(
        run_id=f"synthetic-{seed:010d}",
        features="metadata",
        saw_pixels=False,
        seeds=SEEDS,
        cohort=cohort.id,
        matrices=matrices,
        label_data_hash=cohort.label_data_hash,
        created=created,
        metrics={"test": {"macro_auc": 0.5}},
        lesions=tuple(kept.table["lesion"].to_pylist()),
        split=kept.table["split"].to_numpy(zero_copy_only=False),
        score=score,
        probability=score,
        embedding=embedding.astype(np.float32),
        thresholds=np.full(size, 0.45),
        spl_weight=weight.astype(np.float32),
    )
