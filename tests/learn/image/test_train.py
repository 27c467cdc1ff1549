"""Training on patches from a cohort to a run on disk: made (synthetic) patches, networks too small to be good."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest
import torch
from made_patches import TINY, made_cache, made_cohort, made_matrices, made_ontology

from ingest.images.patch_cache import PatchCache
from kg.cohort import Cohort
from kg.errors import TrainingError, UnsafeInputError
from kg.matrices import RelationMatrices
from kg.ontology import ExclusivePair
from learn.image.contralateral import Laterality
from learn.image.execution import Execution
from learn.image.journal import read_log
from learn.image.predict import predict_patches
from learn.image.recipe import Augmentation, Optimiser, Schedule
from learn.image.train import learnable, train_images, with_patch
from learn.image.trainer import CHECKPOINT
from learn.run import IMAGE, Run, run_id_of

PLAIN = Execution(device="cpu", workers=0)
ABLE = replace(TINY, width=1 / 8, optimiser=Optimiser.ADAMW, learning_rate=3e-3, schedule=Schedule.COSINE, epochs=16)


class Set(NamedTuple):
    """Made lesions, their relations and their patches."""

    cohort: Cohort
    matrices: RelationMatrices
    cache: PatchCache


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Set:
    """24 lesions to learn from, 12 to validate on, 12 to test on."""
    torch.set_num_threads(1)
    matrices = made_matrices()
    cohort = made_cohort(matrices)
    return Set(cohort, matrices, made_cache(tmp_path_factory.mktemp("cache"), cohort))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs of this module lie."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def trained(made: Set, runs: Path) -> tuple[Run, list[tuple[int, int]]]:
    """A network that had time to learn, and what it told of its progress."""
    progress: list[tuple[int, int]] = []
    run = train_images(*made, ABLE, runs, PLAIN, progress=lambda done, of: progress.append((done, of)))
    return run, progress


def test_it_learns_marks_that_stand_for_labels(trained: tuple[Run, list[tuple[int, int]]]) -> None:
    assert trained[0].metrics["test"]["macro_auc"] > 0.9
    assert trained[1] == [(step, 64) for step in range(1, 65)]


def test_training_lesions_of_each_label_are_counted_though_only_their_patches_are_known(
    trained: tuple[Run, list[tuple[int, int]]], made: Set, runs: Path
) -> None:
    with (runs / trained[0].run_id / "per_label.csv").open(encoding="utf-8", newline="") as file:
        counted = [int(row["train_positives"]) for row in csv.DictReader(file)]
    assert not made.cohort.has_metadata.any()
    assert counted == made.cohort.subset("train").relevant_matrix().sum(axis=0).tolist()
    assert sum(counted) == 48


def test_the_run_says_what_it_saw_and_can_be_read_again(
    trained: tuple[Run, list[tuple[int, int]]], made: Set, runs: Path
) -> None:
    run = Run.read(runs / trained[0].run_id)
    assert run.saw_pixels
    assert (run.features, run.inputs) == (IMAGE, made.cache.content_hash)
    assert run.recipe == ABLE
    assert run.geometry == made.cache.geometry
    assert run.other_relations == ()
    facts = (made.cohort.id, made.cohort.label_data_hash, made.matrices)
    assert run.run_id == run_id_of(IMAGE, *facts, ABLE.as_dict(), made.cache.content_hash)
    assert run.score.shape == (24, 8)
    assert run.spl_weight.shape == (1, 8, 8)
    assert any(name.endswith("num_batches_tracked") for name in run.weights)


def test_the_log_stays_and_the_checkpoint_goes(trained: tuple[Run, list[tuple[int, int]]], runs: Path) -> None:
    folder = runs / f"{trained[0].run_id}.training"
    rows = read_log(folder / "log" / "log.csv")
    assert [row["epoch"] for row in rows if row["val_f1"]] == [str(epoch) for epoch in range(1, 17)]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert not (folder / CHECKPOINT).exists()


def test_predicting_the_same_patches_again_gives_what_the_run_holds(
    trained: tuple[Run, list[tuple[int, int]]], made: Set
) -> None:
    run = trained[0]
    rows = [made.cache.row_of[lesion] for lesion in run.lesions]
    for batch in (64, 5):
        said = predict_patches(run, made.cache.pixels[rows], made.cache.boxes[rows], batch)
        np.testing.assert_allclose(said.score, run.score, atol=1e-5)
        np.testing.assert_allclose(said.probability, run.probability, atol=1e-4)
        np.testing.assert_allclose(said.embedding, run.embedding, atol=1e-5)


def test_training_again_gives_the_same_weights_bit_for_bit(made: Set, tmp_path: Path) -> None:
    recipe = replace(TINY, augmentation=Augmentation.LATERAL)
    sides = Laterality.from_ontology(made_ontology(), "made-8")
    one, other = (train_images(*made, recipe, tmp_path / name, PLAIN, sides) for name in "ab")
    for name in ("weights.safetensors", "predictions.parquet", "metrics.json"):
        assert (tmp_path / "a" / one.run_id / name).read_bytes() == (tmp_path / "b" / other.run_id / name).read_bytes()
    elsewhere = train_images(*made, replace(recipe, seed=1), tmp_path / "c", PLAIN, sides)
    assert not np.array_equal(elsewhere.score, one.score)


def test_the_process_keeps_its_own_random_numbers(made: Set, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_images(*made, replace(TINY, epochs=1), tmp_path, PLAIN)
    assert torch.equal(torch.rand(3), expected)


def test_lesions_without_a_patch_without_a_label_or_noisy_are_not_learned_from(made: Set, tmp_path: Path) -> None:
    names = made.cohort.table["lesion"].to_pylist()
    cache = made_cache(tmp_path / "cache", made.cohort, names[3:])
    assert with_patch(made.cohort, cache).size == made.cohort.size - 3
    table = made.cohort.table
    noisy = pa.array([True] * 2 + [False] * 10 + [None] * (len(names) - 12))
    empty = pa.array([[]] * 4 + table["relevant"].to_pylist()[4:], table.schema.field("relevant").type)
    table = table.set_column(table.schema.get_field_index("noisy"), table.schema.field("noisy"), noisy)
    table = table.set_column(table.schema.get_field_index("relevant"), table.schema.field("relevant"), empty)
    assert learnable(replace(made.cohort, table=table)).size == made.cohort.size - 4


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_split_without_patches_is_refused(made: Set, tmp_path: Path, split: str) -> None:
    kept = made.cohort.filter(made.cohort.table["split"].to_numpy() != split)
    cache = made_cache(tmp_path / "cache", made.cohort, kept.table["lesion"].to_pylist())
    with pytest.raises(TrainingError, match=f"no {split} lesion has a label and a patch"):
        train_images(made.cohort, made.matrices, cache, TINY, tmp_path, PLAIN)


def test_other_relations_than_the_cohorts_are_refused(made: Set, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="frozen with other relations"):
        train_images(made.cohort, other_relations(), made.cache, TINY, tmp_path, PLAIN)


def test_sides_of_other_labels_are_refused(made: Set, tmp_path: Path) -> None:
    sides = Laterality.unknown(tuple(reversed(made.matrices.label_ids)))
    with pytest.raises(TrainingError, match="not those of the matrices"):
        train_images(*made, TINY, tmp_path, PLAIN, sides)


def test_without_sides_in_the_graph_it_says_that_nothing_is_flipped(made: Set, tmp_path: Path) -> None:
    said: list[str] = []
    recipe = replace(TINY, epochs=1, augmentation=Augmentation.LATERAL)
    train_images(*made, recipe, tmp_path, PLAIN, say=said.append)
    assert len(said) == 1
    assert "no patch is flipped" in said[0]


def other_relations() -> RelationMatrices:
    """The made relations with one more exclusive pair."""
    ontology = made_ontology()
    more = ExclusivePair(ontology.by_name["heart"].id, ontology.by_name["mass"].id)
    changed = replace(ontology, exclusive_pairs=(*ontology.exclusive_pairs, more))
    return RelationMatrices.from_ontology(changed, "made-8")


@pytest.fixture(scope="module")
def interrupted(made: Set, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a training that stopped after five of eight steps."""
    folder = tmp_path_factory.mktemp("interrupted")

    def stop(done: int, _: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_images(*made, TINY, folder, replace(PLAIN, checkpoint_steps=1), progress=stop)
    (path,) = folder.glob(f"*.training/{CHECKPOINT}")
    return path


def test_an_interrupted_training_goes_on_and_says_where(made: Set, interrupted: Path, tmp_path: Path) -> None:
    said: list[str] = []
    progress: list[int] = []
    shutil.copytree(interrupted.parents[1], tmp_path / "runs")
    run = train_images(*made, TINY, tmp_path / "runs", PLAIN, None, lambda done, _: progress.append(done), said.append)
    assert progress == [6, 7, 8]
    assert "5 of 8 steps are done" in said[0]
    whole = train_images(*made, TINY, tmp_path / "whole", PLAIN)
    assert all(np.array_equal(run.weights[name], whole.weights[name]) for name in whole.weights)


def test_restart_begins_anew(made: Set, interrupted: Path, tmp_path: Path) -> None:
    shutil.copytree(interrupted.parents[1], tmp_path / "runs")
    progress: list[int] = []
    execution = replace(PLAIN, restart=True)
    run = train_images(*made, TINY, tmp_path / "runs", execution, progress=lambda done, _: progress.append(done))
    assert progress == list(range(1, 9))
    rows = read_log(tmp_path / "runs" / f"{run.run_id}.training" / "log" / "log.csv")
    assert [row["step"] for row in rows] == ["4", "8"]


def test_a_checkpoint_of_other_relations_is_refused_unless_asked_for(
    made: Set, interrupted: Path, tmp_path: Path
) -> None:
    matrices = other_relations()
    cohort = made_cohort(matrices)
    with pytest.raises(TrainingError, match=r"trained with other relations.*--allow-other-relations"):
        train_images(cohort, matrices, made.cache, TINY, tmp_path, replace(PLAIN, resume=interrupted))
    said: list[str] = []
    progress: list[int] = []
    asked = replace(PLAIN, resume=interrupted, allow_other_relations=True)
    common = (cohort, matrices, made.cache, TINY, tmp_path, asked)
    run = train_images(*common, progress=lambda done, _: progress.append(done), say=said.append)
    assert progress == [6, 7, 8]
    assert "trained with other relations" in said[0]
    assert run.matrices.matrix_hash == matrices.matrix_hash
    assert Run.read(tmp_path / run.run_id).other_relations == (made.matrices.matrix_hash,)


def test_a_checkpoint_of_another_label_order_is_refused(made: Set, interrupted: Path, tmp_path: Path) -> None:
    ontology = made_ontology()
    (labels,) = ontology.label_sets
    turned = replace(ontology, label_sets=(replace(labels, members=labels.members[::-1]),))
    matrices = RelationMatrices.from_ontology(turned, "made-8")
    cohort = made_cohort(matrices)
    with pytest.raises(TrainingError, match="not in that order"):
        train_images(cohort, matrices, made.cache, TINY, tmp_path, replace(PLAIN, resume=interrupted))


def test_a_checkpoint_of_another_recipe_names_the_setting(made: Set, interrupted: Path, tmp_path: Path) -> None:
    recipe = replace(TINY, triplets=60)
    with pytest.raises(TrainingError, match=r"another recipe \(triplets 50, here 60\)"):
        train_images(*made, recipe, tmp_path, replace(PLAIN, resume=interrupted))


def test_a_pickle_where_the_checkpoint_should_be_is_refused(made: Set, tmp_path: Path) -> None:
    torch.save({"network": {}}, tmp_path / "best.pth")
    with pytest.raises(UnsafeInputError, match="pickle checkpoint"):
        train_images(*made, TINY, tmp_path, replace(PLAIN, resume=tmp_path / "best.pth"))
