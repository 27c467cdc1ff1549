"""The command group ``lesionkg cohort``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_release import first_lesions
from typer.testing import CliRunner, Result

from ingest.load import load_deeplesion
from kg.cohort import Cohort
from kg.connect import open_store
from kg.errors import CohortError, StoreError, UsageError
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped
from lesionkg.cli.cohort import app


def run(*arguments: object) -> Result:
    """Run a subcommand; an error of ours, which the command tree turns into one line, is raised."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").output)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose graph holds the first 200 real lesions."""
    folder = tmp_path_factory.mktemp("home")
    with open_store(folder / "graph") as store:
        save_ontology(store, load_shipped())
        load_deeplesion(store, first_lesions(200))
    return folder


def test_freeze_list_and_show_speak_of_one_cohort(home: Path) -> None:
    frozen = run_json("freeze", "mine", "--home", home)
    assert frozen["id"].startswith("mine-")
    assert run_json("freeze", "mine", "--home", home)["id"] == frozen["id"]
    listed = {entry["id"]: entry for entry in run_json("list", "--home", home)}
    assert listed[frozen["id"]]["lesions"] == frozen["lesions"]
    shown = run_json("show", "mine", "--home", home)
    assert shown["id"] == frozen["id"]
    assert shown["splits"]["train"]["lesions"] == frozen["lesions"]["train"]
    assert shown["matrix_hash"] == shown["matrix_hash_of_graph"]
    assert frozen["id"] in run("freeze", "mine", "--home", home).output
    assert "lesanet-" in run("list", "--home", home).output
    text = run("show", "lesanet", "--home", home).output
    assert "label data hash" in text
    assert "contradictory" in text


def test_the_official_split_can_be_chosen(home: Path) -> None:
    official = run_json("freeze", "official", "--split-from", "official", "--home", home)
    assert official["lesions"] != run_json("freeze", "mine", "--home", home)["lesions"]


def test_export_writes_parquet_and_json(home: Path, tmp_path: Path) -> None:
    told = run_json("export", "lesanet", "--out", tmp_path / "c.parquet", "--home", home)
    cohort = Cohort.read_parquet(tmp_path / "c.parquet")
    assert (cohort.id, cohort.size) == (told["id"], 96)
    assert cohort.id in run("export", cohort.id, "--out", tmp_path / "c.json", "--home", home).output
    assert len(json.loads((tmp_path / "c.json").read_text())["lesions"]) == 96


def test_an_unknown_format_folder_or_cohort_is_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"name a \.parquet or \.json file"):
        run("export", "lesanet", "--out", tmp_path / "c.csv", "--home", home)
    with pytest.raises(UsageError, match="folder does not exist"):
        run("export", "lesanet", "--out", tmp_path / "absent" / "c.json", "--home", home)
    with pytest.raises(CohortError, match="'absent': not in this graph"):
        run("show", "absent", "--home", home)


def test_without_a_graph_nothing_is_created(tmp_path: Path) -> None:
    for command in (("list",), ("show", "lesanet"), ("freeze", "mine")):
        with pytest.raises(StoreError, match="does not exist"):
            run(*command, "--home", tmp_path)
    assert list(tmp_path.iterdir()) == []
