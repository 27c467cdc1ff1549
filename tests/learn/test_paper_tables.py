"""The paper's tables, filled with a run on real lesions."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_runs import Trained

from kg.cohort import Cohort
from kg.errors import UsageError
from learn.description import data_words, is_synthetic, method, sight
from learn.evaluation import evaluate
from learn.figures import Evaluation
from learn.image.recipe import ImageRecipe, Objective
from learn.paper_tables import PAPER_TABLE_1, Judgement, Table, figure_5, table_1, table_2, write_tables
from learn.recipe import Recipe, Relations, Rhem


@pytest.fixture(scope="module")
def evaluation(trained: Trained, cohort: Cohort) -> Evaluation:
    return evaluate(trained.run, cohort)


def judged(evaluation: Evaluation, name: str = "tiny") -> Judgement:
    return Judgement(name, evaluation, "1,761 test lesions")


def read(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.csv())))


def test_table_1_holds_the_run_in_both_conventions_and_the_paper_beside(evaluation: Evaluation) -> None:
    rows = read(table_1([judged(evaluation)]))
    test = evaluation.splits["test"]
    assert [row["text-mined, precision"] for row in rows[:5]] == [
        f"{value:.4f}"
        for value in (
            test.paper.precision_one,
            test.paper.precision_zero,
            *(test.ways[way].decisions.precision_zero for way in ("greedy", "max-constraint", "exact")),
        )
    ]
    assert rows[0]["text-mined, F1"] == f"{test.paper.f1:.4f}"
    assert rows[0]["hand-labelled, AUC"] == ""
    assert len(rows) == 5 + len(PAPER_TABLE_1)
    lesanet = next(row for row in rows if row["method"] == "LesaNet [paper]")
    assert (lesanet["text-mined, AUC"], lesanet["hand-labelled, F1"]) == ("0.9344", "0.4344")


def test_hand_labelled_figures_fill_the_right_half(evaluation: Evaluation) -> None:
    with_hand = replace(evaluation, splits={**evaluation.splits, "hand": evaluation.splits["val"]})
    row = read(table_1([judged(with_hand)]))[0]
    assert row["hand-labelled, AUC"] == f"{evaluation.splits['val'].macro_auc:.4f}"


def test_table_2_takes_frequent_and_rare_labels_of_each_class_with_evidence(evaluation: Evaluation) -> None:
    rows = read(table_2([judged(evaluation)]))
    labels = {label.name: label for label in evaluation.labels}
    chosen = [row for row in rows if row["train"]]
    assert [row["class"] for row in chosen] == ["bodypart"] * 5 + ["type"] * 5 + ["attribute"] * 5
    assert all(int(row["test"]) >= 10 for row in chosen)
    for row in chosen:
        assert row["AUC, tiny"] == f"{labels[row['label']].auc:.4f}"
        assert row["F1, tiny"] == f"{labels[row['label']].paper_f1:.4f}"
    counts = [int(row["train"]) for row in chosen[:5]]
    assert counts == sorted(counts, reverse=True)
    of_class = [label.train_positives for label in evaluation.labels if label.label_class == "bodypart"]
    assert counts[0] == max(of_class)


def test_mean_f1_over_all_classes_of_table_2_is_that_of_table_1(evaluation: Evaluation) -> None:
    values = np.array([label.paper_f1 for label in evaluation.labels])
    assert evaluation.splits["test"].paper.f1 == pytest.approx(np.nanmean(values))


def test_chosen_labels_go_by_name_or_id_and_unknown_ones_are_refused(evaluation: Evaluation) -> None:
    label = evaluation.labels[40]
    rows = read(table_2([judged(evaluation)], [label.label_id, evaluation.labels[3].name]))
    assert [row["label"] for row in rows[:2]] == [label.name, evaluation.labels[3].name]
    with pytest.raises(UsageError, match="label 'elbow'"):
        table_2([judged(evaluation)], ["elbow"])


def test_figure_5_begins_with_the_most_frequent_labels_and_ends_with_all(evaluation: Evaluation) -> None:
    rows = read(figure_5([judged(evaluation)]))
    sizes = [int(row["labels"]) for row in rows]
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == 171
    assert rows[-1]["F1, tiny"] == f"{evaluation.splits['test'].paper.f1:.4f}"
    assert float(rows[0]["F1, tiny"]) > float(rows[-1]["F1, tiny"])


def test_labels_that_no_training_lesion_has_come_last_in_figure_5(evaluation: Evaluation) -> None:
    unseen = replace(evaluation.labels[7], train_positives=0)
    labels = tuple(unseen if n == 7 else label for n, label in enumerate(evaluation.labels))
    rows = read(figure_5([judged(replace(evaluation, labels=labels))]))
    assert [(row["training lesions of a label"], row["labels"]) for row in rows[-2:]] == [
        ("more than 0", "170"),
        ("any or none", "171"),
    ]


def test_a_run_on_few_labels_has_figures_only_for_subsets_it_knows(evaluation: Evaluation) -> None:
    frequent = tuple(label for label in evaluation.labels if label.train_positives > 200)
    few = judged(replace(evaluation, labels=frequent), "few")
    rows = read(figure_5([few, judged(evaluation)]))
    filled = [row["training lesions of a label"] for row in rows if row["F1, few"]]
    assert filled == ["more than 1,000", "more than 500", "more than 200"]
    assert all(row["F1, tiny"] for row in rows)
    assert any(row["AUC, few"] == "" for row in read(table_2([judged(evaluation), few])))


def test_tables_are_written_as_markdown_and_csv(evaluation: Evaluation, tmp_path: Path) -> None:
    files = write_tables(tmp_path / "new" / "folder", [judged(evaluation, "a|b")])
    assert [file.name for file in files] == [
        *("figure5.csv", "figure5.md", "table1.csv", "table1.md", "table2.csv", "table2.md"),
    ]
    text = files[3].read_text(encoding="utf-8")
    assert "| a\\|b | the paper's conventions |" in text
    assert "a|b: 1,761 test lesions." in text
    assert "Yan et al., CVPR 2019" in text


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        pytest.param(Recipe(), "LesaNet on metadata", id="metadata"),
        pytest.param(ImageRecipe(), "LesaNet on CT", id="image"),
        pytest.param(ImageRecipe(rhem=Rhem.OFF), "LesaNet on CT without RHEM", id="no RHEM"),
        pytest.param(
            ImageRecipe(propagation=False, labels=Relations.MOST_SPECIFIC),
            "LesaNet on CT without score propagation, label expansion",
            id="two parts",
        ),
        pytest.param(
            ImageRecipe.named("multiscale-cnn"), "multiscale network on CT, weighted cross entropy", id="baseline"
        ),
        pytest.param(ImageRecipe.named("warp"), "multiscale network on CT, WARP", id="WARP"),
        pytest.param(
            ImageRecipe(objective=Objective.ASYMMETRIC), "LesaNet on CT, asymmetric loss", id="another objective"
        ),
    ],
)
def test_a_method_is_named_by_what_is_left_out(recipe: Recipe | ImageRecipe, name: str) -> None:
    assert method(recipe) == name


def test_synthetic_lesions_and_pixels_are_said(trained: Trained) -> None:
    run = trained.run
    assert not is_synthetic(run)
    assert sight(run) == f"Run {run.run_id} saw no pixels."
    made = replace(run, lesions=("PHANTOM:00001",), features="image")
    assert is_synthetic(made)
    assert "synthetic" in sight(made)
    assert "pixels" in sight(made)
    assert data_words(made).startswith("synthetic")
    assert data_words(run) == "real lesions"
