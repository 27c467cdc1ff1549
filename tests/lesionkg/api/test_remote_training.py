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
from learn.run import Run
from lesionkg.publishing import publish_run

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


def tiny(folder: Path) -> tuple[object, ...]:
    """Options of `train` for the recipe of the run that was made."""
    settings = {"width": 16, "depth": 1, "embedding": 8, "epochs": 2, "triplets": 100, "learning_rate": 0.02}
    assert settings.items() <= RECIPE.as_dict().items()
    (folder / "tiny.json").write_text(json.dumps(settings))
    return ("--recipe", folder / "tiny.json", "--seeds", "0,1")


def require_same_files(made: Any, *homes: Path) -> None:
    for name in ("weights", "spl", "matrices"):
        folders = (made.run, *(home / "runs" / made.run.name for home in homes))
        assert len({(folder / f"{name}.safetensors").read_bytes() for folder in folders}) == 1, name


def test_training_against_a_server_needs_no_graph(made: Any, tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "served", tmp_path / "elsewhere"
    shutil.copytree(made.home, home)
    with served(home) as address:
        remote = lesionkg("train", *tiny(tmp_path), "--home", elsewhere, "--server", address, "--publish")
    assert (remote["published"]["changed"], remote["registered"]) == (True, address)
    assert remote["run"] == made.run.name
    assert not (elsewhere / "graph").exists()
    require_same_files(made, elsewhere)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_training_against_a_server_is_training_beside_the_graph(made: Any, tmp_path: Path) -> None:
    home, elsewhere, graph = tmp_path / "served", tmp_path / "elsewhere", tmp_path / "graph"
    shutil.copytree(made.home, home)
    shutil.copytree(made.home / "graph", graph)
    recipe = tiny(tmp_path)
    with served(home) as address:
        remote = lesionkg("train", *recipe, "--home", elsewhere, "--server", address, "--publish")
        again = lesionkg("publish", remote["run"], "--home", elsewhere, "--server", address)
        rows = lesionkg("query", "--cypher", "MATCH (m:Model) RETURN m.id AS id ORDER BY id", "--home", home)
        beside = lesionkg("train", *recipe, "--home", home)
        lesionkg("publish", beside["run"], "--home", home)
        line = "create exact synonym 'lung nodules here' for 'lung nodule'"
        changed = lesionkg("ontology", "propose", line, "--author", "a", "--reason", "b", "--apply", "--home", home)
    assert (remote["published"]["changed"], again["changed"], remote["registered"]) == (True, False, address)
    assert rows["rows"] == [{"id": remote["run"]}]
    assert (changed["status"], changed["revision"]) == ("applied", 2)
    assert not (elsewhere / "graph").exists()
    assert remote["run"] == beside["run"] == made.run.name
    require_same_files(made, elsewhere, home)
    with open_store(graph) as store:
        publish_run(store, None, Run.read(made.run))
    assert without_dates(of_models(graph)) == without_dates(of_models(home / "graph"))


def without_dates(found: list[Any]) -> list[Any]:
    """Without when a run was first trained, and the hash over that."""
    for node in found[0]:
        node["p"] = {key: value for key, value in node["p"].items() if key not in ("created", "content")}
    return found
