"""Backup of the graph of all of DeepLesion through its owner, and how much it slows a writer down.

Usage: ``python benchmarks/backup.py [--seconds 5]``
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from ingest.load import load_deeplesion
from ingest.release import Release
from kg.backup import backup, restore
from kg.connect import open_store
from kg.graph_ontology import save_ontology
from kg.neo4j_store import Neo4jStore
from kg.ownership import read_ownership
from kg.shipped import load_shipped

SERVE = """
import sys
from pathlib import Path
from kg.owner import GraphOwner
with GraphOwner(Path(sys.argv[1])):
    print("serving", flush=True)
    sys.stdin.read()
"""


class Writer:
    """Commits small transactions over Bolt, one after the other, and counts them."""

    def __init__(self, store: Neo4jStore) -> None:
        self.commits = 0
        self._store = store
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def stop(self) -> None:
        """End after the commit under way."""
        self._stop.set()
        self._thread.join()

    def rate(self, seconds: float) -> float:
        """Commits per second from now on."""
        before, start = self.commits, time.perf_counter()
        time.sleep(seconds)
        return (self.commits - before) / (time.perf_counter() - start)

    def _write(self) -> None:
        while not self._stop.is_set():
            row = {"id": f"B:{self.commits}"}
            self._store.write_transaction(lambda tx, row=row: tx.run("CREATE (l:Lesion {id: $id})", row))  # type: ignore[misc]
            self.commits += 1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="how long the writer is watched alone")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        graph = root / "graph"
        with open_store(graph) as store:
            save_ontology(store, load_shipped())
            load_deeplesion(store, Release.shipped())
        with subprocess.Popen(
            [sys.executable, "-c", SERVE, str(graph)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()
            owner = read_ownership(graph)
            assert owner is not None
            account = owner.accounts["writer"]
            with Neo4jStore(owner.bolt, account.user, account.password, graph.name) as client:
                writer = Writer(client)
                time.sleep(1)
                alone = writer.rate(seconds)
                before, start = writer.commits, time.perf_counter()
                client.snapshot(root / "copy.zip")
                copy = time.perf_counter() - start
                during = (writer.commits - before) / copy
                start = time.perf_counter()
                made = backup(str(graph), root / "engine.zip")
                whole = time.perf_counter() - start
                writer.stop()
                start = time.perf_counter()
                backup(str(graph), root / "lines.zip", portable=True)
                lines = time.perf_counter() - start
            process.stdin.close()
        start = time.perf_counter()
        restore(root / "engine.zip", root / "home" / "graph")
        again = time.perf_counter() - start
        start = time.perf_counter()
        restore(root / "lines.zip", root / "other" / "graph")
        lines_again = time.perf_counter() - start
        sizes = [(root / name).stat().st_size / 2**20 for name in ("engine.zip", "lines.zip")]
    print(f"graph                    {made.nodes:,} nodes, {made.relationships:,} relationships")
    print(f"writer alone             {alone:6.0f} commits/s")
    print(f"writer during the copy   {during:6.0f} commits/s, {during / alone:.2f} of that")
    print(f"copy by the owner        {copy:6.2f} s")
    print(f"backup, read back        {whole:6.1f} s, {sizes[0]:.1f} MiB; restore {again:.1f} s")
    ratio = f"{lines / whole:.1f} x"
    print(f"portable over Bolt       {lines:6.1f} s ({ratio}), {sizes[1]:.1f} MiB; restore {lines_again:.1f} s")


if __name__ == "__main__":
    main()
