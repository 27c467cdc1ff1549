"""``lesionkg cohort``: freeze, list, show and export cohorts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Column, Table

from kg.errors import UsageError
from lesionkg.cli.context import Graph, Home, Json, console, graph_url, print_json

app = typer.Typer(no_args_is_help=True, help="Freeze, list, show and export cohorts: lesions, labels and split.")

Key = Annotated[str, typer.Argument(metavar="COHORT", help="Id of a cohort, or its name (the newest of that name).")]


@app.command()
def freeze(
    name: Annotated[str, typer.Argument(help="Name of the new cohort; its id adds a hash of its content.")],
    split_from: Annotated[
        str, typer.Option(help="'official' (DeepLesion's split), or the cohort whose split is taken over.")
    ] = "lesanet",
    label_set: Annotated[str, typer.Option(help="Label set that fixes the label columns.")] = "lesanet-171",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Freeze the lesions and labels that the graph holds now under one id."""
    from kg.connect import open_store
    from kg.graph_cohort import freeze as freeze_cohort

    with open_store(graph_url(home, graph), create=False) as store:
        cohort = freeze_cohort(store, name, split_from, label_set)
    if json_:
        print_json(cohort.summary)
        return
    _say(f"{cohort.id}: {_by_split(cohort.summary['lesions'])}; revision {cohort.revision}")


@app.command("list")
def list_(home: Home = None, graph: Graph = None, json_: Json = False) -> None:
    """List the cohorts of the graph, newest first."""
    from kg.connect import open_store
    from kg.graph_cohort import list_cohorts

    with open_store(graph_url(home, graph), read_only=True) as store:
        entries = list_cohorts(store)
    if json_:
        print_json([asdict(entry) for entry in entries])
        return
    if not entries:
        _say("no cohorts; `lesionkg ingest deeplesion` makes the first")
        return
    names = Column("cohort", no_wrap=True)
    table = Table(names, "revision", "train", "val", "test", "created (UTC)", box=box.SIMPLE_HEAD)
    for entry in entries:
        lesions = (f"{entry.lesions[split]:,}" for split in ("train", "val", "test"))
        erased = f" ({entry.erased:,} erased)" if entry.erased else ""
        table.add_row(f"{entry.id}{erased}", str(entry.revision), *lesions, entry.created[:16])
    console.print(table)


@app.command()
def show(cohort: Key, home: Home = None, graph: Graph = None, json_: Json = False) -> None:
    """Show a cohort: its hashes, and what each split holds. Its frozen content is checked."""
    from kg.cohort_figures import figures
    from kg.connect import open_store
    from kg.graph_cohort import load_cohort
    from kg.graph_matrices import matrices_from_graph

    with open_store(graph_url(home, graph), read_only=True) as store:
        found = load_cohort(store, cohort)
        matrices = matrices_from_graph(store, found.label_set)
    counted = figures(found, matrices)
    if json_:
        print_json(
            {
                **found.summary,
                "matrix_hash_of_graph": matrices.matrix_hash,
                "splits": {row.split: asdict(row) for row in counted},
            }
        )
        return
    for name, value in found.summary.items():
        if name not in ("lesions", "labels", "erased"):
            _say(f"{name.replace('_', ' '):16} {value}")
    if found.erased:
        frozen = found.erased.label_data_hashes[0]
        _say(
            f"{found.erased.lesions:,} of its lesions were erased with their patients; the hashes are of what is left "
            f"(label data as frozen: {frozen[:10]}). `lesionkg train` makes a new run of it."
        )
    if matrices.matrix_hash != found.matrix_hash:
        _say("The graph's relations changed since; contradictions are counted with today's.")
    table = Table("", *(row.split for row in counted), box=box.SIMPLE_HEAD)
    for name in ("lesions", "patients", "positives", "with_positive", "with_metadata", "usable", "contradictory"):
        table.add_row(name.replace("_", " "), *(f"{getattr(row, name):,}" for row in counted))
    console.print(table)


@app.command()
def export(
    cohort: Key,
    out: Annotated[Path, typer.Option("--out", help="File to write, .parquet or .json.")],
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Write a cohort to one file: all that training needs, without the graph."""
    from kg.connect import open_store
    from kg.graph_cohort import load_cohort

    if out.suffix not in (".parquet", ".json"):
        raise UsageError(f"{out}: unknown format {out.suffix!r}; name a .parquet or .json file")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"{out}: its folder does not exist; create it first")
    with open_store(graph_url(home, graph), read_only=True) as store:
        found = load_cohort(store, cohort)
    (found.write_parquet if out.suffix == ".parquet" else found.write_json)(out)
    if json_:
        print_json({**found.summary, "file": str(out)})
        return
    _say(f"{found.id}: {_by_split(found.summary['lesions'])}; written to {out}")


def _by_split(lesions: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {split}" for split, count in lesions.items())


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
