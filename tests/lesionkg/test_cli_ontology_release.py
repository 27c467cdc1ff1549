"""The commands ``lesionkg ontology report`` and ``release``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import made_ontology
import pytest
from typer.testing import CliRunner, Result

from kg.errors import OntologyError, StoreError, UsageError
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped
from lesionkg.cli.ontology import app

RENAME = "rename 'nodule' from 'nodule' to 'lump'"


def run(*arguments: object) -> Result:
    """Run a command; an error of ours, which the command tree turns into one line, is raised."""
    result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").output)


@pytest.fixture
def home(empty_graph_folder: Path, tmp_path: Path) -> Path:
    """A data folder whose graph has two revisions of the made ontology."""
    import graphs

    with graphs.fresh(empty_graph_folder, tmp_path / "home" / "graph") as store:
        save_ontology(store, made_ontology.small(), author="importer")
    run("propose", RENAME, "--author", "Ann", "--reason", "plain words", "--apply", "--home", tmp_path / "home")
    return tmp_path / "home"


def test_the_ontology_of_a_graph_is_released_with_its_history(home: Path, tmp_path: Path) -> None:
    told = run_json("release", tmp_path / "r1", "--version", "1.0.0", "--ontology", "graph@1", "--home", home)
    assert told["version"] == "1.0.0"
    sums = told["checksums"]
    assert sums == {n: hashlib.sha256((tmp_path / "r1" / n).read_bytes()).hexdigest() for n in sums}
    first = (tmp_path / "r1" / "CHANGES.md").read_text(encoding="utf-8")
    assert "revision 1," in first and "revision 2" not in first

    second = ("release", tmp_path / "r2", "--version", "1.1.0", "--date", "2026-11-21", "--home", home)
    result = run(*second, "--previous", tmp_path / "r1" / "made.ttl")
    assert "made 1.1.0" in result.output and "warning missing-definition: " in result.output
    log = (tmp_path / "r2" / "CHANGES.md").read_text(encoding="utf-8")
    assert log.startswith("# made 1.1.0, 2026-11-21\n\n## revision 2, ")
    assert "- rename 'nodule' to 'lump'" in log and "revision 1" not in log
    assert "lump" in (tmp_path / "r2" / "DIFF.md").read_text(encoding="utf-8")
    assert run("diff", tmp_path / "r2" / "made.ttl", tmp_path / "r2" / "made.owl", "--home", home).exit_code == 0


def test_a_release_needs_a_new_folder_a_graph_and_no_errors(tmp_path: Path) -> None:
    with pytest.raises(OntologyError, match="lesionkg ontology report"):
        run("release", tmp_path / "r", "--version", "1", "--ontology", "lesanet-released")
    with pytest.raises(StoreError, match="exist"):
        run("release", tmp_path / "r", "--version", "1", "--home", tmp_path / "nothing")
    with pytest.raises(UsageError, match="date"):
        run("release", tmp_path / "r", "--version", "1", "--ontology", "lesanet-repaired", "--date", "soon")
    assert list(tmp_path.iterdir()) == []


def test_a_report_lists_what_to_look_at_and_fails_on_errors() -> None:
    result = run("report", "lesanet-repaired")
    assert result.exit_code == 0
    assert "warning missing-definition: 333" in result.output
    assert "and 325 more" in result.output
    broken = run("report", "lesanet-released", "--json")
    assert broken.exit_code == 1
    lines = json.loads(broken.output)["lines"]
    assert [line["level"] for line in lines[:8]] == ["error"] * 8
    assert {line["label"] for line in lines} - {""} <= set(load_shipped().by_id)
