"""``lesionkg ontology``: compare two revisions, files, or a file and a graph."""

from __future__ import annotations

from typing import Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import Graph, Home, Json, console, graph_url, print_json
from lesionkg.cli.ontology.base import app
from lesionkg.cli.ontology.source import GRAPH, named_ontology


@app.command()
def diff(
    before: Annotated[
        str, typer.Argument(help="A file, a shipped name, 'graph', or 'graph@N' for revision N of the graph.")
    ],
    after: Annotated[str, typer.Argument(help="What to compare it with, named likewise.")] = GRAPH,
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
