"""Training on CT patches: a cohort, relation matrices and a patch cache in, a run out. No graph."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ingest.images.patch_cache import PatchCache
from kg.cohort import Cohort
from kg.errors import TrainingError
from kg.matrices import RelationMatrices
from learn.completion import Outcome, complete_run
from learn.image.checkpoint import Checkpoint, Origin
from learn.image.contralateral import Laterality
from learn.image.distributed import joined
from learn.image.examples import Examples
from learn.image.execution import Execution
from learn.image.network import image_network
from learn.image.predict import outputs_of
from learn.image.recipe import Augmentation, ImageRecipe, Precision
from learn.image.trainer import CHECKPOINT, Progress, Setting, Trainer
from learn.image.validation import Validation
from learn.run import IMAGE, Run, geometry_weights, other_relations_weights, run_id_of
from learn.training import require_match

Say = Callable[[str], None]
"""Called with a sentence for the person who watches."""


def train_images(
    cohort: Cohort,
    matrices: RelationMatrices,
    cache: PatchCache,
    recipe: ImageRecipe,
    runs_folder: Path | str,
    execution: Execution | None = None,
    laterality: Laterality | None = None,
    progress: Progress | None = None,
    say: Say | None = None,
) -> Run:
    """Train, predict, calibrate, evaluate, and write the run's folder.

    The training continues from its last checkpoint when it was interrupted, and ends with the same weights, bit for
    bit on a CPU with the same number of threads. Checkpoint and log lie in ``<runs_folder>/<run id>.training`` and the
    log stays there. Started by torchrun, several processes train one network (:mod:`learn.image.distributed`).

    Args:
        cohort: lesions, labels and split; those without a patch are left out.
        matrices: relations of the cohort's labels.
        cache: patches.
        recipe: every choice.
        runs_folder: where the run's folder is written, under its id.
        execution: how the training is carried out.
        laterality: which labels are partners of each other; when None, or when it knows of none, no image is flipped.
        progress: told about steps done.
        say: told in a sentence what a person should know: where the training continues, or what is left out.

    Raises:
        TrainingError: matrices, cohort and cache do not belong together, a split has no usable lesion, training
            diverged, or a checkpoint cannot be written or belongs to something else.
        MatrixError: the relations contradict each other.
        InputError: a checkpoint is truncated, or a pickle.
    """
    execution = execution or Execution()
    require_match(cohort, matrices)
    sides = laterality or Laterality.unknown(matrices.label_ids)
    if sides.label_ids != matrices.label_ids:
        raise TrainingError("laterality: its labels are not those of the matrices; read both from one graph")
    parts = {split: with_patch(cohort.subset(split), cache) for split in ("train", "val", "test")}
    parts["train"] = learnable(parts["train"])
    for split, part in parts.items():
        if not part.has_positive.any():
            raise TrainingError(
                f"cohort {cohort.id}: no {split} lesion has a label and a patch in {cache.folder}; "
                "build the cache from the images of this cohort"
            )
    run_id = run_id_of(IMAGE, cohort.id, cohort.label_data_hash, matrices, recipe.as_dict(), cache.content_hash)
    folder = Path(runs_folder) / f"{run_id}.training"
    with joined(execution.device) as group:
        tell = say if say is not None and group.writes else _nothing
        if recipe.augmentation is Augmentation.LATERAL and not sides.known:
            tell("the graph has no CONTRALATERAL_OF relation among these labels: no patch is flipped left to right")
        origin = Origin(
            matrices.label_ids,
            matrices.matrix_hash,
            cohort.id,
            cohort.label_data_hash,
            cache.content_hash,
            recipe.as_dict(),
            group.size,
        )
        trainer = Trainer(
            Examples.of(parts["train"], matrices, cache, recipe.labels, sides),
            Validation.of(parts["val"], matrices, cache),
            recipe,
            Setting(execution, group, folder, origin, progress),
        )
        if recipe.precision is Precision.BFLOAT16 and trainer.device.type == "cpu":
            tell(
                "bfloat16: most CPUs compute it many times slower than float32; --set precision=float32 is another run"
            )
        _restore(trainer, tell)
        state = trainer.run()
        if group.writes:
            network = image_network(recipe, matrices.size, cache.geometry.size)
            network.load_state_dict(state)
            network.to(trainer.device).eval()
            outcomes = {}
            for split in ("val", "test"):
                score, embedding = outputs_of(network, cache.pixels, cache.boxes, rows_of(parts[split], cache), 64)
                outcomes[split] = Outcome(parts[split], score[None], embedding)
            weights = {f"{recipe.seed}.{name}": value.numpy() for name, value in state.items()}
            weights |= geometry_weights(cache.geometry) | other_relations_weights(trainer.other_relations)
            complete_run(IMAGE, cohort, matrices, recipe, weights, outcomes, runs_folder, cache.content_hash)
            (folder / CHECKPOINT).unlink(missing_ok=True)
        group.wait()
    return Run.read(Path(runs_folder) / run_id)


def with_patch(cohort: Cohort, cache: PatchCache) -> Cohort:
    """The lesions that have a patch."""
    return cohort.filter(np.array([lesion in cache.row_of for lesion in cohort.table["lesion"].to_pylist()], bool))


def learnable(cohort: Cohort) -> Cohort:
    """Lesions to learn from: with a relevant or uncertain label, not marked as noisy."""
    noisy = np.array([bool(value) for value in cohort.table["noisy"].to_pylist()], bool)
    labelled = np.diff((cohort.relevant_matrix() + cohort.uncertain_matrix()).indptr) > 0
    return cohort.filter(labelled & ~noisy)


def rows_of(cohort: Cohort, cache: PatchCache) -> np.ndarray:
    """Rows of the cache of lesions that all have a patch, shape (N,)."""
    return np.array([cache.row_of[lesion] for lesion in cohort.table["lesion"].to_pylist()], np.int64)


def _nothing(_: str) -> None: ...


def _restore(trainer: Trainer, say: Say) -> None:
    setting = trainer.setting
    own = setting.folder / CHECKPOINT
    if setting.execution.restart:
        setting.group.wait()
        if setting.group.writes:
            shutil.rmtree(setting.folder, ignore_errors=True)
        setting.group.wait()
    source = setting.execution.resume or (own if own.is_file() else None)
    if source is None:
        return
    checkpoint = Checkpoint.load(source)
    said = checkpoint.require(setting.origin, source, setting.execution.allow_other_relations)
    trainer.restore(checkpoint)
    say(said or f"continuing from {source}: {trainer.done:,} of {trainer.total:,} steps are done")
