"""The commands ``mine export``, ``mine show`` and ``mine suggest``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mined_graph import MinedGraph, mined_graph
from typer.testing import CliRunner, Result

from kg.errors import InputError, UsageError
from lesionkg.cli.mine import app


def run(*arguments: object, given: str | None = None) -> Result:
    """Run a subcommand; an error of ours, which the command tree turns into one line, is raised."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"}, input=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinedGraph]:
    with mined_graph(tmp_path_factory.mktemp("home") / "graph") as made:
        yield made


# Export


def test_export_writes_lists_and_lines(mined: MinedGraph, tmp_path: Path) -> None:
    lists = run("export", "--out", tmp_path / "labels.json", "--graph", mined.folder).stdout
    assert "labels.json: 5 lesions (" in lists and "7 relevant, 3 uncertain, 3 irrelevant" in lists
    assert "3 lesions are not DeepLesion's; `lesions` in the file maps" in lists
    told = run_json("export", "--out", tmp_path / "l.jsonl", "--format", "jsonl", "--graph", mined.folder)
    lines = (tmp_path / "l.jsonl").read_text(encoding="utf-8").splitlines()
    assert sum(told["lesions"].values()) == len(lines) == 5
    assert "term_list" in json.loads((tmp_path / "labels.json").read_text(encoding="utf-8"))


def test_export_takes_a_split_from_a_file(mined: MinedGraph, tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("patient,split\nDL:P0003,test\nP:1,val\nP:2,train\n", encoding="utf-8")
    told = run_json(
        "export", "--out", tmp_path / "l.json", "--split", tmp_path / "split.csv", "--graph", mined.folder
    )  # fmt: skip
    assert told["lesions"] == {"train": 1, "val": 2, "test": 2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "csv"], "--format csv: not one of json, jsonl"),
        (["--split-by", "study"], "--split-by study: not known; write --split-by patient"),
        (["--split-by", "patient", "--split", "x.csv"], "they name different splits"),
        (["--label-set", "mine"], "label set 'mine': not in ontology"),
        (["--source", "nobody"], "source 'nobody': the graph has no labels from it"),
    ],
)
def test_an_export_that_cannot_be_is_refused(
    arguments: list[str], said: str, mined: MinedGraph, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        run("export", "--out", tmp_path / "l.json", *arguments, "--graph", mined.folder)
    assert list(tmp_path.iterdir()) == []


def test_an_export_into_no_folder_or_with_no_split_file_is_refused(mined: MinedGraph, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="its folder does not exist"):
        run("export", "--out", tmp_path / "absent" / "l.json", "--graph", mined.folder)
    with pytest.raises(InputError, match="cannot be read as CSV"):
        run("export", "--out", tmp_path / "l.json", "--split", tmp_path / "no.csv", "--graph", mined.folder)
