"""The command group ``lesionkg ingest``."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from small_release import first_lesions
from typer.testing import CliRunner, Result

from ingest.deeplesion import COLUMNS
from ingest.release import Release
from kg.connect import open_store
from kg.errors import InputError, UsageError
from lesionkg.cli.ingest import app


def run(*arguments: object) -> Result:
    """Run a subcommand; an error of ours, which the command tree turns into one line, is raised."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").output)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped release is cut to its first 200 lesions, so that a load takes seconds."""
    release = first_lesions(200)
    monkeypatch.setattr(Release, "shipped", classmethod(lambda cls: release))


@pytest.mark.usefixtures("small")
def test_the_shipped_tables_load_into_a_new_graph_and_again(tmp_path: Path) -> None:
    first = run_json("deeplesion", "--home", tmp_path)
    assert first["counts"]["Lesion"] == 200
    assert first["written"] > 200
    text = run("deeplesion", "--home", tmp_path).output
    assert "HAS_LABEL" in text
    assert f"cohort {first['cohort']}; all of it was there already" in text
    with open_store(tmp_path / "graph", read_only=True) as store:
        assert store.read("MATCH (k:Label) RETURN count(k) AS n ORDER BY n") == [{"n": 333}]


def test_one_of_two_files_is_not_enough(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--info and --labels belong together"):
        run("deeplesion", "--info", tmp_path / "DL_info.csv", "--home", tmp_path)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param("column", "column Bounding_boxes is missing", id="a missing column"),
        pytest.param("rows", "2 lesions, expected 32735", id="another number of rows"),
        pytest.param("label", "key term_list is missing", id="a label file without terms"),
        pytest.param("absent", "cannot be read", id="no file"),
    ],
)
def test_damaged_files_give_one_error_and_no_graph(tmp_path: Path, shared_data: Path, damage: str, reason: str) -> None:
    info, labels = tmp_path / "DL_info.csv", shared_data / "lesanet" / "text_mined_labels_171_and_split.json"
    with (shared_data / "deeplesion" / "lesions.csv").open(newline="") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(2), strict=False)]
    with info.open("w", newline="") as file:
        columns = [c for c in COLUMNS if damage != "column" or c != "Bounding_boxes"]
        out = csv.DictWriter(file, columns, extrasaction="ignore")
        out.writeheader()
        out.writerows(rows)
    if damage == "label":
        labels = tmp_path / "labels.json"
        labels.write_text("{}")
    if damage == "absent":
        info.unlink()
    with pytest.raises(InputError, match=reason):
        run("deeplesion", "--info", info, "--labels", labels, "--home", tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_mentions_prints_the_share_of_inferred_labels() -> None:
    counts = run_json("mentions")
    assert (counts["positives"], counts["inferred"]) == (81_430, 32_544)
    assert "39.97 %" in run("mentions").output


def test_the_tables_are_built_from_the_official_files(shared_data: Path, tmp_path: Path) -> None:
    lesions = shared_data / "deeplesion" / "lesions.csv"
    labels = shared_data / "lesanet" / "text_mined_labels_171_and_split.json"
    sizes = run_json("build-tables", "--lesions", lesions, "--labels", labels, "--out", tmp_path)
    assert {Path(path).name for path in sizes} == {"lesions.parquet", "labels.parquet"}
    assert Release.read_tables(tmp_path) == Release.shipped()
    assert "build-tables" not in run("--help").output


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_official_files_load_as_the_shipped_tables_do(shared_data: Path, tmp_path: Path) -> None:
    info, labels = tmp_path / "DL_info.csv", shared_data / "lesanet" / "text_mined_labels_171_and_split.json"
    with (shared_data / "deeplesion" / "lesions.csv").open(newline="") as file, info.open("w", newline="") as copy:
        out = csv.DictWriter(copy, COLUMNS, extrasaction="ignore")
        out.writeheader()
        out.writerows(csv.DictReader(file))
    assert run_json("deeplesion", "--info", info, "--labels", labels, "--home", tmp_path)["written"] > 200_000
    assert run_json("deeplesion", "--home", tmp_path)["written"] == 0
