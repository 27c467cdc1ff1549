"""``lesionkg publish``: a run becomes part of the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lesionkg.cli.context import Graph, Home, Json, console, graph_url, home_folder, print_json


def command(
    run: Annotated[str, typer.Argument(help="Run id, or the run's folder.")],
    min_weight: Annotated[
        float | None,
        typer.Option(help="Smallest absolute correlation weight to keep; default: 5 robust standard deviations."),
    ] = None,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Write a run's correlations, predictions and similar lesions into the graph. Publishing twice changes nothing."""
    from kg.connect import open_store
    from kg.graph_cohort import load_cohort
    from learn.publish import publish
    from learn.run import Run

    folder = Path(run) if Path(run).is_dir() else home_folder(home) / "runs" / run
    read = Run.read(folder)
    with open_store(graph_url(home, graph)) as store:
        summary = publish(store, read, load_cohort(store, read.cohort), min_weight)
    if json_:
        print_json(summary.as_dict())
        return
    console.print(
        f"Model {summary.model}: {'published' if summary.changed else 'already in the graph, nothing changed'}"
    )
    console.print(
        f"  correlations  {summary.correlations:,} of {summary.correlations_considered:,} "
        f"(weight {summary.correlation_threshold:.3f} or more in a seed)\n"
        f"  predicted     {summary.predicted:,} labels on {summary.lesions:,} test lesions\n"
        f"  scored        {summary.scored:,} next-best labels\n"
        f"  similar       {summary.similar:,} pairs of lesions"
    )
    if not read.saw_pixels:
        console.print("  This model saw no pixels. Research use only.")
