"""``lesionkg mine evaluate``: what a relation CNN is worth beside rules and simple baselines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from lesionkg.cli.context import (
    RESEARCH_USE_ONLY,
    Home,
    Json,
    console,
    errors,
    home_folder,
    print_json,
    progress,
)

if TYPE_CHECKING:
    from learn.relation.annotations import AnnotatedSentence


def command(
    run: Annotated[str, typer.Argument(help="Run id, or the run's folder.")],
    annotations: Annotated[
        Path | None,
        typer.Argument(help="JSON lines of annotated sentences; without it, the synthetic test sentences."),
    ] = None,
    home: Home = None,
    json_: Json = False,
) -> None:
    """Judge a relation CNN on annotated sentences, beside rules, the papers' rules and simple baselines."""
    with progress(quiet=json_) as display:
        task = display.add_task("reading", total=None)

        # Torch takes seconds to import; only here is it needed.
        from learn.relation.card import REFERENCE
        from learn.relation.compare import compare, compared_models
        from learn.relation.corpus import made_tests
        from learn.relation.run import FOLDER, RelationRun

        read = RelationRun.read(Path(run) if Path(run).is_dir() else home_folder(home) / FOLDER / run)
        left_out = 0
        if annotations is None:
            tests = made_tests()
        else:
            rows, left_out = annotated_sentences(annotations)
            tests = {annotations.name: rows}
        display.update(task, description="judging")
        comparison = compare(
            compared_models(read.model()), tests, lambda done, of: display.update(task, completed=done, total=of)
        )
    synthetic = annotations is None
    metrics = {test: {name: f.as_dict() for name, f in models.items()} for test, models in comparison.items()}
    if json_:
        print_json(
            {
                "run": read.run_id,
                "model": read.model().id,
                "trained_on_synthetic": read.trained_on.synthetic,
                "synthetic": synthetic,
                "left_out": left_out,
                "metrics": metrics,
            }
        )
    else:
        console.print(figures_table(metrics, synthetic))
        console.print(
            f"Run {read.run_id} was trained on {read.trained_on}. {REFERENCE}\n{RESEARCH_USE_ONLY}",
            highlight=False,
            soft_wrap=True,
        )
    if left_out:
        raise typer.Exit(1)


def annotated_sentences(path: Path) -> tuple[list[AnnotatedSentence], int]:
    """Sentences of an annotation file; lines that cannot be used are reported by number on standard error.

    Returns:
        The sentences, and the number of lines left out.

    Raises:
        InputError: the file cannot be read, or holds no sentence with a judged pair.
    """
    from kg.errors import InputError
    from kg.shipped import load_shipped
    from learn.relation.annotations import BadLine, read_annotations

    rows: list[AnnotatedSentence] = []
    left_out = 0
    for row in read_annotations(path, load_shipped()):
        if isinstance(row, BadLine):
            left_out += 1
            errors.print(
                f"{path}, line {row.line}: {row.reason}; left out", highlight=False, markup=False, soft_wrap=True
            )
        else:
            rows.append(row)
    if not any(row.gold for row in rows):
        raise InputError(f"{path}: no sentence with a judged pair; give relations for its mentions and bookmarks")
    return rows, left_out


def figures_table(metrics: Mapping[str, Mapping[str, Any]], synthetic: bool) -> Table:
    """Figures of each model on each set of test sentences."""
    table = Table("test sentences", "model", "precision", "recall", "F1", "95 %", "relevant", "uncertain", "irrelevant")
    for test, models in metrics.items():
        for name, figures in models.items():
            low, high = (_shown(figures["f1_interval"][end]) for end in ("low", "high"))
            table.add_row(
                f"synthetic, {test}" if synthetic else test,
                name,
                *(_shown(figures[each]) for each in ("precision", "recall", "f1")),
                f"{low} to {high}",
                *(_shown(each["f1"]) for each in figures["by_class"].values()),
            )
        table.add_section()
    return table


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
