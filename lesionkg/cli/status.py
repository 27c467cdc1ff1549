"""``lesionkg status``: what is in the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from lesionkg.cli.context import Graph, Home, Json, console, graph_url, print_json

if TYPE_CHECKING:
    from kg.graph_summary import GraphSummary


def command(home: Home = None, graph: Graph = None, json_: Json = False) -> None:
    """Show the graph's revision and how many nodes and relationships of each kind it holds."""
    from kg.connect import open_store
    from kg.graph_summary import summarise

    with open_store(graph_url(home, graph), read_only=True) as store:
        found = summarise(store)
    if json_:
        print_json(_as_json(found))
    else:
        _print(found)


def _as_json(found: GraphSummary) -> dict[str, Any]:
    head = found.head
    revision = head and {
        "sequence": head.sequence,
        "ontology": head.ontology,
        "ontology_hash": head.ontology_hash,
        "matrix_hashes": dict(head.matrix_hashes),
        "author": head.author,
        "created": head.created,
    }
    return {
        "graph": found.url,
        "schema_version": found.schema_version,
        "revision": revision,
        "nodes": dict(found.nodes),
        "relationships": dict(found.relationships),
    }


def _print(found: GraphSummary) -> None:
    console.print(f"graph {found.url}, schema version {found.schema_version}", highlight=False, soft_wrap=True)
    if found.head is None:
        console.print("no ontology yet; `lesionkg ontology import` or `lesionkg demo` loads one")
    else:
        head = found.head
        console.print(
            f"revision {head.sequence}: ontology {head.ontology}, hash {head.ontology_hash[:12]}, {head.created}",
            highlight=False,
        )
        for name, matrix_hash in sorted(head.matrix_hashes.items()):
            console.print(f"label set {name}: matrix hash {matrix_hash[:12]}", highlight=False)
    for title, counts in (("nodes", found.nodes), ("relationships", found.relationships)):
        if counts:
            console.print(_table(title, counts))


def _table(title: str, counts: Mapping[str, int]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(title)
    table.add_column("count", justify="right")
    for kind, count in counts.items():
        table.add_row(kind, f"{count:,}")
    return table
