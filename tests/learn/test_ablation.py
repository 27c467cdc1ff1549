"""The ablation runner: what each row changes, what it is trained on, and that it goes on where it was."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path

import made_patches
import numpy as np
import pytest
from tiny_runs import TINY

from kg import algebra
from kg.cohort import Cohort
from kg.errors import TrainingError, UsageError
from kg.matrices import RelationMatrices
from learn.ablation import (
    FIGURES,
    MORE_VARIANTS,
    VARIANTS,
    Ablation,
    Frequencies,
    TrainingLabels,
    measure,
    relabelled,
    variants,
)
from learn.evaluation import evaluate
from learn.image.recipe import ImageRecipe
from learn.recipe import Recipe, Relations, Rhem
from learn.run import Run

SMALL = replace(TINY, epochs=2)


@pytest.fixture(scope="module")
def ablation(cohort: Cohort, matrices: RelationMatrices, tmp_path_factory: pytest.TempPathFactory) -> Ablation:
    return Ablation(cohort, matrices, SMALL, tmp_path_factory.mktemp("ablation"))


def test_the_rows_are_those_of_the_papers_table(ablation: Ablation) -> None:
    keys = [variant.key for variant in VARIANTS]
    assert keys == ["full", "no-propagation", "no-rhem", "no-expansion", "no-text-mining", "no-triplet", "wce"]
    assert len({variant.key for variant in (*VARIANTS, *MORE_VARIANTS)}) == len(VARIANTS) + len(MORE_VARIANTS)


@pytest.mark.parametrize("full", [pytest.param(Recipe(), id="metadata"), pytest.param(ImageRecipe(), id="image")])
def test_each_row_changes_its_settings_and_the_seed_and_nothing_else(full: Recipe | ImageRecipe) -> None:
    ablation = Ablation(None, None, full, Path())  # type: ignore[arg-type]
    for variant in (*VARIANTS, *MORE_VARIANTS):
        derived = ablation.recipe_of(variant, 9)
        assert derived.seeds == (9,)
        before, after = asdict(full), asdict(derived)  # type: ignore[arg-type]
        changed = {name for name in before if before[name] != after[name]} - {"seed", "seeds"}
        assert changed == set(variant.changes) or changed < set(variant.changes)
    (bare,) = variants(["wce"])
    recipe = ablation.recipe_of(bare, 0)
    assert (recipe.rhem, recipe.propagation, recipe.triplet_weight) == (Rhem.OFF, False, 0)
    assert recipe.labels is Relations.EXPANDED


def test_an_unknown_row_is_refused_with_those_that_exist() -> None:
    assert [variant.key for variant in variants(["wce", "full"])] == ["wce", "full"]
    with pytest.raises(UsageError, match=r"row 'no-gpu'.*no-propagation"):
        variants(["no-gpu"])


def test_without_expansion_two_fifths_of_the_training_positives_are_gone(cohort: Cohort) -> None:
    mentioned = relabelled(cohort, TrainingLabels.MENTIONED)
    full, few = cohort.subset("train").positive_matrix(), mentioned.subset("train").positive_matrix()
    assert (full.nnz, few.nnz) == (81_430, 48_886)
    assert algebra.minus(few, full).nnz == 0
    assert (np.diff(few.indptr) > 0).sum() == (np.diff(full.indptr) > 0).sum()


def test_without_text_mining_irrelevant_mentions_are_positive(cohort: Cohort) -> None:
    noisy = relabelled(cohort, TrainingLabels.ALL_MENTIONS)
    train = cohort.subset("train")
    expected = algebra.union(train.positive_matrix(), train.irrelevant_matrix())
    assert algebra.minus(noisy.subset("train").positive_matrix(), expected).nnz == 0
    assert noisy.subset("train").positive_matrix().nnz == expected.nnz == 86_939


@pytest.mark.parametrize("labels", list(TrainingLabels))
def test_validation_and_test_lesions_keep_their_labels(cohort: Cohort, labels: TrainingLabels) -> None:
    other = relabelled(cohort, labels)
    assert (other.id == cohort.id) == (labels is TrainingLabels.LISTED)
    assert other.matrix_hash == cohort.matrix_hash
    other.verify()
    for split in ("val", "test"):
        assert other.subset(split).table.equals(cohort.subset(split).table)


def test_rare_and_frequent_labels_of_the_full_release_are_those_of_its_authors(cohort: Cohort) -> None:
    train = cohort.subset("train")
    groups = Frequencies.of(np.asarray(train.positive_matrix().sum(axis=0)))
    assert abs(groups.at_most - 100) <= 5
    assert 900 <= groups.at_least <= 1100
    assert 71 <= groups.rare.sum() <= 73
    assert groups.frequent.sum() == 18
    one = Frequencies.of(np.array([5]))
    assert one.rare.all() and one.frequent.all()


def test_a_row_is_trained_once_for_each_seed_and_read_again_afterwards(
    ablation: Ablation, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = VARIANTS[0]
    steps: list[tuple[int, int]] = []
    first = ablation.line(full, (0, 1), lambda done, of: steps.append((done, of)))
    assert len(set(first.runs)) == 2
    assert steps == [(1, 2), (2, 2)] * 2
    assert first.values.shape == (2, len(FIGURES))
    np.testing.assert_allclose(first.mean, first.values.mean(axis=0))
    np.testing.assert_allclose(first.spread, first.values.std(axis=0, ddof=1))
    monkeypatch.setattr("learn.ablation.train", lambda *_: pytest.fail("trained again"))
    again = ablation.line(full, (1,))
    assert again.runs == first.runs[1:]
    np.testing.assert_array_equal(again.values, first.values[1:])
    assert np.isnan(again.spread).all()


def test_its_figures_are_those_of_the_evaluation(ablation: Ablation, cohort: Cohort) -> None:
    line = ablation.line(VARIANTS[0], (0,))
    run = Run.read(ablation.runs_folder / line.runs[0])
    found = evaluate(run, cohort)
    test = found.splits["test"]
    expected = [test.macro_auc, test.paper.precision_one, test.paper.recall, test.paper.f1]
    np.testing.assert_allclose(line.values[0, :4], expected)
    groups = ablation.frequencies
    recall = np.array([label.paper_recall for label in found.labels])
    np.testing.assert_allclose(line.values[0, 4:], [recall[groups.rare].mean(), recall[groups.frequent].mean()])
    assert line.values[0, 5] > line.values[0, 4]
    np.testing.assert_array_equal(measure(run, cohort, groups), line.values[0])


def test_a_row_on_other_labels_is_another_run(ablation: Ablation) -> None:
    (row,) = variants(["no-expansion"])
    other, full = ablation.line(row, (0,)), ablation.line(VARIANTS[0], (0,))
    assert other.runs != full.runs
    assert Run.read(ablation.runs_folder / other.runs[0]).cohort.startswith("lesanet-mentioned-")


def test_rows_over_patches_are_trained_and_read_again(tmp_path: Path) -> None:
    matrices = made_patches.made_matrices()
    cohort = made_patches.made_cohort(matrices)
    cache = made_patches.made_cache(tmp_path / "cache", cohort)
    ablation = Ablation(cohort, matrices, replace(made_patches.TINY, epochs=1), tmp_path / "runs", cache)
    assert ablation.training.size == 24
    lines = [ablation.line(row, (4,)) for row in variants(["full", "no-propagation"])]
    assert lines[0].runs != lines[1].runs
    runs = [Run.read(tmp_path / "runs" / line.runs[0]) for line in lines]
    assert [run.recipe.propagation for run in runs] == [True, False]
    assert all(run.saw_pixels and run.seeds == (4,) for run in runs)
    assert ablation.line(VARIANTS[0], (4,)).runs == lines[0].runs


def test_rows_that_a_cohort_cannot_tell_are_refused(cohort: Cohort) -> None:
    made = made_patches.made_cohort(made_patches.made_matrices())
    with pytest.raises(TrainingError, match="no irrelevant mention"):
        relabelled(made, TrainingLabels.ALL_MENTIONS)
    single = np.array([len(row) == 1 for row in cohort.table["relevant"].to_pylist()])
    with pytest.raises(TrainingError, match="do not tell mentions"):
        relabelled(cohort.filter(single), TrainingLabels.MENTIONED)


def test_settings_that_rows_change_exist_in_both_recipes() -> None:
    known = {field.name for field in fields(Recipe)} & {field.name for field in fields(ImageRecipe)}
    assert {name for variant in (*VARIANTS, *MORE_VARIANTS) for name in variant.changes} <= known
