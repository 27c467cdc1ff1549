"""Queries run in a child process that can be ended at any moment, and see the graph for reading only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import graphs
import psutil
import pytest

from kg.embedded import open_folder
from kg.errors import LesionKGError, QueryRefusedError, QueryTimeoutError, StoreBusyError, StoreError, UsageError
from queries.limits import Limits
from queries.request import Request, answer
from queries.runner import run

ENDLESS = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b UNWIND range(1, 1000) AS c RETURN count(*) AS n"


@pytest.fixture(scope="module")
def folder(empty_graph_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small graph that nobody holds: two labels."""
    place = tmp_path_factory.mktemp("runner") / "graph"
    with graphs.fresh(empty_graph_folder, place) as store:
        rows = [{"id": "LKG:1", "name": "liver"}, {"id": "LKG:2", "name": "lung"}]
        store.write_transaction(
            lambda tx: tx.run_many("UNWIND $rows AS row MERGE (c:Label {id: row.id}) SET c += row", rows)
        )
    return place


def free(cypher: str, rows: int = 100, **parameters: object) -> Request:
    return Request(cypher=cypher, parameters=parameters, rows=rows)


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    left = [p for p in psutil.Process().children(recursive=True) if "queries.worker" in " ".join(p.cmdline())]
    assert left == []


def test_the_answer_comes_back_with_its_columns_types_and_order(folder: Path) -> None:
    query = "MATCH (c:Label) RETURN c.name AS name, {a: [1, null, 2.5]} AS m, true AS t, $x AS x ORDER BY name DESC"
    result = run(folder, free(query, x=["é", None]))
    assert result.columns == ("name", "m", "t", "x")
    assert result.rows == (
        ("lung", {"a": [1, None, 2.5]}, True, ["é", None]),
        ("liver", {"a": [1, None, 2.5]}, True, ["é", None]),
    )
    assert not result.truncated


def test_rows_beyond_the_allowed_are_cut_off_before_they_are_made(folder: Path) -> None:
    result = run(
        folder, free("UNWIND range(1, 3000) AS a UNWIND range(1, 3000) AS b RETURN a, b LIMIT 8000000", rows=3)
    )
    assert result.rows == ((1, 1), (1, 2), (1, 3))
    assert result.truncated


def test_a_query_that_takes_too_long_is_ended(folder: Path) -> None:
    start = time.monotonic()
    with pytest.raises(QueryTimeoutError, match=r"query: ended after 0\.5 s; ask for less, or give more time"):
        run(folder, free(ENDLESS), timeout_s=0.5)
    assert time.monotonic() - start < 30
    assert run(folder, free("RETURN 1 AS one")).rows == ((1,),)


INTERRUPTED = """
import sys
from queries.request import Request
from queries.runner import run
try:
    run(sys.argv[1], Request(cypher=sys.argv[2]), timeout_s=600)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
"""


def start_endless(folder: Path) -> tuple[subprocess.Popen[str], psutil.Process]:
    """A process that runs a query without end, and the child in which the query runs by now."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(folder), ENDLESS], stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in psutil.Process(process.pid).children():
            # The query runs once the Java runtime has burnt some processor time without the graph being opened anew.
            if child.cpu_times().user > 1.0 and child.num_threads() > 5:
                return process, child
        time.sleep(0.1)
    process.kill()
    raise AssertionError("the query did not start")


def test_ctrl_c_ends_a_running_query_within_two_seconds_and_leaves_no_process(folder: Path) -> None:
    process, child = start_endless(folder)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert time.monotonic() - start < 2
    assert (process.returncode, output.strip()) == (130, "interrupted")
    assert not child.is_running()
    assert run(folder, free("RETURN 1 AS one")).rows == ((1,),)


def test_the_query_ends_when_the_process_that_asked_is_killed(folder: Path) -> None:
    process, child = start_endless(folder)
    process.kill()
    process.communicate(timeout=20)
    assert psutil.wait_procs([child], timeout=5)[1] == []


def test_the_size_of_the_result_is_bounded(folder: Path) -> None:
    query = free("UNWIND range(1, 2000) AS x RETURN x, $text AS y", rows=2000, text="some text to fill it " * 30)
    with pytest.raises(LesionKGError, match="the result is larger than 1 MB"):
        run(folder, query, limits=Limits(result_mb=1))


def test_a_child_that_breaks_down_is_one_clear_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(LesionKGError, match="query: its process ended with code 1"):
        run(folder, free("RETURN 1 AS one"))


@pytest.mark.parametrize(
    ("request_", "error", "said"),
    [
        (free("CREATE (n)"), QueryRefusedError, "CREATE writes"),
        (free("LOAD CSV FROM 'file:///etc/hosts' AS r RETURN r"), QueryRefusedError, "reads files"),
        (free("RETURN $x AS x"), UsageError, r"\$x has no value; give --param x="),
        (free("RETURN 1 AS x", y=1), UsageError, r"no parameter \$y"),
        (Request("few-positive"), UsageError, "did you mean few-positives"),
        (Request("few-positives", parameters={"fewer_than": "many"}), UsageError, "not of type integer"),
        (Request("few-positives", cypher="RETURN 1"), UsageError, "name of a named query, or --cypher"),
        (Request(), UsageError, "name of a named query, or --cypher"),
        (free("RETURN 1 AS x", rows=0), UsageError, "allow at least one"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_started(
    request_: Request, error: type[Exception], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    with pytest.raises(error, match=said):
        run("anywhere", request_)
    with pytest.raises(UsageError, match="give a positive number of seconds"):
        run("anywhere", free("RETURN 1 AS x"), timeout_s=0)


def test_errors_of_the_graph_come_back_as_what_they_are(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nope"):
        run(folder, free("RETURN nope AS x"))
    with pytest.raises(StoreError, match="not a scalar, list or map"):
        run(folder, free("MATCH (c:Label) RETURN c ORDER BY c.name"))
    with pytest.raises(UsageError, match=r"label 'livr': not in the graph; did you mean liver\?"):
        run(folder, Request("lesions-under-label", parameters={"label": "livr"}))
    with pytest.raises(StoreError, match="does not exist; `lesionkg demo`"):
        run(tmp_path / "nowhere", free("RETURN 1 AS x"))
    assert not (tmp_path / "nowhere").exists()


def test_a_graph_that_another_process_holds_is_said_to_be_busy(folder: Path) -> None:
    with open_folder(folder), pytest.raises(StoreBusyError, match=f"process {os.getpid()} has it open"):
        run(folder, free("RETURN 1 AS x"))


def test_a_served_graph_is_read_over_its_bolt(folder: Path) -> None:
    with graphs.serving(folder):
        assert run(folder, free("MATCH (c:Label) RETURN c.name AS name ORDER BY name")).rows == (("liver",), ("lung",))


def test_a_free_query_is_answered_in_this_process_too(folder: Path) -> None:
    with open_folder(folder, read_only=True) as store:
        result = answer(store, free("MATCH (c:Label) RETURN c.name AS name", rows=1))
    assert (len(result.rows), result.truncated) == (1, True)


def test_nothing_of_the_environment_is_needed_to_start_the_child(folder: Path, tmp_path: Path) -> None:
    previous = Path.cwd()
    os.chdir(tmp_path)
    try:
        (tmp_path / "json.py").write_text("raise SystemExit('a file of the current directory was imported')")
        assert run(os.path.relpath(folder), free("RETURN 1 AS one")).rows == ((1,),)
    finally:
        os.chdir(previous)
