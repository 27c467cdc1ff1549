"""How ``lesionkg evaluate`` prints figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from lesionkg.cli.context import console

if TYPE_CHECKING:
    from learn.figures import Evaluation, SplitEvaluation
    from learn.run import Run


def print_summary(run: Run, evaluation: Evaluation) -> None:
    """Figures of all splits, of every way to decide, and of groups of test lesions."""
    from learn.description import WAYS

    console.print(_split_table(run, evaluation))
    test = evaluation.splits["test"]
    decided = Table(
        "decision, on test", "precision", "recall", "F1", "micro F1", "incoherent lesions", "never predicted"
    )
    shown = [("paper", "one"), *((way, "zero") for way in test.ways)]
    for way, undefined in shown:
        figures, broken = test.ways[way].decisions, test.ways[way].coherence
        precision = getattr(figures, f"precision_{undefined}")
        values = (precision, figures.recall, figures.f1, figures.micro_f1)
        counts = (broken.lesions_incoherent, figures.never_predicted)
        said = f"{WAYS[way]} (never predicted counts as {1 if undefined == 'one' else 0})"
        decided.add_row(said, *(f"{value:.3f}" for value in values), *map(str, counts))
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
    similar = Table("test lesions found", "precision", "by chance", "recall", "by chance", "queries")
    for r in test.retrieval:
        shares = (r.precision, r.chance_precision, r.recall, r.chance_recall)
        similar.add_row(f"{r.k} nearest of other patients", *(f"{v:.3f}" for v in shares), f"{r.queries:,}")
    console.print(similar)
    console.print(
        f"{test.insufficient_labels} of {run.matrices.size} labels have insufficient evidence (under 10 positive test "
        f"lesions). Calibration error {test.calibration_error['score']:.4f} before, "
        f"{test.calibration_error['probability']:.4f} after calibration.",
        highlight=False,
    )


def _split_table(run: Run, evaluation: Evaluation) -> Table:
    table = Table(run.run_id, *evaluation.splits)

    def row(name: str, show: object) -> None:
        assert callable(show)
        table.add_row(name, *(show(figures) for figures in evaluation.splits.values()))

    def macro(s: SplitEvaluation) -> str:
        return f"{s.macro_auc:.4f} ({s.macro_auc_interval.low:.4f} to {s.macro_auc_interval.high:.4f})"

    row("lesions (patients)", lambda s: f"{s.lesions:,} ({s.patients})")
    row("macro AUC, mean score of all seeds (95 %)", macro)
    row("macro AUC, one seed alone", lambda s: s.one_network)
    row("macro AUC, labels with 10 positives or more", lambda s: f"{s.macro_auc_sufficient:.4f}")
    for name in evaluation.splits["test"].coherent_auc:
        row(f"macro AUC, {name.replace('_', ' ')}", lambda s, name=name: f"{s.coherent_auc[name]:.4f}")
    for name in evaluation.splits["test"].auc_by_class:
        row(f"macro AUC, {name} labels", lambda s, name=name: f"{s.auc_by_class[name]:.4f}")
    return table


def print_labels(run: Run, evaluation: Evaluation) -> None:
    """Figures of every label on the test split."""
    figures = ("train", "test", "AUC", "95 %", "precision", "recall", "F1", "threshold", "evidence")
    table = Table("label", "class", *figures, title=run.run_id)
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
    console.print(table)
