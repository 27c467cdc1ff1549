"""``lesionkg query``: named queries and free Cypher."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kg.errors import UsageError
from lesionkg.cli.context import Graph, Home, Json, console, errors, graph_url, print_json


def command(
    name: Annotated[str | None, typer.Argument(help="Name of a named query; --list shows them.")] = None,
    cypher: Annotated[str | None, typer.Option("--cypher", help="Free Cypher instead; it may only read.")] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="NAME=VALUE; lists separated by commas. May be repeated.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="table, csv, json or parquet.")] = "table",
    out: Annotated[Path | None, typer.Option("--out", help="File to write; parquet needs one.")] = None,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds after which the query is ended.")] = 30.0,
    rows: Annotated[int, typer.Option("--max-rows", help="Rows after which the result is cut off.")] = 10_000,
    show: Annotated[bool, typer.Option("--list", help="List the named queries.")] = False,
    home: Home = None,
    graph: Graph = None,
    as_json: Json = False,
) -> None:
    """Ask the graph: a named query, or free Cypher that only reads."""
    from queries.request import Request
    from queries.results import Format
    from queries.runner import run

    if show:
        _list(as_json)
        return
    if form not in set(Format):
        raise UsageError(f"--format {form}: not one of {', '.join(Format)}")
    chosen = Format.JSON if as_json and form == Format.TABLE else Format(form)
    if out is None and chosen is Format.PARQUET:
        raise UsageError("--format parquet: is not text; give --out FILE")
    request = Request(name or "", cypher or "", _parameters(param or [], bool(cypher)), rows)
    result = run(graph_url(home, graph), request, timeout)
    _print(result, chosen, out, name)


def _parameters(given: list[str], free: bool) -> dict[str, Any]:
    """The values of ``--param``; those of free Cypher are read as JSON where they are JSON, else as text.

    Raises:
        UsageError: not of the form NAME=VALUE, or a name twice.
    """
    import json

    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError(f"--param {text!r}: write NAME=VALUE")
        if name in found:
            raise UsageError(f"--param {name}: given twice; separate the parts of a list by commas")
        found[name] = value
        if free:
            try:
                found[name] = json.loads(value)
            except ValueError:
                continue
    return found


def _print(result: Any, form: Any, out: Path | None, name: str | None) -> None:
    import sys

    from queries.results import Format, as_json, as_table, write, write_csv

    if out is not None:
        write(result, form, out)
        errors.print(f"{len(result.rows)} rows in {out}", highlight=False, soft_wrap=True)
    elif form is Format.JSON:
        print_json(as_json(result))
    elif form is Format.CSV:
        write_csv(result, sys.stdout)
    else:
        console.print(as_table(result, name or ""))
    if form is not Format.JSON or out is not None:
        for note in result.notes:
            errors.print(note, highlight=False, markup=False, soft_wrap=True)
    if result.truncated:
        errors.print(f"There are more than {len(result.rows)} rows; --max-rows shows more.", highlight=False)


def _list(as_json: bool) -> None:
    from rich.table import Table

    from queries.catalogue import catalogue

    found = list(catalogue().values())
    if as_json:
        print_json([query.as_dict() for query in found])
        return
    table = Table("name", "question", "parameters", title="Named queries", title_justify="left")
    for query in found:
        parameters = "\n".join(
            p.name if p.default is None else f"{p.name} = {_default(p.default)}" for p in query.parameters
        )
        table.add_row(query.name, query.question, parameters)
    console.print(table)


def _default(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
