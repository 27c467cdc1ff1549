"""What every command shares: its options, where the data folder is, and how results are printed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

RESEARCH_USE_ONLY = "Research use only; not for diagnosis."

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Data folder; default $LESIONKG_HOME, else ./.lesionkg", show_default=False),
]
Graph = Annotated[
    str | None,
    typer.Option(
        "--graph", help="Graph folder, or bolt:// or neo4j:// address; default HOME/graph", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

_WIDE = 200
"""Columns where nobody watches: a file or a pipe has no edge to break lines at, and names must stay whole."""

console = Console(width=None if sys.stdout.isatty() else _WIDE)
errors = Console(stderr=True, width=None if sys.stderr.isatty() else _WIDE)


def home_folder(home: Path | None) -> Path:
    """The data folder: the option, else $LESIONKG_HOME, else ``./.lesionkg``."""
    return Path(home or os.environ.get("LESIONKG_HOME") or ".lesionkg").absolute()


def graph_url(home: Path | None, graph: str | None) -> str:
    """Where the graph is: the option, else the folder ``graph`` in the data folder."""
    return graph or str(home_folder(home) / "graph")


def print_json(value: Mapping[str, Any] | list[Any]) -> None:
    """Print one JSON document on standard output, nothing else."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


@contextmanager
def progress(quiet: bool = False) -> Iterator[Progress]:
    """A progress display on standard error; silent when nobody watches or ``quiet``."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        disable=quiet or not errors.is_terminal,
        transient=True,
    ) as display:
        yield display
