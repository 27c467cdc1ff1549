"""The commands ``lesionkg graph``, ``matrices`` and ``status``."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from kg.connect import open_store
from kg.errors import SchemaVersionError, StaleRevisionError, StoreError, UsageError
from kg.graph_ontology import save_ontology
from kg.matrices import RelationMatrices
from kg.ownership import ownership_file
from kg.schema import SCHEMA_VERSION
from kg.shipped import load_shipped
from lesionkg.cli import graph, matrices, status

SERVE = "import sys; from lesionkg.cli.graph import app; app(['serve', '--home', sys.argv[1]], standalone_mode=False)"

status_app = typer.Typer()
status_app.command()(status.command)


def run(app: typer.Typer, *arguments: object) -> Result:
    """Run a command; an error of ours, which the command tree turns into one line, is raised."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(app: typer.Typer, *arguments: object) -> Any:
    return json.loads(run(app, *arguments, "--json").stdout)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose graph holds the shipped ontology and one lesion."""
    folder = tmp_path_factory.mktemp("home")
    with open_store(folder / "graph") as store:
        save_ontology(store, load_shipped(), author="somebody")
        store.write_transaction(
            lambda tx: tx.run(
                "MATCH (k:Label {name: 'lung'}) CREATE (:Lesion {id: 'DL:00000'})-[:HAS_LABEL {source: 'x'}]->(k)"
            )
        )
    return folder


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(filled, tmp_path / "home"))


def edit(home: Path, statement: str) -> None:
    with open_store(home / "graph") as store:
        store.write_transaction(lambda tx: tx.run(statement))


def test_status_counts_what_is_in_the_graph(filled: Path) -> None:
    found = run_json(status_app, "--home", filled)
    assert found["nodes"] == {"Label": 333, "LabelSet": 1, "Lesion": 1, "Revision": 1}
    assert found["relationships"]["IN_SET"] == 171
    assert found["relationships"]["HAS_LABEL"] == 1
    assert found["revision"]["sequence"] == 1
    assert found["revision"]["ontology"] == "lesanet-repaired"
    assert found["revision"]["ontology_hash"] == load_shipped().content_hash
    text = run(status_app, "--home", filled).output
    assert "lesanet-repaired" in text
    assert "333" in text


def test_status_of_a_graph_without_ontology_and_of_none(empty_graph_folder: Path, tmp_path: Path) -> None:
    assert "no ontology yet" in run(status_app, "--graph", empty_graph_folder).output
    assert run_json(status_app, "--graph", empty_graph_folder)["revision"] is None
    with pytest.raises(StoreError, match="does not exist"):
        run(status_app, "--home", tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_matrices_are_the_same_from_graph_and_file(filled: Path, tmp_path: Path) -> None:
    from_graph, from_file = tmp_path / "graph.safetensors", tmp_path / "file.safetensors"
    first = run_json(matrices.app, "export", "--home", filled, "--out", from_graph)
    owl = Path(__file__).parents[2] / "ontologies" / "lesanet-repaired.ttl"
    second = run_json(matrices.app, "export", "--file", owl, "--out", from_file)
    assert first["matrix_hash"] == second["matrix_hash"]
    assert first["ontology_hash"] == second["ontology_hash"]
    assert (first["revision"], second["revision"]) == (1, 0)
    assert (first["labels"], first["parent_pairs"], first["exclusive_pairs"]) == (171, 137, 4459)
    assert (first["ancestor_pairs"], first["exclusive_pairs_minimal"]) == (268, 173)
    for file in (from_graph, from_file):
        assert RelationMatrices.load(file).matrix_hash == first["matrix_hash"]
    text = run(matrices.app, "export", "--home", filled, "--out", from_graph, "--label-set", "lesanet-171").output
    assert "revision 1" in text
    assert "171 labels" in text


def test_matrices_are_not_exported_when_the_source_is_unclear_or_unknown(filled: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    with pytest.raises(UsageError, match="--file and --graph"):
        run(matrices.app, "export", "--file", "x.ttl", "--graph", "y", "--out", out)
    with pytest.raises(UsageError, match="label set 'other'"):
        run(matrices.app, "export", "--home", filled, "--label-set", "other", "--out", out)
    assert not out.exists()


def test_verify_says_that_content_and_stamp_agree(filled: Path) -> None:
    found = run_json(graph.app, "verify", "--home", filled)
    assert found["revision"] == 1
    assert found["broken"] == []
    assert "agree" in run(graph.app, "verify", "--home", filled).output


def test_a_raw_edit_is_noticed_then_adopted(home: Path, tmp_path: Path) -> None:
    edit(home, "MATCH (k:Label {name: 'lung'}) SET k.definition = 'one of two'")
    for command in (
        (graph.app, "verify", "--home", home),
        (matrices.app, "export", "--home", home, "--out", tmp_path / "m.safetensors"),
    ):
        with pytest.raises(StaleRevisionError):
            run(*command)
    assert not (tmp_path / "m.safetensors").exists()
    assert run_json(graph.app, "adopt", "--author", "me", "--home", home) == {"revision": 2, "changed": True}
    assert "revision 2" in run(graph.app, "verify", "--home", home).output
    assert run_json(graph.app, "adopt", "--author", "me", "--home", home) == {"revision": 2, "changed": False}


def test_a_synonym_leaves_the_matrices_alone(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    before = run_json(matrices.app, "export", "--home", home, "--out", out)
    edit(home, "MATCH (k:Label {name: 'lung'}) SET k.definition = 'one of two'")
    run(graph.app, "adopt", "--author", "me", "--home", home)
    after = run_json(matrices.app, "export", "--home", home, "--out", out)
    assert after["revision"] == 2
    assert after["matrix_hash"] == before["matrix_hash"]
    assert after["ontology_hash"] != before["ontology_hash"]


def test_a_backup_is_restored_into_an_empty_home_only(filled: Path, tmp_path: Path) -> None:
    file, home = tmp_path / "graph.zip", tmp_path / "new home"
    made = run_json(graph.app, "backup", file, "--home", filled)
    assert (made["kind"], made["revision"], made["ontology"]) == ("engine", 1, "lesanet-repaired")
    assert made["ontology_hash"] == load_shipped().content_hash
    restored = run_json(graph.app, "restore", file, "--home", home)
    assert restored["content_hash"] == made["content_hash"]
    assert run_json(graph.app, "verify", "--home", home) == run_json(graph.app, "verify", "--home", filled)
    with pytest.raises(UsageError, match="is not empty"):
        run(graph.app, "restore", file, "--home", home)
    with pytest.raises(UsageError, match="exists already"):
        run(graph.app, "restore", file, "--graph", home / "graph")
    with pytest.raises(UsageError, match="exists already"):
        run(graph.app, "backup", file, "--home", filled)
    text = run(graph.app, "backup", tmp_path / "again.zip", "--home", filled, "--portable").output
    assert "revision 1 (lesanet-repaired), 336 nodes" in text
    assert made["content_hash"][:12] in text
    assert "as backed up on" in run(graph.app, "restore", tmp_path / "again.zip", "--graph", tmp_path / "other").output


def test_a_home_with_any_file_is_not_restored_into(filled: Path, tmp_path: Path) -> None:
    file, home = tmp_path / "graph.zip", tmp_path / "home"
    run(graph.app, "backup", file, "--home", filled)
    home.mkdir()
    (home / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        run(graph.app, "restore", file, "--home", home)
    assert [path.name for path in home.iterdir()] == ["notes.txt"]


def test_a_restore_that_was_killed_is_made_again(filled: Path, tmp_path: Path) -> None:
    file, home = tmp_path / "graph.zip", tmp_path / "home"
    run(graph.app, "backup", file, "--home", filled)
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as maker:
        (home / f"graph.partial-{maker.pid}").mkdir(parents=True)
        (home / f"graph.partial-{maker.pid}" / "schema.json").write_text("half")
        (home / f"graph.partial-{maker.pid}.owner.json").write_text("{}")
        with pytest.raises(UsageError, match="is not empty"):
            run(graph.app, "restore", file, "--home", home)
    run(graph.app, "restore", file, "--home", home)
    assert [path.name for path in home.iterdir()] == ["graph"]


def test_an_older_graph_is_upgraded_on_demand(home: Path) -> None:
    edit(home, "MATCH (s:Schema) SET s.version = 1")
    with pytest.raises(SchemaVersionError, match="graph upgrade"):
        run(graph.app, "verify", "--home", home)
    assert run_json(graph.app, "upgrade", "--home", home)["schema_version"] == SCHEMA_VERSION
    assert f"schema version {SCHEMA_VERSION}" in run(graph.app, "upgrade", "--home", home).output
    assert run_json(graph.app, "verify", "--home", home)["revision"] == 1
    with pytest.raises(StoreError, match="does not exist"):
        run(graph.app, "upgrade", "--home", home / "nowhere")


def test_half_relationships_make_verify_fail(home: Path) -> None:
    with open_store(home / "graph") as store:
        engine = store._database  # type: ignore[attr-defined]

        def forget(tx: object) -> None:
            row = engine.get_java_database().query("sql", "SELECT FROM Lesion WHERE id = 'DL:00000'").next()
            node = row.getVertex().get().modify()
            node.setOutEdgesHeadChunk(None)
            node.save()

        store.write_transaction(forget)
    result = CliRunner().invoke(graph.app, ["verify", "--home", str(home), "--json"])
    assert result.exit_code == 1
    assert [entry["kind"] for entry in json.loads(result.stdout)["broken"]] == ["HAS_LABEL"]


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_serve_ends_at_a_signal_and_leaves_nothing_behind(home: Path, number: signal.Signals) -> None:
    folder = home / "graph"
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "bolt://127.0.0.1:" in line
        assert run_json(status_app, "--home", home)["graph"].startswith("bolt://127.0.0.1:")
        password = json.loads(ownership_file(folder).read_text())["accounts"]["writer"]["password"]
        assert password not in line
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
    assert not ownership_file(folder).exists()
    assert sorted(p.name for p in home.iterdir()) == ["graph"]
    assert run_json(status_app, "--home", home)["graph"] == str(folder)


def test_a_served_address_is_not_served_again() -> None:
    with pytest.raises(UsageError, match="give a graph folder"):
        run(graph.app, "serve", "--graph", "bolt://127.0.0.1:7687")
