"""``lesionkg phantom``: a synthetic set in the file formats of DeepLesion."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lesionkg.cli.context import Json, console, print_json, progress

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
