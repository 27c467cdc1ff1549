"""Everything a server holds open: the graph, the curation store beside it, the desk for queries, the audit log."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import Self

from kg.connect import open_store
from kg.curation.proposal_tables import open_curation
from kg.curation.reconcile import reconcile
from kg.graph_ontology import load_ontology
from kg.ontology import Ontology
from kg.owner import GraphOwner
from kg.relational import Database
from kg.revision import head
from kg.store import GraphStore
from lesionkg.server.audit import Audit
from lesionkg.server.settings import Settings
from lesionkg.server.users import Users
from queries.desk import Desk


class Workplace:
    """One graph and what lies beside it, held open for many users at once; its threads may share it.

    Attributes:
        settings: what the server was started with.
        store: the graph. A folder is owned by this process and served to other processes of this machine over Bolt.
        database: the curation store: proposals, decisions, users, audit.
        desk: where queries are answered.
        audit: who did what.
        users: who may do what.
        told: what had to be put right at the start, one line each.
    """

    def __init__(self, settings: Settings) -> None:
        """Open everything.

        Raises:
            StoreError: the graph cannot be opened, or another process owns it.
        """
        self.settings = settings
        self._ontology: tuple[str, Ontology] | None = None
        self._loading = Lock()
        with ExitStack() as stack:
            self.store: GraphStore = stack.enter_context(_opened(settings.graph))
            self.database: Database = stack.enter_context(open_curation(settings.home))
            self.told = reconcile(self.database, self.store).lines()
            self.audit = Audit(self.database)
            self.users = Users(self.database)
            self.desk = Desk(self.store, settings.limits)
            stack.callback(self.desk.close)
            self._stack = stack.pop_all()

    @property
    def runs(self) -> Path:
        """The folder of the runs."""
        return self.settings.home / "runs"

    def ontology(self) -> Ontology:
        """The ontology of the newest revision; read anew only when the revision changed.

        Raises:
            UsageError: the graph holds no ontology yet.
            StaleRevisionError: the graph was edited behind our back.
        """
        known = head(self.store).ontology_hash
        with self._loading:
            if self._ontology is None or self._ontology[0] != known:
                self._ontology = (known, load_ontology(self.store))
            return self._ontology[1]

    def close(self) -> None:
        """Release everything. Closing twice is allowed."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _opened(graph: str) -> _Opened:
    return _Opened(graph)


class _Opened:
    """A graph as a context: a folder with its owner, or a server."""

    def __init__(self, graph: str) -> None:
        self._graph = graph

    def __enter__(self) -> GraphStore:
        if "://" in self._graph:
            self._open: GraphOwner | GraphStore = open_store(self._graph, create=False)
            return self._open
        self._open = GraphOwner(Path(self._graph))
        return self._open.store

    def __exit__(self, *error: object) -> None:
        self._open.close()
