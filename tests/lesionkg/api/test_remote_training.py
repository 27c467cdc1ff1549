"""A server and commands in processes of their own: training without a graph, and commands beside the server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from api_server import RECIPE
from browser import served

from kg.connect import open_store

EDGES = ("CORRELATES_WITH", "PREDICTED", "SCORED", "SIMILAR_TO")


def lesionkg(*arguments: object) -> Any:
    """Run a command as a user would; gives what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "lesionkg", *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def of_models(graph: Path) -> list[Any]:
    """All that a graph holds of models."""
    with open_store(graph, read_only=True) as store:
        nodes = store.read("MATCH (m:Model) RETURN properties(m) AS p ORDER BY m.id")
        queries = (
            f"MATCH (a)-[r:{kind}]->(b) RETURN a.id AS a, b.id AS b, properties(r) AS p ORDER BY a, b, r.model"
            for kind in EDGES
        )
        return [nodes, *(store.read(query) for query in queries)]


@pytest.fixture
def homes(made: Any, tmp_path: Path) -> tuple[Path, Path, Path]:
    """Two equal data folders, one to be served and one to be worked in; and an empty one. The recipe lies beside."""
    for name in ("served", "local"):
        shutil.copytree(made.home, tmp_path / name)
    changed = {"width": 16, "depth": 1, "embedding": 8, "epochs": 2, "triplets": 100, "learning_rate": 0.02}
    assert changed.items() <= RECIPE.as_dict().items()
    (tmp_path / "tiny.json").write_text(json.dumps(changed))
    return tmp_path / "served", tmp_path / "local", tmp_path / "elsewhere"


def test_training_against_a_server_is_training_beside_the_graph(homes: tuple[Path, Path, Path]) -> None:
    remote_home, local_home, elsewhere = homes
    recipe = ("--recipe", remote_home.parent / "tiny.json", "--seeds", "3,5")
    local = lesionkg("train", *recipe, "--home", local_home)
    lesionkg("publish", local["run"], "--home", local_home)
    with served(remote_home) as address:
        remote = lesionkg("train", *recipe, "--home", elsewhere, "--server", address, "--publish")
        again = lesionkg("publish", remote["run"], "--home", elsewhere, "--server", address)
        rows = lesionkg("query", "--cypher", "MATCH (m:Model) RETURN m.id AS id ORDER BY id", "--home", remote_home)
        assert rows["rows"] == [{"id": remote["run"]}]
        beside = lesionkg("train", *recipe[:2], "--seeds", "7", "--home", remote_home)
        assert lesionkg("publish", beside["run"], "--home", remote_home)["changed"] is True
        line = "create exact synonym 'lung nodules here' for 'lung nodule'"
        made = lesionkg("ontology", "propose", line, "--author", "a", "--reason", "b", "--home", remote_home)
        lesionkg("ontology", "review", made["number"], "--accept", "--reviewer", "c", "--home", remote_home)
        applied = lesionkg("ontology", "apply", made["number"], "--home", remote_home)
        assert (applied["status"], applied["revision"]) == ("applied", 2)
    assert not (elsewhere / "graph").exists()
    assert (remote["published"]["changed"], again["changed"], remote["run"]) == (True, False, local["run"])
    for name in ("weights", "spl", "matrices"):
        files = [home / "runs" / local["run"] / f"{name}.safetensors" for home in (local_home, elsewhere)]
        assert files[0].read_bytes() == files[1].read_bytes(), name
    lesionkg(
        "publish", lesionkg("train", *recipe[:2], "--seeds", "7", "--home", local_home)["run"], "--home", local_home
    )
    assert without_dates(of_models(local_home / "graph")) == without_dates(of_models(remote_home / "graph"))


def without_dates(found: list[Any]) -> list[Any]:
    """Without when each run was first trained, and the hash over that."""
    for node in found[0]:
        node["p"] = {key: value for key, value in node["p"].items() if key not in ("created", "content")}
    return found
