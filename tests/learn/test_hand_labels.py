"""Hand-labelled lesions: the reader of their file, and what a run says of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_patches
import numpy as np
import pytest
from tiny_runs import Trained

from ingest.images.geometry import PatchGeometry
from ingest.images.patch_cache import write_cache
from kg.cohort import Cohort
from kg.errors import InputError, TrainingError, UsageError
from kg.matrices import RelationMatrices
from learn.evaluation import evaluate
from learn.hand_labels import HandLabels, judge_by_hand, read_hand_labels
from learn.image.recipe import ImageRecipe
from learn.image.train import train_images
from learn.judged import Judged
from learn.predict import predict

SECRET = "words of a report"


@pytest.fixture(scope="module")
def hand(shared_data: Path, matrices: RelationMatrices) -> HandLabels:
    return read_hand_labels(shared_data / "lesanet" / "hand_labeled_dev_250.json", matrices.names)


def file_of(folder: Path, rows: Any) -> Path:
    path = folder / "hand.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def row(index: Any, *terms: Any) -> dict[str, Any]:
    return {"text": SECRET, "lesion_idx": index, "expanded_terms": list(terms)}


def test_the_released_half_has_250_lesions_and_their_labels_as_counted(hand: HandLabels) -> None:
    assert len(hand.indices) == 250
    assert int(hand.truth.sum()) == 1370
    assert int((hand.truth.sum(axis=0) > 0).sum()) == 124
    assert sum(hand.outside.values()) == 59
    assert list(hand.outside.items())[:2] == [("iliac", 8), ("neoplasm", 7)]


def test_nothing_of_the_text_is_kept(tmp_path: Path, matrices: RelationMatrices) -> None:
    found = read_hand_labels(file_of(tmp_path, [row(7, "lung", "elbow"), row(3, "elbow")]), matrices.names)
    assert found.indices == (7, 3)
    assert found.outside == {"elbow": 2}
    assert np.flatnonzero(found.truth[0]).tolist() == [matrices.names.index("lung")]
    assert not found.truth[1].any()
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param({"a": 1}, "not a file of hand-labelled lesions", id="no list"),
        pytest.param([{"lesion_idx": 1}], "not a file of hand-labelled lesions", id="no terms"),
        pytest.param([], "no lesion", id="empty"),
        pytest.param([row(1), row(1)], "lesion 1 appears twice", id="twice"),
        pytest.param([row(-1)], "entry 1: lesion_idx", id="negative"),
        pytest.param([row(1.5)], "entry 1: lesion_idx", id="fraction"),
        pytest.param([row(True)], "entry 1: lesion_idx", id="bool"),
        pytest.param([row(1, 5)], "lesion 1: expanded_terms", id="number for a term"),
        pytest.param([row(1, 5 * SECRET)], "lesion 1: expanded_terms", id="a sentence for a term"),
    ],
)
def test_another_layout_is_refused_and_no_text_repeated(
    tmp_path: Path, matrices: RelationMatrices, rows: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_hand_labels(file_of(tmp_path, rows), matrices.names)
    assert SECRET not in str(caught.value)


def test_a_metadata_run_is_judged_on_all_of_them_with_what_it_predicts_of_each(
    hand: HandLabels, trained: Trained, cohort: Cohort, matrices: RelationMatrices
) -> None:
    judged = judge_by_hand(trained.run, cohort, hand)
    assert judged.size == 250
    assert judged.used.all()
    assert judged.truth.sum() == hand.truth.sum()
    place = {index: n for n, index in enumerate(judged.table["index"].to_pylist())}
    np.testing.assert_array_equal(judged.truth[[place[i] for i in hand.indices]], hand.truth)
    stored = {lesion: n for n, lesion in enumerate(trained.run.lesions)}
    both = [(n, stored[name]) for n, name in enumerate(judged.table["lesion"].to_pylist()) if name in stored]
    assert len(both) > 100
    ours, theirs = map(list, zip(*both, strict=True))
    np.testing.assert_allclose(judged.score[ours], trained.run.score[theirs], atol=1e-6)
    np.testing.assert_array_equal(judged.score, predict(trained.run, judged.table).score)


def test_hand_labels_change_no_figure_of_the_other_splits(hand: HandLabels, trained: Trained, cohort: Cohort) -> None:
    judged = judge_by_hand(trained.run, cohort, hand)
    found = evaluate(trained.run, cohort, judged)
    assert {k: v for k, v in found.as_dict().items() if k != "hand"} == evaluate(trained.run, cohort).as_dict()
    figures = found.splits["hand"]
    assert figures.lesions == 250
    assert 0.7 < figures.macro_auc < 1
    assert figures.coherence["decoded"].lesions_incoherent == 0


def test_a_lesion_that_was_trained_on_is_refused(trained: Trained, cohort: Cohort, matrices: RelationMatrices) -> None:
    index = cohort.subset("train").table["index"][0].as_py()
    hand = HandLabels((index,), np.zeros((1, matrices.size), bool), {})
    with pytest.raises(TrainingError, match=rf"1 of the hand-labelled lesions \(first: {index}\)"):
        judge_by_hand(trained.run, cohort, hand)


def test_a_lesion_beyond_deeplesion_is_refused(trained: Trained, cohort: Cohort, matrices: RelationMatrices) -> None:
    hand = HandLabels((99_999,), np.zeros((1, matrices.size), bool), {})
    with pytest.raises(InputError, match="99999"):
        judge_by_hand(trained.run, cohort, hand)


def test_a_run_that_looks_at_pixels_needs_patches_of_the_lesions(
    trained: Trained, cohort: Cohort, matrices: RelationMatrices, tmp_path: Path
) -> None:
    run = replace(trained.run, features="image", recipe=ImageRecipe())
    index = cohort.subset("test").table["index"][0].as_py()
    hand = HandLabels((index,), np.zeros((1, matrices.size), bool), {})
    with pytest.raises(UsageError, match="--patches"):
        judge_by_hand(run, cohort, hand)
    other = write_cache(tmp_path / "cache", PatchGeometry(16), ["DL:00001"], np.zeros((1, 3, 16, 16)), np.zeros((1, 4)))
    with pytest.raises(TrainingError, match="none of the hand-labelled lesions has a patch"):
        judge_by_hand(run, cohort, hand, other)


def test_a_run_on_patches_is_judged_on_the_patches_it_is_given(tmp_path: Path) -> None:
    matrices = made_patches.made_matrices()
    cohort = made_patches.made_cohort(matrices)
    cache = made_patches.made_cache(tmp_path / "cache", cohort)
    run = train_images(cohort, matrices, cache, made_patches.TINY, tmp_path / "runs")
    test = cohort.subset("test")
    indices = test.table["index"].to_pylist()
    hand = HandLabels(tuple(reversed(indices)), test.relevant_matrix().toarray()[::-1], {})
    some = made_patches.made_cache(tmp_path / "some", cohort, test.table["lesion"].to_pylist()[2:])
    judged = judge_by_hand(run, cohort, hand, some)
    assert judged.table["lesion"].to_pylist() == test.table["lesion"].to_pylist()[2:]
    np.testing.assert_array_equal(judged.truth, test.relevant_matrix().toarray()[2:])
    whole = judge_by_hand(run, cohort, hand, cache)
    stored = Judged.of_split(run, cohort, "test")
    np.testing.assert_allclose(whole.score, stored.score, atol=1e-5)
    np.testing.assert_array_equal(whole.truth, stored.truth)
    assert evaluate(run, cohort, judged).splits["hand"].lesions == test.size - 2
