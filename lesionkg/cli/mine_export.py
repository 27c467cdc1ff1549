"""``lesionkg mine export``: labels of lesions, for other tools to train on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import Graph, Home, Json, console, graph_url, print_json

_FORMATS, _BY = ("json", "jsonl"), "patient"


def command(
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    form: Annotated[
        str,
        typer.Option("--format", help="json: the layout of LesaNet's released label lists; jsonl: one lesion a line."),
    ] = "json",
    label_set: Annotated[str, typer.Option("--label-set", help="Label set that fixes the columns.")] = "lesanet-171",
    split_by: Annotated[
        str | None,
        typer.Option("--split-by", help="'patient', the default: 80 % of the patients train, 10 % val, 10 % test."),
    ] = None,
    split: Annotated[
        Path | None, typer.Option("--split", help="CSV file with the columns patient (or lesion) and split instead.")
    ] = None,
    source: Annotated[str, typer.Option("--source", help="Source of the labels.")] = "mining",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Write the labels of all lesions that reports speak of to one file, without any text of the reports."""
    from ingest.mining.export_lists import LabelExport, ListFormat
    from ingest.mining.export_split import Split
    from kg.connect import open_store

    if form not in _FORMATS:
        raise UsageError(f"--format {form}: not one of {', '.join(_FORMATS)}")
    if split_by not in (None, _BY):
        raise UsageError(f"--split-by {split_by}: not known; write --split-by {_BY}, or --split FILE")
    if split_by and split:
        raise UsageError("--split-by and --split: they name different splits; give one of them")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"{out}: its folder does not exist; create it first")
    chosen = Split.read(split) if split else Split()
    with open_store(graph_url(home, graph), read_only=True) as store:
        export = LabelExport.pull(store, label_set, source)
    summary = export.write(out, ListFormat(form), chosen)
    if json_:
        print_json(asdict(summary))
        return
    lesions = ", ".join(f"{count:,} {name}" for name, count in summary.lesions.items())
    labels = ", ".join(f"{count:,} {name}" for name, count in summary.labels.items())
    console.print(
        f"{out}: {sum(summary.lesions.values()):,} lesions ({lesions}); asserted labels: {labels}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if summary.others and form == "json":
        console.print(
            f"{summary.others:,} lesions are not DeepLesion's; `lesions` in the file maps their numbers to their ids.",
            highlight=False,
            soft_wrap=True,
        )
