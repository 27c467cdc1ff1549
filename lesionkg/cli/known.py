"""What a data folder holds already: its ontology and its vault."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kg.errors import UsageError
from lesionkg.cli.context import graph_url, home_folder

if TYPE_CHECKING:
    from kg.ontology import Ontology


def known_ontology(home: Path | None, graph: str | None) -> Ontology:
    """The graph's ontology when one is named or there is one in the data folder; else the one that ships."""
    if graph is None and not (home_folder(home) / "graph").is_dir():
        from kg.shipped import load_shipped

        return load_shipped()
    from kg.connect import open_store
    from kg.graph_ontology import load_ontology

    with open_store(graph_url(home, graph), read_only=True) as store:
        return load_ontology(store)


def existing_vault(vault: str | None, home: Path | None) -> str:
    """Address of the vault; a file must be there, because opening one that is not would make it.

    Raises:
        UsageError: there is none.
    """
    address = vault or str(home_folder(home) / "vault.db")
    if "://" not in address and not Path(address).is_file():
        raise UsageError(f"vault {address}: does not exist; name the vault the reports were mined with (--vault)")
    return address
