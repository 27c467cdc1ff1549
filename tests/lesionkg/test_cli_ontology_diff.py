"""The command ``lesionkg ontology diff``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kg.curation.application import apply_changes
from kg.curation.change_set import Change, ChangeSet
from kg.errors import InputError, StoreError, UsageError
from kg.graph_ontology import save_ontology
from kg.ontology import Relation, RelationKind
from kg.owl import write_owl
from kg.shipped import load_shipped
from lesionkg.cli.ontology import app


def run(*arguments: object) -> Result:
    """Run the command; an error of ours, which the command tree turns into one line, is raised."""
    result = CliRunner().invoke(app, ["diff", *map(str, arguments)], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").output)


@pytest.fixture
def graph(empty_graph_folder: Path, tmp_path: Path) -> Path:
    """A graph with two revisions: as shipped, then with hemangioma in the liver."""
    import graphs

    folder = tmp_path / "graph"
    ours = load_shipped()
    located = Relation(ours.label("hemangioma").id, RelationKind.LOCATED_IN, ours.label("liver").id, "test")
    with graphs.fresh(empty_graph_folder, folder) as store:
        save_ontology(store, ours)
        apply_changes(store, ChangeSet((Change(None, located),), "a curator", "2026-11-21T00:00:00Z", "a test"))
    return folder


@pytest.mark.slow
def test_two_names_of_the_same_ontology_differ_in_nothing(tmp_path: Path) -> None:
    write_owl(load_shipped(), tmp_path / "x.owl", "strict")
    result = run("lesanet-repaired", tmp_path / "x.owl")
    assert result.exit_code == 0
    assert "nothing differs" in result.output
    assert run_json("lesanet-repaired", "lesanet-repaired")["equal"]


def test_two_revisions_of_a_graph_are_compared(graph: Path) -> None:
    result = run("graph@1", "graph@2", "--graph", graph)
    assert result.exit_code == 1
    assert "relation +1" in result.output
    assert "ancestors gained" in result.output
    assert run("graph@2", "graph", "--graph", graph).exit_code == 0
    back = run_json("graph", "graph@1", "--graph", graph)
    assert back["counts"] == {"relation": {"remove": 1}}


def test_a_file_and_the_graph_are_compared(graph: Path, tmp_path: Path) -> None:
    result = run("lesanet-repaired", "--graph", graph)
    assert result.exit_code == 1
    assert "hemangioma" in result.output
    ours = load_shipped()
    write_owl(replace(ours, version="9"), tmp_path / "x.ttl")
    assert run_json(tmp_path / "x.ttl", "graph@1", "--graph", graph)["counts"] == {"header": {"edit": 1}}


def test_markdown_has_headings() -> None:
    result = run("lesanet-released", "lesanet-repaired", "--markdown")
    assert result.exit_code == 1
    assert "## rectum (LKG:0000123)" in result.output
    assert "**inferred**" in result.output


@pytest.mark.parametrize(("name", "says"), [("graph@x", "revision"), ("graph@99", "revision"), ("lesanet", "ship")])
def test_a_name_of_nothing_is_refused(name: str, says: str, graph: Path) -> None:
    with pytest.raises(UsageError, match=says):
        run(name, "graph", "--graph", graph)


def test_a_missing_file_two_forms_and_a_missing_graph_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="read"):
        run(tmp_path / "absent.ttl", "lesanet-repaired")
    with pytest.raises(UsageError, match="forms"):
        run("lesanet-repaired", "lesanet-repaired", "--markdown", "--json")
    with pytest.raises(StoreError, match="exist"):
        run("graph", "lesanet-repaired", "--home", tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
