"""The API on a small real graph, served by a thread of this process over real connections."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from small_release import first_lesions

from ingest.load import load_deeplesion
from kg.connect import open_store
from kg.graph_cohort import load_cohort
from kg.graph_matrices import matrices_from_graph
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped
from kg.store import GraphStore
from learn.recipe import Recipe
from lesionkg.server.app import create_api
from lesionkg.server.serving import http_server
from lesionkg.server.settings import Settings
from lesionkg.server.sockets import listen
from lesionkg.server.workplace import Workplace
from queries.client import Client

LESIONS = 1000
"""Of the release; the cohort of those with labels has 34 test lesions."""

RECIPE = Recipe(seeds=(0, 1), width=16, depth=1, embedding=8, epochs=2, triplets=100, learning_rate=0.02)
"""Of a network too small to be good."""


class Api(NamedTuple):
    """A server that asks for tokens, and who asks it."""

    place: Workplace
    address: str
    run: Path
    client: Client
    curator: httpx.Client
    reader: httpx.Client

    @property
    def store(self) -> GraphStore:
        """The graph behind it."""
        return self.place.store


def make_home(home: Path) -> Path:
    """A data folder whose graph holds the ontology and the first lesions; gives the folder of a run on them.

    The run lies beside the data folder and is in no graph.
    """
    from learn.training import train

    with open_store(home / "graph") as store:
        save_ontology(store, load_shipped())
        load_deeplesion(store, first_lesions(LESIONS))
        cohort, matrices = load_cohort(store, "lesanet"), matrices_from_graph(store, "lesanet-171")
    trained = train(cohort, matrices, RECIPE, home.parent / "elsewhere")
    return home.parent / "elsewhere" / trained.run_id


@contextmanager
def served_api(home: Path, **settings: Any) -> Iterator[tuple[Workplace, str]]:
    """The workplace and the address of a server of the API alone."""
    chosen = Settings(home, str(home / "graph"), **settings)
    with listen("127.0.0.1", 0) as listening, Workplace(chosen) as place:
        server = http_server(create_api(place), place.settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield place, f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
