"""``lesionkg train``: a model from a cohort and the relations in the graph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kg.errors import UsageError
from lesionkg.cli.context import (
    RESEARCH_USE_ONLY,
    Graph,
    Home,
    Json,
    console,
    graph_url,
    home_folder,
    print_json,
    progress,
)

if TYPE_CHECKING:
    from learn.run import Run


def command(
    features: Annotated[str, typer.Option(help="What the model looks at; 'metadata' looks at no pixels.")] = "metadata",
    cohort: Annotated[str, typer.Option(help="Id of a cohort, or its name (the newest of that name).")] = "lesanet",
    seeds: Annotated[
        str | None, typer.Option(help="Seeds separated by commas, one network each; default 0,1,2,3,4.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="JSON file with settings that differ from the default recipe.")
    ] = None,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Train on real lesions with the relations of the graph, and write a run into the data folder."""
    from learn.recipe import Recipe
    from learn.run import METADATA
    from lesionkg.training_data import pull_training_data

    if features != METADATA:
        raise UsageError(f"features {features!r}: only {METADATA!r} exists")
    chosen = Recipe() if recipe is None else Recipe.read(recipe)
    if seeds is not None:
        chosen = replace(chosen, seeds=parse_seeds(seeds))
    with progress(quiet=json_) as display:
        task = display.add_task("reading the graph", total=None)
        lesions, matrices = pull_training_data(graph_url(home, graph), cohort)

        # Torch takes seconds to import; only here is it needed.
        from learn.training import train

        display.update(task, description="training")
        run = train(
            lesions,
            matrices,
            chosen,
            home_folder(home) / "runs",
            lambda done, of: display.update(task, completed=done, total=of),
        )
    folder = home_folder(home) / "runs" / run.run_id
    if json_:
        print_json(_as_json(run, folder))
        return
    test = run.metrics["test"]
    low, high = test["macro_auc_interval"]["low"], test["macro_auc_interval"]["high"]
    alone = test["seed_macro_auc_mean"]
    console.print(
        f"Run {run.run_id}: macro AUC {test['macro_auc']:.4f} ({low:.4f} to {high:.4f}, 95 %, patients resampled) on "
        f"{test['lesions']:,} test lesions; one seed alone {alone:.4f}; "
        f"validation {run.metrics['val']['macro_auc']:.4f}.\n"
        f"Folder: {folder}\n"
        f"This model saw no pixels. {RESEARCH_USE_ONLY} Next: lesionkg evaluate {run.run_id}",
        highlight=False,
        soft_wrap=True,
    )


def parse_seeds(text: str) -> tuple[int, ...]:
    """Whole numbers separated by commas.

    Raises:
        UsageError: something else is given.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"seeds {text!r}: give whole numbers separated by commas, for example 0,1,2") from error


def _as_json(run: Run, folder: Path) -> dict[str, Any]:
    return {
        "run": run.run_id,
        "folder": str(folder),
        "features": run.features,
        "saw_pixels": run.saw_pixels,
        "cohort": run.cohort,
        "seeds": list(run.seeds),
        "revision": run.matrices.revision,
        "matrix_hash": run.matrices.matrix_hash,
        "metrics": run.metrics,
    }
