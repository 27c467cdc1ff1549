"""Where an erasure works: the data folder with everything in it, its graph, and its vault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.vault import Vault
from kg.connect import open_store
from kg.curation.proposal_tables import open_curation_at
from kg.relational import Database, database_address
from kg.store import GraphStore


@dataclass(frozen=True, slots=True)
class Place:
    """Where an erasure works.

    Attributes:
        home: the data folder.
        graph: graph folder, or Bolt address.
        vault: file of the vault, or its PostgreSQL URL.
    """

    home: Path
    graph: str
    vault: str

    @property
    def folder(self) -> Path | None:
        """The graph folder; None for a graph on a server."""
        return None if "://" in self.graph else Path(self.graph).absolute()

    @property
    def plans(self) -> Path:
        """The folder of erasures that did not end."""
        return self.home / "erasures"

    @contextmanager
    def open_graph(self, read_only: bool = True) -> Iterator[GraphStore]:
        """The graph."""
        with open_store(self.graph, read_only=read_only, create=False) as store:
            yield store

    @contextmanager
    def open_vault(self) -> Iterator[Vault | None]:
        """The vault; None where there is none."""
        if "://" not in self.vault and not Path(self.vault).exists():
            yield None
            return
        with Vault(self.vault) as vault:
            yield vault

    @contextmanager
    def open_curation(self) -> Iterator[Database | None]:
        """The curation store; None where there is none."""
        address = database_address(self.home)
        if "://" not in address and not Path(address).exists():
            yield None
            return
        with open_curation_at(address) as database:
            yield database

    def is_elsewhere(self, path: Path) -> bool:
        """Whether a file below the data folder is searched with the graph, the stores or the plans, not by itself."""
        stores = {Path(self.vault).absolute(), Path(database_address(self.home)).absolute()}
        folders = {self.plans, self.folder}
        name = path.absolute()
        with_logs = {name, *(name.with_name(name.name.removesuffix(end)) for end in ("-wal", "-shm"))}
        return bool(with_logs & stores) or any(parent in folders for parent in name.parents)
