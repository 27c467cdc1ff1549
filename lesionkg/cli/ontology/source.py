"""Which ontology a command reads: that of the data folder's graph, one of its revisions, a shipped one, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import errors, graph_url

if TYPE_CHECKING:
    from kg.ontology import Ontology

GRAPH = "graph"

File = Annotated[
    Path | None,
    typer.Option(
        "--file",
        help="File to read: .xlsx, OWL (.ttl, .owl, .rdf), .obo.json or tidy .tsv.",
        show_default=False,
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        help="Ontology to read: 'graph', 'graph@N' for revision N, or a shipped one (lesanet-repaired, "
        "lesanet-released, lesionkg-curated); default that of the graph, or lesanet-repaired where there is no graph.",
        show_default=False,
    ),
]


def read_source(file: Path | None, name: str | None, graph: str | None, home: Path | None) -> Ontology:
    """The ontology that the options name; which one it is by default is told on standard error.

    Raises:
        UsageError: the options name two, or the name is none.
    """
    require_one_source(file, name, graph)
    if file is not None:
        from kg.ontology_file import load_file

        return load_file(file)
    url = graph_url(home, graph)
    if name is not None:
        return named_ontology(name, url)
    if graph is not None:
        return named_ontology(GRAPH, url)
    found = _of_graph(url)
    if found is not None:
        _tell(f"the ontology of {url}; --name takes a shipped one")
        return found
    from kg.shipped import DEFAULT, load_shipped

    _tell(f"{DEFAULT} as shipped; {url} holds no ontology")
    return load_shipped(DEFAULT)


def require_one_source(file: Path | None, name: str | None, graph: str | None) -> None:
    """Refuse options that name different ontologies.

    Raises:
        UsageError: they do.
    """
    of_graph = graph is not None or (name is not None and _is_of_graph(name))
    shipped = name is not None and not _is_of_graph(name)
    if (file is not None) + of_graph + shipped > 1:
        raise UsageError("--file, --graph and --name: they name different ontologies; give one of them")


def named_ontology(name: str, url: str) -> Ontology:
    """The ontology of a name on the command line.

    Args:
        name: ``graph``, ``graph@N`` for revision N of the graph, a file with a suffix, or the name of a shipped one.
        url: where the graph is.

    Raises:
        UsageError: the name is none of these, or there is no such revision.
    """
    if _is_of_graph(name):
        from kg.connect import open_store
        from kg.curation.history import as_of
        from kg.graph_ontology import load_ontology

        number = name.removeprefix(GRAPH).removeprefix("@")
        if name != GRAPH and not (number.isascii() and number.isdecimal()):
            raise UsageError(f"{name}: names no revision; write {GRAPH}@N, `lesionkg ontology history` lists them")
        with open_store(url, read_only=True) as store:
            return as_of(store, int(number)) if number else load_ontology(store)
    if Path(name).suffix:
        from kg.ontology_file import load_file

        return load_file(Path(name))
    from kg.shipped import load_shipped

    return load_shipped(name)


def _of_graph(url: str) -> Ontology | None:
    """The ontology of a graph folder; None where there is no graph, or one without an ontology."""
    if not Path(url).is_dir():
        return None
    from kg.connect import open_store
    from kg.graph_ontology import load_ontology
    from kg.revision import find_head

    with open_store(url, read_only=True) as store:
        return None if store.read_transaction(find_head) is None else load_ontology(store)


def _is_of_graph(name: str) -> bool:
    return name == GRAPH or name.startswith(f"{GRAPH}@")


def _tell(line: str) -> None:
    errors.print(line, markup=False, highlight=False, soft_wrap=True)
