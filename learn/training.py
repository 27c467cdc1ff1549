"""Training: a cohort and relation matrices in, a run out. No graph, no pixels.

Each seed trains one network on the training lesions that have metadata; nothing of validation lesions but the
calibration, thresholds and the figures reported for them is used, and test lesions are only ever predicted.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock

import numpy as np
import torch
from torch import Tensor

from kg.cohort import Cohort
from kg.errors import TrainingError
from kg.matrices import RelationMatrices
from learn.completion import Outcome, complete_run
from learn.features import MetadataFeatures
from learn.head import HiddenLayers, LabelNetwork
from learn.losses import rhem_expected, rhem_sampled, triplet_loss, weighted_cross_entropy
from learn.predict import member_outputs
from learn.recipe import Recipe, Rhem
from learn.run import METADATA, Run
from learn.targets import Targets, class_weights, training_targets
from learn.triplets import label_similarity, sample_triplets

_WARM_UP = 0.1

Progress = Callable[[int, int], None]
"""Called with epochs done and epochs in all, over all seeds."""


def train(
    cohort: Cohort,
    matrices: RelationMatrices,
    recipe: Recipe,
    runs_folder: Path | str,
    progress: Progress | None = None,
) -> Run:
    """Train, predict, calibrate, evaluate, and write the run's folder.

    The same cohort, matrices and recipe give the same weights, bit for bit, on one machine: every draw comes from the
    seed, and each network is trained on one thread.

    Args:
        cohort: lesions, labels and split.
        matrices: relations of the cohort's labels.
        recipe: every choice.
        runs_folder: where the run's folder is written, under its id.
        progress: told about epochs done.

    Raises:
        TrainingError: matrices and cohort do not belong together, a split has no usable lesion, or training diverged.
        MatrixError: the relations contradict each other.
    """
    require_match(cohort, matrices)
    train_rows = usable(cohort.subset("train"))
    if train_rows.size == 0:
        raise TrainingError(f"cohort {cohort.id}: no training lesion has metadata and a label; freeze one that has")
    judged = {split: _with_metadata(cohort.subset(split)) for split in ("val", "test")}
    for split, part in judged.items():
        if not part.has_positive.any():
            raise TrainingError(f"cohort {cohort.id}: no {split} lesion has metadata and a label; freeze one that has")
    feature_map = MetadataFeatures.fit(train_rows.table, recipe.frequencies, recipe.midline)
    targets = training_targets(train_rows.relevant_matrix(), train_rows.uncertain_matrix(), matrices, recipe.labels)
    members = train_members(feature_map.transform(train_rows.table), targets, recipe, progress)
    weights = {f"{seed}.{name}": value for seed, state in members.items() for name, value in state.items()}
    weights |= {f"features.{name}": getattr(feature_map, name) for name in ("centre", "scale", "fill")}
    outputs = {
        split: Outcome(part, *member_outputs(weights, recipe, matrices.size, feature_map.transform(part.table)))
        for split, part in judged.items()
    }
    return complete_run(METADATA, cohort, matrices, recipe, weights, outputs, runs_folder)


def require_match(cohort: Cohort, matrices: RelationMatrices) -> None:
    """Check that matrices and cohort have the same labels, order and relations.

    Raises:
        TrainingError: they do not.
        MatrixError: the relations contradict each other.
    """
    if cohort.label_ids != matrices.label_ids:
        raise TrainingError(
            f"cohort {cohort.id}: its {len(cohort.label_ids)} labels are not the {matrices.size} of the matrices of "
            f"{matrices.label_set}, or not in that order; export both from one revision"
        )
    if cohort.matrix_hash != matrices.matrix_hash:
        raise TrainingError(
            f"cohort {cohort.id}: frozen with other relations (matrix hash {cohort.matrix_hash[:10]}) than these "
            f"matrices ({matrices.matrix_hash[:10]}); freeze a new cohort, or take the matrices of its revision"
        )
    matrices.require_consistent()


def usable(cohort: Cohort) -> Cohort:
    """Lesions to learn from: with metadata, with a relevant or uncertain label, not marked as noisy."""
    noisy = np.array([bool(value) for value in cohort.table["noisy"].to_pylist()], bool)
    labelled = np.diff((cohort.relevant_matrix() + cohort.uncertain_matrix()).indptr) > 0
    return cohort.filter(cohort.has_metadata & labelled & ~noisy)


def train_members(
    features: np.ndarray, targets: Targets, recipe: Recipe, progress: Progress | None = None
) -> dict[int, dict[str, np.ndarray]]:
    """One network for each seed, trained side by side on one thread each.

    Args:
        features: N x F float32.
        targets: of the N lesions.
        recipe: every choice.
        progress: told about epochs done.

    Returns:
        Parameters by name, for each seed in the order of the recipe.

    Raises:
        TrainingError: the loss is no longer a number.
    """
    job = _Job(features, targets, recipe, progress)
    # One thread for each network: sums are then added in one order, whatever the machine, and seeds use the cores.
    # The setting belongs to the thread that makes it.
    workers = min(len(recipe.seeds), os.cpu_count() or 1)
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            states = list(pool.map(job.run, recipe.seeds))
        except BaseException:
            job.stop.set()
            raise
    return dict(zip(recipe.seeds, states, strict=True))


@dataclass(frozen=True)
class _Batch:
    features: Tensor
    positive: Tensor
    reliable: Tensor
    used: Tensor


class _Job:
    """Data and choices that all seeds share."""

    def __init__(self, features: np.ndarray, targets: Targets, recipe: Recipe, progress: Progress | None) -> None:
        self.recipe = recipe
        self.stop = Event()
        self._progress, self._done, self._lock = progress, 0, Lock()
        self.data = _Batch(
            torch.from_numpy(np.ascontiguousarray(features, np.float32)),
            torch.from_numpy(targets.positive.astype(np.float32)),
            torch.from_numpy(targets.reliable.astype(np.float32)),
            torch.from_numpy((~targets.ignored).astype(np.float32)),
        )
        weights = class_weights(targets.positive, recipe.weight_limit, recipe.weight_power)
        self.weights = (torch.from_numpy(weights[0]), torch.from_numpy(weights[1]))

    def run(self, seed: int) -> dict[str, np.ndarray]:
        """Train one network."""
        recipe, data = self.recipe, self.data
        random = torch.Generator().manual_seed(seed)
        lesions, labels = data.positive.shape
        trunk = HiddenLayers(data.features.shape[1], recipe.width, recipe.depth, recipe.dropout, random)
        network = LabelNetwork(trunk, labels, recipe.embedding, random)
        batch = min(recipe.batch, lesions)
        steps = lesions // batch
        optimiser = _optimiser(network, recipe)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: one_cycle(step / (recipe.epochs * steps)))
        for epoch in range(recipe.epochs):
            order = torch.randperm(lesions, generator=random)
            for step in range(steps):
                if self.stop.is_set():
                    raise TrainingError("training was stopped")
                rows = order[step * batch : (step + 1) * batch]
                part = _Batch(data.features[rows], data.positive[rows], data.reliable[rows], data.used[rows])
                loss = self._loss(network, part, random)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
            if not bool(torch.isfinite(loss)):
                raise TrainingError(f"seed {seed}: the loss is no number after epoch {epoch + 1}; lower learning_rate")
            self._tell()
        return {name: value.detach().numpy() for name, value in network.state_dict().items()}

    def _loss(self, network: LabelNetwork, batch: _Batch, random: torch.Generator) -> Tensor:
        """Total loss (LesaNet, equation 5)."""
        recipe = self.recipe
        out = network(batch.features)
        loss = weighted_cross_entropy(out.score, batch.positive, *self.weights, batch.used)
        if recipe.propagation:
            loss = loss + weighted_cross_entropy(out.refined, batch.positive, *self.weights, batch.used)
        if recipe.rhem is Rhem.EXPECTED:
            loss = loss + recipe.rhem_weight * rhem_expected(out.score, batch.positive, batch.reliable)
        elif recipe.rhem is Rhem.SAMPLED:
            drawn = rhem_sampled(out.score, batch.positive, batch.reliable, recipe.rhem_pairs, generator=random)
            loss = loss + recipe.rhem_weight * drawn
        if recipe.triplet_weight > 0:
            similarity = label_similarity(batch.positive[: recipe.triplet_lesions])
            found = sample_triplets(similarity, recipe.triplets, recipe.triplet_similarity, random)
            loss = loss + recipe.triplet_weight * triplet_loss(out.embedding, found, recipe.triplet_margin)
        return loss

    def _tell(self) -> None:
        with self._lock:
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self.recipe.epochs * len(self.recipe.seeds))


def one_cycle(progress: float) -> float:
    """Learning rate relative to its peak: a cosine rise over the first tenth of training, a cosine fall to 0 after it.

    Args:
        progress: share of the steps done, 0 to 1.
    """
    if progress < _WARM_UP:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / _WARM_UP)) / 2
    return (1 + math.cos(math.pi * (progress - _WARM_UP) / (1 - _WARM_UP))) / 2


def _optimiser(network: LabelNetwork, recipe: Recipe) -> torch.optim.Optimizer:
    propagation = list(network.propagation.parameters())
    rest = [p for p in network.parameters() if all(p is not q for q in propagation)]
    groups = [
        {"params": rest, "lr": recipe.learning_rate, "weight_decay": recipe.weight_decay},
        {"params": propagation, "lr": recipe.learning_rate * recipe.propagation_rate, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups)


def _with_metadata(cohort: Cohort) -> Cohort:
    return cohort.filter(cohort.has_metadata)
