"""From trained weights and what they say of validation and test lesions to a complete run on disk.

Calibration and thresholds are fitted on validation lesions; test lesions are only judged. Every source of features ends
here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from kg.cohort import Cohort
from kg.matrices import RelationMatrices
from learn.calibration import Calibration
from learn.evaluation import evaluate
from learn.judged import truth_of
from learn.model_card import model_card
from learn.run import AnyRecipe, Run, run_id_of
from learn.thresholds import exact_thresholds, pooled_prior

THRESHOLD_PRIOR = 5.0
"""Positives that the pooled prior on thresholds is worth; docs/training.md says how it was chosen."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the member networks say of N lesions of one split.

    Attributes:
        lesions: the N lesions, a part of the cohort.
        scores: S x N x C, sigmoid of the refined logits of each member.
        embedding: N x D, unit length.
    """

    lesions: Cohort
    scores: np.ndarray
    embedding: np.ndarray


def complete_run(
    features: str,
    cohort: Cohort,
    matrices: RelationMatrices,
    recipe: AnyRecipe,
    weights: Mapping[str, np.ndarray],
    outcomes: Mapping[str, Outcome],
    runs_folder: Path | str,
    inputs: str = "",
) -> Run:
    """Calibrate, choose thresholds, evaluate, and write the run's folder.

    Args:
        features: ``metadata`` or ``image``.
        cohort: all lesions, labels and split.
        matrices: relations of the cohort's labels.
        recipe: every choice of the training.
        weights: tensors named ``<seed>.<parameter>``, and what else prediction needs.
        outcomes: of ``val`` and ``test``, in this order.
        runs_folder: where the run's folder is written, under its id.
        inputs: hash of what the model looked at beside the cohort (the patches); empty when there is nothing.
    """
    scores = {split: outcome.scores.mean(axis=0) for split, outcome in outcomes.items()}
    # Lesions without a relevant label are predicted, but as in the evaluation they count neither for nor against one.
    val = outcomes["val"].lesions
    known = val.has_positive
    truth, used = truth_of(val.filter(known))
    calibration = Calibration.fit(scores["val"][known], truth, used)
    prior = pooled_prior(truth, calibration.apply(scores["val"][known]), used, THRESHOLD_PRIOR)
    run_id = run_id_of(features, cohort.id, cohort.label_data_hash, matrices, recipe.as_dict(), inputs)
    all_scores = np.concatenate(list(scores.values()))
    run = Run(
        run_id=run_id,
        features=features,
        cohort=cohort.id,
        label_data_hash=cohort.label_data_hash,
        inputs=inputs,
        created=_created(Path(runs_folder) / run_id),
        recipe=recipe,
        matrices=matrices,
        weights={**weights, "calibration.slope": calibration.slope, "calibration.intercept": calibration.intercept},
        thresholds=exact_thresholds(truth, scores["val"][known], used, prior),
        metrics={},
        lesions=tuple(name for o in outcomes.values() for name in o.lesions.table["lesion"].to_pylist()),
        split=np.repeat(list(outcomes), [o.lesions.size for o in outcomes.values()]),
        score=all_scores,
        probability=calibration.apply(all_scores),
        embedding=np.concatenate([o.embedding for o in outcomes.values()]),
    )
    evaluation = evaluate(run, cohort)
    run = replace(run, metrics=evaluation.as_dict())
    run.write(runs_folder, evaluation.per_label_csv(), model_card(run, evaluation))
    return run


def _created(folder: Path) -> str:
    """When this configuration was first trained: a repeated training is the same model, not a newer one."""
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8"))["created"])
    except (OSError, ValueError, KeyError):
        return datetime.now(UTC).isoformat(timespec="seconds")
