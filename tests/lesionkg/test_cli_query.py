"""``lesionkg query``: what people type, and what comes back."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import graphs
import psutil
import pyarrow.parquet as pq
import pytest

from queries.catalogue import catalogue

ENDLESS = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b UNWIND range(1, 1000) AS c RETURN count(*) AS n"
LABELS = "MATCH (c:Label) RETURN c.name AS name, c.id AS id ORDER BY name"


def command(*arguments: object) -> list[str]:
    code = "import sys; from lesionkg.cli import main; main()"
    return [sys.executable, "-c", code, "query", *map(str, arguments)]


def query(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def folder(empty_graph_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small graph with two labels, one of which looks like a formula."""
    place = tmp_path_factory.mktemp("cli") / "graph"
    rows = [{"id": "LKG:1", "name": "liver"}, {"id": "LKG:2", "name": "=1+1"}]
    with graphs.fresh(empty_graph_folder, place) as store:
        store.write_transaction(lambda tx: tx.run_many("UNWIND $rows AS row CREATE (c:Label) SET c += row", rows))
    return place


def test_list_as_json_holds_every_named_query_with_its_parameters() -> None:
    done = query("--list", "--json")
    assert done.returncode == 0, done.stderr
    listed: list[dict[str, Any]] = json.loads(done.stdout)
    assert [each["name"] for each in listed] == list(catalogue())
    assert len(listed) >= 18
    for each in listed:
        assert each["title"] and each["question"].endswith("?")
        assert all({"name", "type", "default", "description"} == set(p) for p in each["parameters"])


def test_list_as_text_shows_names_and_questions() -> None:
    shown = query("--list").stdout
    assert all(name in shown for name in ("few-positives", "co-occurrence", "fewer_than = 10"))


def test_formats_of_one_answer(folder: Path, tmp_path: Path) -> None:
    table = query("--cypher", LABELS, "--graph", folder)
    assert table.returncode == 0, table.stderr
    assert "liver" in table.stdout and "2 rows" in table.stdout
    as_csv = query("--cypher", LABELS, "--graph", folder, "--format", "csv")
    assert list(csv.reader(io.StringIO(as_csv.stdout))) == [
        ["name", "id", "Research use only; not for diagnosis."], ["'=1+1", "LKG:2", ""], ["liver", "LKG:1", ""]
    ]  # fmt: skip
    as_json = json.loads(query("--cypher", LABELS, "--graph", folder, "--json").stdout)
    assert as_json["rows"] == [{"name": "=1+1", "id": "LKG:2"}, {"name": "liver", "id": "LKG:1"}]
    done = query("--cypher", LABELS, "--graph", folder, "--format", "parquet", "--out", tmp_path / "out.parquet")
    assert done.returncode == 0, done.stderr
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == as_json["rows"]


def test_parameters_of_free_cypher_are_json_or_text_and_rows_are_cut_off(folder: Path) -> None:
    text = "MATCH (c:Label) WHERE c.name IN $names RETURN c.name AS name, $x AS x ORDER BY name"
    done = query(
        "--cypher", text, "--param", 'names=["liver", "=1+1"]', "--param", "x=li=ver",
        "--max-rows", 1, "--graph", folder, "--json",
    )  # fmt: skip
    answer = json.loads(done.stdout)
    assert answer["rows"] == [{"name": "=1+1", "x": "li=ver"}]
    assert answer["truncated"]
    assert "--max-rows shows more" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["few-positive"], 2, r"there is no such named query; did you mean few-positives\?"),
        (["few-positives", "--param", "fewer=3"], 2, "no parameter 'fewer'; did you mean fewer_than"),
        (["few-positives", "--param", "fewer_than=x"], 2, "'x' is not of type integer"),
        (["few-positives", "--param", "fewer_than"], 2, "write NAME=VALUE"),
        (["few-positives", "-p", "split=a", "-p", "split=b"], 2, "--param split: given twice"),
        (["few-positives", "--format", "xml"], 2, "--format xml: not one of table, csv, json, parquet"),
        (["few-positives", "--format", "parquet"], 2, "give --out FILE"),
        (["few-positives", "--timeout", "0"], 2, "give a positive number of seconds"),
        (["few-positives", "--cypher", "RETURN 1"], 2, "name of a named query, or --cypher"),
        ([], 2, "name of a named query, or --cypher"),
        (["--cypher", "MATCH (n) DETACH DELETE n"], 2, "query refused at line 1, column 11: DETACH writes"),
        (["--cypher", "LOAD CSV FROM 'file:///etc/passwd' AS r RETURN r"], 2, "LOAD CSV reads files"),
        (["--cypher", "RETURN 1 AS a", "--nonsense"], 2, "No such option"),
        (["few-positives"], 1, "nowhere: does not exist; `lesionkg demo`"),
    ],
)
def test_what_cannot_be_answered_is_one_line_and_an_exit_code(
    arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:
    done = query(*arguments, "--graph", tmp_path / "nowhere")
    assert done.returncode == code, done.stderr
    assert re.fullmatch(rf"lesionkg: .*{said}.*\n", done.stderr), done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_time_runs_out_with_exit_code_1(folder: Path) -> None:
    done = query("--cypher", ENDLESS, "--timeout", "0.3", "--graph", folder)
    assert (done.returncode, done.stderr.strip()) == (
        1,
        "lesionkg: query: ended after 0.3 s; ask for less, or give more time with --timeout",
    )


def test_ctrl_c_ends_the_command_within_two_seconds(folder: Path) -> None:
    process = subprocess.Popen(
        command("--cypher", ENDLESS, "--timeout", 600, "--graph", folder), stderr=subprocess.PIPE, text=True
    )
    child = None
    deadline = time.monotonic() + 60
    while child is None and time.monotonic() < deadline:
        time.sleep(0.1)
        busy = [c for c in psutil.Process(process.pid).children() if c.cpu_times().user > 1.0 and c.num_threads() > 5]
        child = busy[0] if busy else None
    assert child is not None, "the query did not start"
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert time.monotonic() - start < 2
    assert process.returncode == 130  # what shells expect of a command that Ctrl-C ended
    assert not child.is_running()


def test_the_documentation_lists_every_named_query() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "queries.md").read_text(encoding="utf-8")
    for each in catalogue().values():
        assert f"| `{each.name}` | {each.question} |" in text
    assert f"\n{len(catalogue())} questions, each one" in text
