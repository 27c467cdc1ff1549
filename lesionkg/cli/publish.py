"""``lesionkg publish``: a run becomes part of the graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lesionkg.cli.context import Graph, Home, Json, console, graph_url, home_folder, print_json
from lesionkg.cli.remote import DEFAULT, Server, TokenEnv, connect

if TYPE_CHECKING:
    from learn.publish import PublishSummary
    from learn.run import Run


def command(
    run: Annotated[str, typer.Argument(help="Run id, or the run's folder.")],
    min_weight: Annotated[
        float | None,
        typer.Option(help="Smallest absolute correlation weight to keep; default: 5 robust standard deviations."),
    ] = None,
    server: Server = None,
    token_env: TokenEnv = DEFAULT,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Write a run's correlations, predictions and similar lesions into the graph. Publishing twice changes nothing.

    With --server, the run is registered with a server, without its weights, and published there.
    """
    from learn.run import Run

    folder = Path(run) if Path(run).is_dir() else home_folder(home) / "runs" / run
    read = Run.read(folder)
    if server is None:
        summary, decided = _publish(read, min_weight, graph_url(home, graph), home_folder(home))
    else:
        with connect(server, token_env, graph) as client:
            client.register_run(folder)
            summary, decided = client.publish(read.run_id, min_weight)
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


def _publish(run: Run, min_weight: float | None, graph: str, home: Path) -> tuple[PublishSummary, int]:
    """Publish into a graph; decisions count where there is a curation store already."""
    from contextlib import ExitStack

    from kg.connect import open_store
    from kg.curation.proposal_tables import open_curation
    from kg.relational import database_address
    from lesionkg.publishing import publish_run

    address = database_address(home)
    with ExitStack() as stack:
        store = stack.enter_context(open_store(graph))
        there = "://" in address or Path(address).exists()
        database = stack.enter_context(open_curation(home)) if there else None
        done = publish_run(store, database, run, min_weight)
    return done.summary, done.decided
