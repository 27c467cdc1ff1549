"""Training on the real lesions, and the run it leaves. The networks here are too small to be good."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tiny_runs import TINY, Trained

from kg import algebra
from kg.cohort import Cohort
from kg.errors import TrainingError
from kg.matrices import RelationMatrices
from learn.features import MetadataFeatures
from learn.predict import predict
from learn.recipe import Recipe, Relations, Rhem
from learn.run import METADATA, Run, run_id_of
from learn.targets import training_targets
from learn.training import one_cycle, train, train_members, usable


def test_it_learns_from_the_2563_training_lesions_with_metadata_that_are_not_noisy(cohort: Cohort) -> None:
    labelled = cohort.subset("train").filter(cohort.subset("train").has_metadata)
    labelled = labelled.filter(labelled.has_positive)
    assert labelled.size == 2564
    assert usable(cohort.subset("train")).size == 2563


def test_even_a_tiny_network_ranks_real_test_lesions_well(trained: Trained) -> None:
    test = trained.run.metrics["test"]
    assert (test["lesions"], test["patients"]) == (1761, 506)
    assert trained.run.metrics["val"]["lesions"] == 1852
    assert test["macro_auc"] > 0.75
    assert len(test["seed_macro_auc"]) == 2


def test_progress_counts_every_epoch_of_every_seed_once(trained: Trained) -> None:
    assert trained.progress == [(n, 10) for n in range(1, 11)]


def test_the_folder_holds_what_is_promised_and_nothing_else(trained: Trained) -> None:
    names = {path.name for path in trained.folder.iterdir()}
    assert names == {
        "config.json",
        "matrices.safetensors",
        "weights.safetensors",
        "spl.safetensors",
        "metrics.json",
        "per_label.csv",
        "thresholds.json",
        "model_card.md",
        "predictions.parquet",
    }
    assert [path.name for path in trained.folder.parent.iterdir()] == [trained.run.run_id]
    config = json.loads((trained.folder / "config.json").read_text())
    assert config["saw_pixels"] is False
    assert config["recipe"]["seeds"] == [0, 1]


def test_training_again_gives_the_same_weights_bit_for_bit(
    cohort: Cohort, matrices: RelationMatrices, trained: Trained, tmp_path: Path
) -> None:
    again = train(cohort, matrices, TINY, tmp_path)
    for name in ("weights.safetensors", "spl.safetensors", "predictions.parquet", "thresholds.json", "metrics.json"):
        assert (tmp_path / again.run_id / name).read_bytes() == (trained.folder / name).read_bytes(), name


def test_training_into_the_same_folder_replaces_the_run_and_keeps_its_date(
    cohort: Cohort, matrices: RelationMatrices, tmp_path: Path
) -> None:
    quick = replace(TINY, seeds=(0,), epochs=1)
    folder = tmp_path / train(cohort, matrices, quick, tmp_path).run_id
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"created": "2001-01-01T00:00:00+00:00"}))
    (folder / "metrics.json").write_text("spoilt")
    again = train(cohort, matrices, quick, tmp_path)
    assert again.created == "2001-01-01T00:00:00+00:00"
    assert Run.read(folder).run_id == again.run_id
    assert [path.name for path in tmp_path.iterdir()] == [again.run_id]


def test_a_seed_gives_the_same_network_whatever_other_seeds_are_trained(
    cohort: Cohort, matrices: RelationMatrices
) -> None:
    rows = usable(cohort.subset("train"))
    features = MetadataFeatures.fit(rows.table, (1.0,), False).transform(rows.table)
    targets = training_targets(rows.relevant_matrix(), rows.uncertain_matrix(), matrices, Relations.EXPANDED)
    alone = train_members(features, targets, replace(TINY, seeds=(7,), epochs=1))[7]
    among = train_members(features, targets, replace(TINY, seeds=(1, 7, 3), epochs=1))[7]
    assert all(np.array_equal(alone[name], among[name]) for name in alone)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"rhem": Rhem.SAMPLED, "rhem_pairs": 500}, id="sampled RHEM"),
        pytest.param({"rhem": Rhem.OFF}, id="no RHEM"),
        pytest.param({"triplet_weight": 0.0}, id="no triplets"),
        pytest.param({"labels": Relations.MOST_SPECIFIC}, id="no expansion"),
        pytest.param({"weight_power": 0.0}, id="plain cross entropy"),
    ],
)
def test_every_choice_changes_the_weights(
    cohort: Cohort, matrices: RelationMatrices, change: dict[str, object]
) -> None:
    rows = usable(cohort.subset("train")).filter(np.arange(2563) < 600)
    features = MetadataFeatures.fit(rows.table, (1.0,), False).transform(rows.table)
    base = replace(TINY, seeds=(0,), epochs=1)
    found = []
    for recipe in (base, replace(base, **change)):  # type: ignore[arg-type]
        targets = training_targets(rows.relevant_matrix(), rows.uncertain_matrix(), matrices, recipe.labels)
        found.append(train_members(features, targets, recipe)[0])
    assert not np.array_equal(found[0]["trunk.0.weight"], found[1]["trunk.0.weight"])


def test_without_propagation_the_layer_stays_the_identity(cohort: Cohort, matrices: RelationMatrices) -> None:
    rows = usable(cohort.subset("train")).filter(np.arange(2563) < 600)
    features = MetadataFeatures.fit(rows.table, (1.0,), False).transform(rows.table)
    targets = training_targets(rows.relevant_matrix(), rows.uncertain_matrix(), matrices, Relations.EXPANDED)
    state = train_members(features, targets, replace(TINY, seeds=(0,), epochs=1, propagation=False))[0]
    assert np.array_equal(state["propagation.weight"], np.eye(171, dtype=np.float32))
    assert not state["propagation.bias"].any()


def test_labels_of_test_lesions_are_only_judged_never_learned_from(
    cohort: Cohort, matrices: RelationMatrices, tmp_path: Path
) -> None:
    """Other labels for every test lesion: the weights, thresholds and scores stay the same."""
    quick = replace(TINY, seeds=(0,), epochs=1)
    is_test = cohort.table["split"].to_numpy() == "test"
    released = cohort.table["relevant"].to_pylist()
    lists = [[5 + n % 3] if t else row for n, (t, row) in enumerate(zip(is_test, released, strict=True))]
    table = cohort.table.set_column(
        cohort.table.column_names.index("relevant"), "relevant", pa.array(lists, pa.list_(pa.int16()))
    )
    other = refrozen(cohort, table)
    first, second = (train(c, matrices, quick, tmp_path) for c in (cohort, other))
    assert first.run_id != second.run_id
    assert all(np.array_equal(first.weights[name], second.weights[name]) for name in first.weights)
    assert np.array_equal(first.thresholds, second.thresholds)
    assert np.array_equal(first.probability, second.probability)
    assert first.metrics["test"]["macro_auc"] != second.metrics["test"]["macro_auc"]


def refrozen(cohort: Cohort, table: pa.Table) -> Cohort:
    return Cohort.freeze(
        cohort.name,
        cohort.label_set,
        cohort.label_ids,
        cohort.label_names,
        cohort.revision,
        cohort.ontology_hash,
        cohort.matrix_hash,
        table,
    )


def test_matrices_of_other_labels_or_relations_are_refused(
    cohort: Cohort, matrices: RelationMatrices, tmp_path: Path
) -> None:
    turned = replace(matrices, label_ids=matrices.label_ids[::-1])
    with pytest.raises(TrainingError, match="not in that order"):
        train(cohort, turned, TINY, tmp_path)
    fewer = replace(matrices, exclusive=algebra.from_pairs(np.zeros((0, 2), int), matrices.size))
    with pytest.raises(TrainingError, match="frozen with other relations"):
        train(cohort, fewer, TINY, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_cohort_without_usable_lesions_is_refused(cohort: Cohort, matrices: RelationMatrices, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no training lesion has metadata"):
        train(cohort.filter(~cohort.has_metadata), matrices, TINY, tmp_path)
    with pytest.raises(TrainingError, match="no val lesion has metadata"):
        train(cohort.subset("train"), matrices, TINY, tmp_path)


def test_a_training_that_diverges_says_so(cohort: Cohort, matrices: RelationMatrices, tmp_path: Path) -> None:
    wild = replace(TINY, seeds=(0,), learning_rate=1e30)
    with pytest.raises(TrainingError, match="lower learning_rate"):
        train(cohort, matrices, wild, tmp_path)
    assert not list(tmp_path.iterdir())


def test_predictions_of_new_rows_are_those_the_run_stored(cohort: Cohort, trained: Trained) -> None:
    read = Run.read(trained.folder)
    rows = [i for i, lesion in enumerate(cohort.table["lesion"].to_pylist()) if lesion in set(read.lesions[:50])]
    found = predict(read, cohort.table.take(rows))
    names = cohort.table["lesion"].take(rows).to_pylist()
    stored = [read.lesions.index(name) for name in names]
    np.testing.assert_allclose(found.score, read.score[stored], atol=1e-6)
    np.testing.assert_allclose(found.probability, read.probability[stored], atol=1e-6)
    np.testing.assert_allclose(found.embedding, read.embedding[stored], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found.embedding, axis=1), 1, atol=1e-5)


def test_renaming_a_label_leaves_the_run_and_its_predictions_alone(cohort: Cohort, trained: Trained) -> None:
    run = trained.run
    renamed = replace(run.matrices, names=("renamed", *run.matrices.names[1:]), revision=9, ontology_hash="f" * 64)
    assert run_id_of(METADATA, run.cohort, run.label_data_hash, renamed, run.recipe.as_dict()) == run.run_id
    rows = cohort.subset("test").table.slice(0, 10)
    found, expected = predict(replace(run, matrices=renamed), rows), predict(run, rows)
    assert np.array_equal(found.probability, expected.probability)


def test_the_learning_rate_rises_to_its_peak_and_falls_to_nothing() -> None:
    rates = [one_cycle(n / 100) for n in range(101)]
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert (rates[0], rates[10], rates[100]) == (pytest.approx(0.04), 1, 0)


@pytest.mark.slow
def test_the_default_recipe_reaches_the_target_on_the_real_test_lesions(
    cohort: Cohort, matrices: RelationMatrices, tmp_path: Path
) -> None:
    run = train(cohort, matrices, Recipe(), tmp_path)
    assert run.metrics["test"]["macro_auc"] >= 0.885
    assert run.metrics["test"]["coherence"]["decoded"]["lesions_incoherent"] == 0
