"""Graphs for tests: fresh embedded folders, and a Bolt server that a subprocess starts from the same wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kg.embedded import EmbeddedStore, open_folder
from kg.neo4j_store import Neo4jStore
from kg.ownership import Ownership, read_ownership
from kg.store import GraphStore

NEO4J = os.environ.get("LESIONKG_TEST_NEO4J")
"""Address of a genuine, empty Neo4j that tests may fill and wipe; credentials as for the program itself."""

_SERVE = """
import sys
from pathlib import Path
from kg.owner import GraphOwner
with GraphOwner(Path(sys.argv[1]), create=True):
    print("serving", flush=True)
    sys.stdin.read()
"""


@contextmanager
def serving(folder: Path) -> Iterator[Ownership]:
    """A subprocess that owns the folder and serves it over Bolt until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline().strip() == "serving", "the Bolt server did not start"
            owner = read_ownership(folder)
            assert owner is not None
            yield owner
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def connect(owner: Ownership, folder: Path, role: str = "writer") -> Neo4jStore:
    """A Bolt connection to the owner of a folder."""
    account = owner.accounts[role]
    return Neo4jStore(owner.bolt, account.user, account.password, folder.name, read_only=role == "reader")


def wipe(store: GraphStore) -> None:
    """Remove everything but the schema stamp."""
    store.write_transaction(lambda tx: tx.run("MATCH (n) WHERE NOT n:Schema DETACH DELETE n"))


def fresh(template: Path, folder: Path) -> EmbeddedStore:
    """An empty graph in a new folder, copied from an empty one because that is quicker than making it."""
    shutil.copytree(template, folder)
    return open_folder(folder)
