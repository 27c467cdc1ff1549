"""``lesionkg ontology``: compare two revisions, files, or a file and a graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import Graph, Home, Json, console, graph_url, print_json
from lesionkg.cli.ontology.base import app

if TYPE_CHECKING:
    from kg.ontology import Ontology

_GRAPH = "graph"


@app.command()
def diff(
    before: Annotated[
        str, typer.Argument(help="A file, a shipped name, 'graph', or 'graph@N' for revision N of the graph.")
    ],
    after: Annotated[str, typer.Argument(help="What to compare it with, named likewise.")] = _GRAPH,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown instead of text.")] = False,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Show what differs between two ontologies, asserted and inferred apart; exit 1 when anything does."""
    from kg.curation.diff import diff as compare
    from kg.curation.diff_text import diff_markdown, diff_text

    if markdown and json_:
        raise UsageError("--markdown and --json: they are two forms of the same; give one of them")
    url = graph_url(home, graph)
    found = compare(named_ontology(before, url), named_ontology(after, url))
    if json_:
        print_json(found.as_dict())
    else:
        text = diff_markdown(found) if markdown else diff_text(found)
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    if found:
        raise typer.Exit(1)


def named_ontology(name: str, url: str) -> Ontology:
    """The ontology of a name on the command line.

    Args:
        name: ``graph``, ``graph@N`` for revision N of the graph, a file with a suffix, or the name of a shipped one.
        url: where the graph is.

    Raises:
        UsageError: the name is none of these, or there is no such revision.
    """
    if name == _GRAPH or name.startswith(f"{_GRAPH}@"):
        from kg.connect import open_store
        from kg.curation.history import as_of
        from kg.graph_ontology import load_ontology

        number = name.removeprefix(_GRAPH).removeprefix("@")
        if name != _GRAPH and not (number.isascii() and number.isdecimal()):
            raise UsageError(f"{name}: names no revision; write {_GRAPH}@N, `lesionkg ontology history` lists them")
        with open_store(url, read_only=True) as store:
            return as_of(store, int(number)) if number else load_ontology(store)
    if Path(name).suffix:
        from kg.ontology_file import load_file

        return load_file(Path(name))
    from kg.shipped import load_shipped

    return load_shipped(name)
