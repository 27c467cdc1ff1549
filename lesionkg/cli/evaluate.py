"""``lesionkg evaluate``: what a run is worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from lesionkg.cli.context import RESEARCH_USE_ONLY, Graph, Home, Json, console, graph_url, home_folder, print_json

if TYPE_CHECKING:
    from learn.figures import Evaluation, SplitEvaluation
    from learn.run import Run


def command(
    run: Annotated[str, typer.Argument(help="Run id, or the run's folder.")],
    per_label: Annotated[bool, typer.Option("--per-label", help="Figures of every label on the test split.")] = False,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Judge a run on the validation and test lesions of its cohort, from the predictions it stored."""
    from learn.evaluation import evaluate
    from learn.run import Run
    from lesionkg.training_data import pull_training_data

    folder = Path(run) if Path(run).is_dir() else home_folder(home) / "runs" / run
    read = Run.read(folder)
    cohort, _ = pull_training_data(graph_url(home, graph), read.cohort)
    evaluation = evaluate(read, cohort)
    if json_:
        labels = {"labels": evaluation.per_label()} if per_label else {}
        print_json({"run": read.run_id, "saw_pixels": read.saw_pixels, "metrics": evaluation.as_dict(), **labels})
        return
    if per_label:
        console.print(_label_table(evaluation))
    else:
        _print_summary(read, evaluation)
    console.print(f"Run {read.run_id} saw no pixels. {RESEARCH_USE_ONLY}", highlight=False)


def _print_summary(run: Run, evaluation: Evaluation) -> None:
    console.print(_split_table(evaluation))
    test = evaluation.splits["test"]
    decided = Table(
        "decision, on test", "precision", "recall", "F1", "micro F1", "incoherent lesions", "never predicted"
    )
    for name, figures, broken, precision in (
        ("paper (never predicted counts as 1)", test.paper, test.coherence["paper"], test.paper.precision_one),
        ("paper (counts as 0)", test.paper, test.coherence["paper"], test.paper.precision_zero),
        ("coherent (counts as 0)", test.coherent, test.coherence["decoded"], test.coherent.precision_zero),
        ("coherent (left out)", test.coherent, test.coherence["decoded"], test.coherent.precision_nan),
    ):
        shown = (precision, figures.recall, figures.f1, figures.micro_f1)
        counts = (broken.lesions_incoherent, figures.never_predicted)
        decided.add_row(name, *(f"{value:.3f}" for value in shown), *map(str, counts))
    console.print(decided)
    groups = Table("test lesions by", "group", "lesions", "patients", "labels", "macro AUC", "95 %", "micro F1")
    for group in test.groups:
        groups.add_row(
            group.by,
            group.group,
            f"{group.lesions:,}",
            str(group.patients),
            str(group.labels),
            f"{group.macro_auc:.4f}",
            f"{group.interval.low:.4f} to {group.interval.high:.4f}",
            f"{group.micro_f1:.3f}",
        )
    console.print(groups)
    console.print(
        f"{test.insufficient_labels} of {run.matrices.size} labels have insufficient evidence (under 10 positive test "
        f"lesions). Calibration error {test.calibration_error['score']:.4f} before, "
        f"{test.calibration_error['probability']:.4f} after calibration.",
        highlight=False,
    )


def _split_table(evaluation: Evaluation) -> Table:
    table = Table("", *evaluation.splits)

    def row(name: str, show: object) -> None:
        assert callable(show)
        table.add_row(name, *(show(figures) for figures in evaluation.splits.values()))

    def macro(s: SplitEvaluation) -> str:
        return f"{s.macro_auc:.4f} ({s.macro_auc_interval.low:.4f} to {s.macro_auc_interval.high:.4f})"

    row("lesions (patients)", lambda s: f"{s.lesions:,} ({s.patients})")
    row("macro AUC, mean score of all seeds (95 %)", macro)
    row("macro AUC, one seed alone", lambda s: f"{s.seed_macro_auc_mean:.4f} ± {s.seed_macro_auc_sd:.4f}")
    row("macro AUC, labels with 10 positives or more", lambda s: f"{s.macro_auc_sufficient:.4f}")
    for name in evaluation.splits["test"].auc_by_class:
        row(f"macro AUC, {name} labels", lambda s, name=name: f"{s.auc_by_class[name]:.4f}")
    return table


def _label_table(evaluation: Evaluation) -> Table:
    table = Table(
        "label", "class", "train", "test", "AUC", "95 %", "precision", "recall", "F1", "threshold", "evidence"
    )
    for label in evaluation.labels:
        table.add_row(
            label.name,
            label.label_class,
            str(label.train_positives),
            str(label.test_positives),
            f"{label.auc:.3f}",
            f"{label.auc_low:.3f} to {label.auc_high:.3f}",
            f"{label.precision:.2f}",
            f"{label.recall:.2f}",
            f"{label.f1:.2f}",
            f"{label.threshold:.3f}",
            label.evidence,
        )
    return table
