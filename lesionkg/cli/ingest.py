"""``lesionkg ingest``: read lesions and their labels into the graph."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from kg.errors import UsageError
from lesionkg.cli import ingest_images
from lesionkg.cli.context import Graph, Home, Json, console, graph_url, print_json, progress

if TYPE_CHECKING:
    from ingest.release import Release

app = typer.Typer(no_args_is_help=True, help="Read lesions and their labels into the graph.")

app.command("images")(ingest_images.command)

Info = Annotated[Path | None, typer.Option("--info", help="DL_info.csv as NIH publishes it; default: shipped tables.")]
Labels = Annotated[
    Path | None, typer.Option("--labels", help="text_mined_labels_171_and_split.json as LesaNet's authors released it.")
]


Phantom = Annotated[
    Path | None,
    typer.Option(
        "--phantom", help="Folder of a synthetic set made with `lesionkg phantom make`, instead of DeepLesion."
    ),
]


@app.command()
def deeplesion(
    info: Info = None,
    labels: Labels = None,
    phantom: Phantom = None,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Load DeepLesion: all lesions, and the labels of LesaNet's. Loading again replaces what changed.

    A graph without an ontology gets the shipped one first. A synthetic set in the same file formats is loaded with ids
    and a source that say so.
    """
    from ingest.load import load_deeplesion
    from kg.connect import open_store
    from kg.graph_ontology import save_ontology
    from kg.revision import find_head
    from kg.shipped import load_shipped

    with progress(json_) as display:
        display.add_task("reading the files", total=None)
        release = _release(info, labels, phantom)
        with open_store(graph_url(home, graph)) as store:
            if store.read_transaction(find_head) is None:
                display.add_task("saving the shipped ontology", total=None)
                save_ontology(store, load_shipped())
            display.add_task("loading lesions and labels", total=None)
            summary = load_deeplesion(store, release)
    if json_:
        print_json(asdict(summary))
        return
    table = Table("node or relationship", "in the graph", box=box.SIMPLE_HEAD)
    for name, count in summary.counts.items():
        table.add_row(name, f"{count:,}")
    console.print(table)
    wrote = f"{summary.written:,} written" if summary.written else "all of it was there already"
    console.print(f"cohort {summary.cohort}; {wrote}; {summary.seconds:.1f} s", highlight=False)
    if release.origin.synthetic:
        console.print("These lesions are synthetic: no patient stands behind them.", highlight=False)


@app.command()
def mentions(labels: Labels = None, json_: Json = False) -> None:
    """Count which released labels were mentioned in a report and which were only inferred as parents."""
    from ingest.label_lists import read_label_lists
    from ingest.mentions import count_mentions, listed_parents
    from ingest.release import Release
    from kg.shipped import load_shipped
    from kg.spreadsheet import LABEL_SET, RELEASED

    lists = read_label_lists(labels) if labels else Release.shipped().labels
    parents = listed_parents(load_shipped(RELEASED), LABEL_SET)
    counts = count_mentions(lists, parents)
    if json_:
        print_json(asdict(counts))
        return
    console.print(
        f"{counts.parsed_percent:.1f} % of {counts.tested_lists:,} relevant training lists are mentions, each followed "
        f"by its parents ({counts.parsed_shuffled_percent:.1f} % when shuffled).\n"
        f"{counts.inferred:,} of {counts.positives:,} training positives ({counts.inferred_percent:.2f} %) "
        "are inferred only.",
        highlight=False,
        soft_wrap=True,
    )


@app.command("build-tables", hidden=True)
def build_tables(
    lesions: Annotated[Path, typer.Option("--lesions", help="DL_info.csv, or an extract of it with all its rows.")],
    labels: Annotated[Path, typer.Option("--labels", help="The released label file.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the tables.")] = Path("ingest/tables"),
    json_: Json = False,
) -> None:
    """Build the Parquet tables that ship inside this project from the official files."""
    from ingest.release import Release

    written = Release.read_official(lesions, labels).write_tables(out)
    sizes = {str(path): path.stat().st_size for path in written}
    if json_:
        print_json(sizes)
        return
    for path, size in sizes.items():
        console.print(f"{path}: {size:,} bytes", markup=False, highlight=False, soft_wrap=True)


def _release(info: Path | None, labels: Path | None, phantom: Path | None) -> Release:
    from ingest.release import Release

    if phantom is not None:
        if info is not None or labels is not None:
            raise UsageError("--phantom: the set brings its own files; leave --info and --labels out")
        return Release.read_phantom(phantom)
    if (info is None) != (labels is None):
        raise UsageError("--info and --labels belong together: give both files, or neither to load the shipped tables")
    if info is None or labels is None:
        return Release.shipped()
    return Release.read_official(info, labels)
