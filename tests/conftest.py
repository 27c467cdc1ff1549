"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from kg.ownership import Ownership
from kg.store import GraphStore

# Many short runs on small graphs: compiling Java code to the last bit costs more than it gives.
os.environ.setdefault("LESIONKG_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")


# How long an example takes says what else the machine does, not whether the code is right.
settings.register_profile("lesionkg", deadline=None)
settings.load_profile("lesionkg")


def pytest_configure() -> None:
    """Let signals reach the processes that tests start, also where the tests run in the background and ignore them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real source files that may not be redistributed with the project."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("LESIONKG_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip("the original DeepLesion, LesaNet and RadLex files are absent; set LESIONKG_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def empty_graph_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed, empty graph folder to copy."""
    from kg.embedded import open_folder

    folder = tmp_path_factory.mktemp("template") / "graph"
    open_folder(folder, create=True).close()
    return folder


@pytest.fixture
def embedded_store(empty_graph_folder: Path, tmp_path: Path) -> Iterator[GraphStore]:
    """An empty embedded graph with its schema."""
    import graphs

    with graphs.fresh(empty_graph_folder, tmp_path / "graph") as store:
        yield store


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Ownership]]:
    """A graph folder that a subprocess serves over real Bolt, and how to reach it."""
    import graphs

    folder = tmp_path_factory.mktemp("served") / "graph"
    with graphs.serving(folder) as owner:
        yield folder, owner


@pytest.fixture(scope="session")
def bolt_connection(served: tuple[Path, Ownership]) -> Iterator[GraphStore]:
    """A connection to the served folder; use ``bolt_store``."""
    import graphs

    folder, owner = served
    with graphs.connect(owner, folder) as store:
        yield store


@pytest.fixture
def bolt_store(bolt_connection: GraphStore) -> GraphStore:
    """An empty graph with its schema behind a Bolt server."""
    import graphs

    graphs.wipe(bolt_connection)
    return bolt_connection


@pytest.fixture(scope="session")
def neo4j_connection() -> Iterator[GraphStore]:
    """A connection to the genuine Neo4j that ``LESIONKG_TEST_NEO4J`` names; it must be empty."""
    import graphs

    from kg.connect import open_store

    if not graphs.NEO4J:
        pytest.skip("no genuine Neo4j: set LESIONKG_TEST_NEO4J to the address of an empty one")
    with open_store(graphs.NEO4J) as store:
        if store.read("MATCH (n) WHERE NOT n:Schema RETURN 1 AS one LIMIT 1"):
            pytest.fail(f"{store.url} is not empty; the tests would wipe it")
        yield store
        graphs.wipe(store)


@pytest.fixture
def neo4j_store(neo4j_connection: GraphStore) -> GraphStore:
    """An empty graph with its schema in a genuine Neo4j."""
    import graphs

    graphs.wipe(neo4j_connection)
    return neo4j_connection


@pytest.fixture(params=["embedded", "bolt", "neo4j"] if os.environ.get("LESIONKG_TEST_NEO4J") else ["embedded", "bolt"])
def any_store(request: pytest.FixtureRequest) -> GraphStore:
    """An empty graph behind each adapter in turn."""
    store: GraphStore = request.getfixturevalue(f"{request.param}_store")
    return store
