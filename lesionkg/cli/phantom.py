"""``lesionkg phantom``: a synthetic set in the file formats of DeepLesion."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lesionkg.cli.context import (
    RESEARCH_USE_ONLY,
    Graph,
    Home,
    Json,
    console,
    errors,
    graph_url,
    home_folder,
    print_json,
    progress,
)

app = typer.Typer(no_args_is_help=True, help="Make a synthetic set in the file formats of DeepLesion.")


@app.callback()
def _group() -> None:
    pass


@app.command()
def make(
    folder: Annotated[Path, typer.Argument(help="New folder of the set.", metavar="FOLDER")],
    lesions: Annotated[int, typer.Option("--lesions", help="Number of lesions.")] = 3000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same files.")] = 0,
    json_: Json = False,
) -> None:
    """Write synthetic CT-like slices, lesions and label lists, drawn from real label sets. No patient stands behind it.

    Load it with `lesionkg ingest deeplesion --phantom FOLDER`.
    """
    from ingest.phantom.make import make_phantom

    with progress(json_) as display:
        task = display.add_task("drawing synthetic lesions", total=lesions)
        made = make_phantom(folder, lesions, seed, lambda count: display.advance(task, count))
    if json_:
        print_json({"synthetic": True, **asdict(made)})
        return
    rates = made.rates
    console.print(
        f"{made.folder}: {made.lesions:,} synthetic lesions of {made.patients:,} made-up patients, "
        f"{made.slices:,} slices, {made.follow_ups:,} follow-up pairs.\n"
        f"{rates.labels_per_lesion:.2f} labels a lesion, of which {rates.missing_percent:.1f} % are left out of the "
        f"released lists; {rates.inferred_percent:.1f} % of the released ones are inferred, not mentioned.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def run(
    lesions: Annotated[int, typer.Option("--lesions", help="Number of lesions.")] = 3000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same set.")] = 0,
    recipe: Annotated[str, typer.Option(help="Name of a recipe, or a JSON file.")] = "phantom",
    settings: Annotated[list[str] | None, typer.Option("--set", help="name=value of a setting of the recipe.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that cut patches.")] = 1,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """From files to a table, all synthetic: make a set, load it, cut patches, train, judge, publish, match."""
    from lesionkg.cli.train import image_recipe
    from lesionkg.phantom import run_phantom

    chosen = image_recipe(recipe, settings or [])
    out = errors if json_ else console
    with progress(json_) as display:
        task = display.add_task("starting", total=None)
        report = run_phantom(
            home_folder(home),
            graph_url(home, graph),
            lesions,
            seed,
            chosen,
            lambda line: out.print(line, highlight=False, markup=False),
            lambda step, done, of: display.update(task, description=step, completed=done, total=of),
            workers,
        )
    if json_:
        print_json(asdict(report))
        return
    seconds = ", ".join(f"{step} {taken:.0f} s" for step, taken in report.timings.items())
    console.print(f"{seconds}. Report page: {report.files[0]}", highlight=False, soft_wrap=True)
    console.print(f"All of this is synthetic: no patient stands behind it. {RESEARCH_USE_ONLY}", highlight=False)
