"""The evaluation of a run on real lesions."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from tiny_runs import Trained

from kg.cohort import Cohort
from kg.errors import MatrixError, TrainingError, UsageError
from kg.matrices import RelationMatrices
from learn.decode import Decoder, decide
from learn.evaluation import coherence, decided_as_paper, decisions, evaluate
from learn.figures import Evaluation
from learn.image.recipe import ImageRecipe
from learn.judged import Judged, truth_of
from learn.metrics import auc


@pytest.fixture(scope="module")
def evaluation(trained: Trained, cohort: Cohort) -> Evaluation:
    return evaluate(trained.run, cohort)


def test_evaluating_again_gives_the_figures_the_run_stored(trained: Trained, evaluation: Evaluation) -> None:
    assert json.loads(json.dumps(evaluation.as_dict())) == trained.run.metrics
    assert evaluation.per_label_csv() == (trained.folder / "per_label.csv").read_text(encoding="utf-8")


def test_macro_area_under_the_curve_is_the_mean_of_scikit_learns_over_labels(
    trained: Trained, cohort: Cohort, evaluation: Evaluation
) -> None:
    run = trained.run
    test = cohort.subset("test")
    test = test.filter(np.diff(test.relevant_matrix().indptr) > 0)
    row_of = {lesion: i for i, lesion in enumerate(run.lesions)}
    score = run.score[[row_of[lesion] for lesion in test.table["lesion"].to_pylist()]]
    truth, used = truth_of(test)
    areas = [roc_auc_score(truth[used[:, c], c], score[used[:, c], c]) for c in range(171)]
    assert evaluation.splits["test"].macro_auc == pytest.approx(np.mean(areas), abs=1e-9)
    np.testing.assert_allclose([label.auc for label in evaluation.labels], areas, atol=1e-9)


def test_uncertain_labels_are_ignored_unless_relevant_too(cohort: Cohort) -> None:
    for split, ignored in (("val", 175), ("test", 142)):
        part = cohort.subset(split)
        part = part.filter(np.diff(part.relevant_matrix().indptr) > 0)
        truth, used = truth_of(part)
        assert int((~used).sum()) == ignored
        assert not (truth & ~used).any()


def test_intervals_hold_the_figure_and_sufficient_labels_are_known_more_sharply(evaluation: Evaluation) -> None:
    for figures in evaluation.splits.values():
        assert figures.macro_auc_interval.low < figures.macro_auc < figures.macro_auc_interval.high
    width = {"sufficient": [], "insufficient": []}  # type: dict[str, list[float]]
    for label in evaluation.labels:
        if not np.isnan(label.auc_low):
            width[label.evidence].append(label.auc_high - label.auc_low)
            assert label.auc_low <= label.auc + 1e-9
            assert label.auc <= label.auc_high + 1e-9
    assert np.mean(width["sufficient"]) < np.mean(width["insufficient"])


def test_groups_part_the_test_lesions(evaluation: Evaluation) -> None:
    for by in ("sex", "age", "size"):
        groups = [group for group in evaluation.splits["test"].groups if group.by == by]
        assert sum(group.lesions for group in groups) == 1761
        assert len(groups) >= 2
        assert all(group.interval.low <= group.macro_auc <= group.interval.high for group in groups if group.labels)


def test_coherent_decisions_break_nothing_and_the_papers_do(evaluation: Evaluation) -> None:
    for figures in evaluation.splits.values():
        assert figures.coherence["decoded"].lesions_incoherent == 0
        assert figures.coherence["paper"].missing_ancestors == 0
        assert figures.coherence["paper"].exclusive_pairs > 0
        assert figures.coherence["thresholds_only"].missing_ancestors > 0


def test_every_coherent_decoder_breaks_nothing_and_the_others_do(evaluation: Evaluation) -> None:
    for figures in evaluation.splits.values():
        assert set(figures.ways) == {way.value for way in Decoder}
        for way in Decoder:
            broken = figures.ways[way].coherence
            assert (broken.lesions_incoherent == 0) == way.coherent
            assert (broken.missing_ancestors + broken.exclusive_pairs == 0) == way.coherent


def test_a_chosen_decoder_tells_of_labels_and_groups_and_leaves_the_rest(
    trained: Trained, cohort: Cohort, evaluation: Evaluation
) -> None:
    exact = evaluate(trained.run, cohort, decoder=Decoder.EXACT)
    test, before = exact.splits["test"], evaluation.splits["test"]
    assert (exact.decoder, evaluation.decoder) == ("exact", "greedy")
    assert test.ways == before.ways
    assert test.coherent == test.ways["exact"].decisions != before.coherent
    assert np.nanmean([label.f1 for label in exact.labels]) == pytest.approx(test.coherent.f1)
    assert [label.paper_f1 for label in exact.labels] == [label.paper_f1 for label in evaluation.labels]
    with pytest.raises(UsageError, match="decoder 'top': its label sets can break relations"):
        evaluate(trained.run, cohort, decoder=Decoder.TOP)


def test_a_recipe_with_a_fixed_number_of_labels_is_judged_as_published(trained: Trained) -> None:
    run, scores = trained.run, trained.run.score[:50]
    grid = np.full(171, 0.5)
    expected = decide(Decoder.PAPER, scores, grid, run.matrices).positive
    np.testing.assert_array_equal(decided_as_paper(run, scores, grid), expected)
    fixed = decided_as_paper(replace(run, recipe=ImageRecipe.named("isbi-2019")), scores, grid)
    assert (fixed.sum(axis=1) == 5).all()


def test_relations_too_dense_for_exact_inference_leave_the_rest_of_the_figures(
    trained: Trained, cohort: Cohort, evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: RelationMatrices) -> None:
        raise MatrixError("a bag would have too many states")

    monkeypatch.setattr("learn.evaluation.JunctionTree.compile", refuse)
    test = evaluate(trained.run, cohort).splits["test"]
    assert "exact" not in test.ways
    assert np.isnan(test.coherent_auc["exact_marginals"])
    assert test.paper == evaluation.splits["test"].paper


def test_conventions_for_undefined_precision_are_ordered(evaluation: Evaluation) -> None:
    for way in (evaluation.splits["test"].paper, evaluation.splits["test"].coherent):
        assert way.never_predicted > 0
        assert way.precision_zero < way.precision_nan < way.precision_one


def test_area_under_the_curve_of_coherent_scores_is_that_of_an_upward_maximum_and_of_exact_marginals(
    trained: Trained, cohort: Cohort, matrices: RelationMatrices, evaluation: Evaluation
) -> None:
    judged = Judged.of_split(trained.run, cohort, "test")
    below = matrices.ancestors.toarray().T | np.eye(matrices.size, dtype=bool)
    upward = np.stack([judged.score[:, row].max(axis=1) for row in below], axis=1)
    found = evaluation.splits["test"].coherent_auc
    assert set(found) == {
        *("max_constraint", "exact_marginals", "max_constraint_calibrated", "exact_marginals_calibrated"),
    }
    assert found["max_constraint"] == pytest.approx(np.nanmean(auc(judged.truth, upward, judged.used)), abs=1e-6)
    assert all(0.6 < value < 1 for value in found.values())
    assert len(set(found.values())) == 4


def test_calibration_lowers_the_error_on_test_lesions_too(evaluation: Evaluation) -> None:
    error = evaluation.splits["test"].calibration_error
    assert error["probability"] < error["score"]
    assert error["probability"] < 0.01


def test_four_patients_are_in_train_and_val_and_none_in_test_and_another(evaluation: Evaluation) -> None:
    assert evaluation.shared_patients == {"train and val": 4, "train and test": 0, "val and test": 0}


def test_expanding_predictions_never_lowers_recall_on_expanded_truth(
    trained: Trained, cohort: Cohort, matrices: RelationMatrices
) -> None:
    run = trained.run
    raw = run.score >= run.thresholds
    position = {lesion: i for i, lesion in enumerate(cohort.table["lesion"].to_pylist())}
    rows = [position[lesion] for lesion in run.lesions]
    truth = matrices.expand(cohort.relevant_matrix()[rows]).toarray()
    used = np.ones_like(truth)
    expanded = matrices.expand(raw).toarray()
    few, more = decisions(truth, raw, used, matrices), decisions(truth, expanded, used, matrices)
    assert more.micro_recall >= few.micro_recall
    assert more.recall >= few.recall


def test_coherence_counts_each_missing_ancestor_and_each_pair_once(matrices: RelationMatrices) -> None:
    child, ancestor = np.argwhere(matrices.ancestors.toarray())[0]
    a, b = np.argwhere(matrices.exclusive.toarray())[0]
    decided = np.zeros((3, matrices.size), bool)
    decided[0, child] = True
    decided[1, [a, b]] = True
    found = coherence(decided, matrices)
    above = int(matrices.ancestors[[child]].sum())
    assert found.exclusive_pairs == 1
    assert found.missing_ancestors >= above
    assert found.lesions_incoherent == 2
    assert coherence(matrices.expand(decided[:1]).toarray(), matrices).lesions_incoherent == 0
    assert ancestor != child


def test_a_cohort_whose_lesions_the_run_never_saw_is_refused(trained: Trained, cohort: Cohort) -> None:
    with pytest.raises(TrainingError, match="no prediction for any labelled val lesion"):
        evaluate(replace(trained.run, lesions=("x",) * len(trained.run.lesions)), cohort)
