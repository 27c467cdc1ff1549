"""``lesionkg publish``: a run becomes part of the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kg.store import GraphStore
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
        decided = _stamp_decisions(store, home_folder(home))
    if json_:
        print_json(summary.as_dict() | {"decided": decided})
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
    if decided:
        console.print(f"  reviewed      {decided:,} correlations that curators decided about before")
    if not read.saw_pixels:
        console.print("  This model saw no pixels. Research use only.")


def _stamp_decisions(store: GraphStore, home: Path) -> int:
    """Mark the model's correlations that curators decided about; nothing where there is no curation store yet."""
    from kg.curation.decisions import latest
    from kg.curation.proposal_tables import open_curation
    from kg.curation.queues_graph import stamp_reviews
    from kg.curation.queues_tables import make_queue_tables
    from kg.graph_ontology import load_ontology
    from kg.relational import database_address

    address = database_address(home)
    if "://" not in address and not Path(address).exists():
        return 0
    with open_curation(home) as database:
        make_queue_tables(database)
        return stamp_reviews(store, latest(database, load_ontology(store)))
