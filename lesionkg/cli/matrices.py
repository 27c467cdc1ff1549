"""``lesionkg matrices``: relation matrices for training, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import Graph, Home, Json, console, graph_url, print_json

if TYPE_CHECKING:
    from kg.matrices import RelationMatrices

app = typer.Typer(no_args_is_help=True, help="Relation matrices of a label set: what training pulls out of the graph.")


@app.callback()
def _group() -> None:
    pass


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="File to write, e.g. matrices.safetensors.")],
    label_set: Annotated[str, typer.Option("--label-set", help="Label set: fixes the order of the columns.")] = (
        "lesanet-171"
    ),
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Compute them from an ontology file (.ttl, .owl, .rdf, .xlsx) and use no graph."),
    ] = None,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Write the relation matrices of a label set to one file: label order, closures, minimal edges, hashes."""
    if file is not None and graph is not None:
        raise UsageError("--file and --graph: they name different sources; give one of them")
    matrices = _from_file(file, label_set) if file is not None else _from_graph(graph_url(home, graph), label_set)
    matrices.require_consistent()
    matrices.save(out)
    figures = {
        "file": str(out),
        "label_set": matrices.label_set,
        "labels": matrices.size,
        "ancestor_pairs": int(matrices.ancestors.nnz),
        "parent_pairs": int(matrices.parents.nnz),
        "exclusive_pairs": int(matrices.exclusive.nnz) // 2,
        "exclusive_pairs_minimal": int(matrices.exclusive_minimal.nnz) // 2,
        "revision": matrices.revision,
        "matrix_hash": matrices.matrix_hash,
        "ontology_hash": matrices.ontology_hash,
    }
    if json_:
        print_json(figures)
        return
    source = f"revision {matrices.revision}" if matrices.revision else f"{file}"
    console.print(
        f"{out}: label set {matrices.label_set} of {source}, {matrices.size} labels, "
        f"{figures['ancestor_pairs']:,} ancestor pairs ({figures['parent_pairs']:,} minimal), "
        f"{figures['exclusive_pairs']:,} exclusive pairs ({figures['exclusive_pairs_minimal']:,} minimal), "
        f"matrix hash {matrices.matrix_hash[:12]}",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


def _from_file(file: Path, label_set: str) -> RelationMatrices:
    from kg.matrices import RelationMatrices
    from kg.ontology_file import load_file

    return RelationMatrices.from_ontology(load_file(file), label_set)


def _from_graph(url: str, label_set: str) -> RelationMatrices:
    from kg.connect import open_store
    from kg.graph_matrices import matrices_from_graph

    with open_store(url, read_only=True) as store:
        return matrices_from_graph(store, label_set)
