"""``lesionkg mine train``: a relation CNN from made sentences, or from a hospital's own annotated ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lesionkg.cli.context import RESEARCH_USE_ONLY, Home, Json, console, home_folder, print_json, progress


def command(
    annotations: Annotated[
        Path | None,
        typer.Argument(help="JSON lines of annotated sentences; without it, synthetic sentences of the grammar."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the run's folder; default HOME/relation.", show_default=False)
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the sentences; default 5.", show_default=False)
    ] = None,
    sentences: Annotated[
        int | None, typer.Option(help="Synthetic sentences to train on; default 9000.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the weights and every draw.")] = 0,
    home: Home = None,
    json_: Json = False,
) -> None:
    """Train the relation CNN, judge it beside its baselines, and write it into the data folder."""
    from kg.errors import UsageError
    from learn.relation.recipe import RelationRecipe
    from lesionkg.cli.mine_evaluate import annotated_sentences, figures_table

    if annotations is not None and sentences is not None:
        raise UsageError("--sentences: synthetic sentences are not used with an annotation file; leave one out")
    recipe = RelationRecipe(seed=seed)
    if epochs is not None:
        recipe = replace(recipe, epochs=epochs)
    if sentences is not None:
        recipe = replace(recipe, sentences=sentences)
    with progress(quiet=json_) as display:
        task = display.add_task("reading sentences", total=None)
        left_out = 0

        # Torch takes seconds to import; only here is it needed.
        from kg.shipped import load_shipped
        from learn.relation.corpus import file_corpus, made_corpus
        from learn.relation.make_run import train_relation
        from learn.relation.run import FOLDER

        if annotations is None:
            corpus = made_corpus(recipe)
        else:
            rows, left_out = annotated_sentences(annotations)
            corpus = file_corpus(annotations.name, rows)
        display.update(task, description="training")
        run, folder = train_relation(
            corpus,
            {label.id: label.label_class.value for label in load_shipped().labels},
            recipe,
            out or home_folder(home) / FOLDER,
            lambda done, of: display.update(task, completed=done, total=of),
        )
    if json_:
        print_json(
            {
                "run": run.run_id,
                "model": run.model().id,
                "folder": str(folder),
                "synthetic": run.trained_on.synthetic,
                "sentences": run.trained_on.sentences,
                "pairs": run.trained_on.pairs,
                "left_out": left_out,
                "metrics": run.metrics,
            }
        )
    else:
        console.print(figures_table(run.metrics, run.trained_on.synthetic))
        console.print(
            f"Run {run.run_id}: trained on {run.trained_on}.\nFolder: {folder}\n"
            f"{RESEARCH_USE_ONLY} Next: lesionkg mine evaluate {run.run_id} YOUR-ANNOTATIONS",
            highlight=False,
            soft_wrap=True,
        )
    if left_out:
        raise typer.Exit(1)
