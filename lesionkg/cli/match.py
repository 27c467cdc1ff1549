"""``lesionkg match``: lesions of a patient that are one lesion in several studies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import RESEARCH_USE_ONLY, Graph, Home, Json, console, graph_url, home_folder, print_json


def command(
    run: Annotated[str, typer.Argument(help="Run id, or the run's folder; it must be published.")],
    t1: Annotated[
        float | None, typer.Option("--t1", help="Marks of one study nearer than this are one lesion.")
    ] = None,
    t2: Annotated[float | None, typer.Option("--t2", help="Lesions farther apart than this are different.")] = None,
    follow_ups: Annotated[
        Path | None, typer.Option(help="A phantom's follow_ups.csv, to choose the thresholds on validation lesions.")
    ] = None,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Match a run's validation and test lesions over the studies of each patient, and write SAME_LESION_AS edges.

    Without --t2 and --follow-ups it is the distance below which 3 % of the pairs of lesions of two patients lie.
    """
    from kg.connect import open_store
    from kg.graph_cohort import load_cohort
    from learn.description import is_synthetic, sight
    from learn.graph_same_lesion import match_run
    from learn.run import Run

    if t2 is None and t1 is not None:
        raise UsageError("--t1: give --t2 too, or neither")
    if t2 is not None and follow_ups is not None:
        raise UsageError("--follow-ups: they choose the thresholds; leave out --t1 and --t2")
    folder = Path(run) if Path(run).is_dir() else home_folder(home) / "runs" / run
    read = Run.read(folder)
    with open_store(graph_url(home, graph)) as store:
        summary = match_run(store, read, load_cohort(store, read.cohort), t1 or 0.0, t2, follow_ups)
    if json_:
        print_json({**summary.as_dict(), "synthetic": is_synthetic(read)})
        return
    console.print(
        f"Model {summary.model}: {'matched' if summary.changed else 'already matched like this, nothing changed'}\n"
        f"  thresholds    T1 {summary.within:.4g}, T2 {summary.between:.4g} ({summary.chosen_by})\n"
        f"  lesions       {summary.lesions:,}; {summary.groups:,} of {summary.patients:,} patients seen in more than "
        f"one study\n"
        f"  same lesion   {summary.edges:,} pairs\n"
        f"  {sight(read)} {RESEARCH_USE_ONLY} Next: lesionkg query lesion-over-time",
        highlight=False,
        soft_wrap=True,
    )
