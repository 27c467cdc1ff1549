"""The desk of a server: free queries in processes of their own, on what was committed, held up and harmed by nobody."""

from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import graphs
import psutil
import pytest

from kg.embedded import EmbeddedStore, open_folder
from kg.errors import (
    LesionKGError,
    QueryBusyError,
    QueryCancelledError,
    QueryRefusedError,
    QueryTimeoutError,
    StoreError,
    UsageError,
)
from kg.graph_lines import read_content
from kg.neo4j_store import Neo4jStore
from queries import desk as desk_module
from queries import process
from queries.desk import Desk
from queries.limits import Limits
from queries.request import Request
from queries.snapshots import private_folder

ENDLESS = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b UNWIND range(1, 1000) AS c RETURN count(*) AS n"
NAMES = "MATCH (c:Label) RETURN c.name AS name ORDER BY name"
LIMITS = Limits(seconds=30, rows=500, memory_mb=800, workers=2, waiting=1, result_mb=1)
MEMORY_BOMB = "RETURN size(reduce(s = 'x', i IN range(1, 40) | s + s)) AS n"

BOMBS = [
    (MEMORY_BOMB, LesionKGError, "needed more than its 800 MB"),
    ("RETURN range(1, 1000000000) AS n", StoreError, "query: range"),
    (ENDLESS, QueryTimeoutError, "ended after 1.5 s"),
    ("MATCH p = (:Label)-[*]-(:Label) RETURN count(*) AS n", QueryTimeoutError, "ended after 1.5 s"),
    ("RETURN reduce(s = [], i IN range(1, 100) | [s]) AS n", UsageError, "nested more than 32 times"),
    ("RETURN reduce(s = [], i IN range(1, 100000) | [s]) AS n", StoreError, "query: "),
    ("RETURN " + "1 + " * 2000 + "1 AS n", StoreError, "query: "),
    ("RETURN " + "(" * 200 + "1" + ")" * 200 + " AS n", QueryRefusedError, "more than 64 brackets"),
]


def free(cypher: str, **parameters: object) -> Request:
    return Request(cypher=cypher, parameters=parameters)


def workers() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "queries.worker" in " ".join(child.cmdline())]


def content(store: EmbeddedStore) -> object:
    return store.read_transaction(read_content)


@pytest.fixture(scope="module")
def store(empty_graph_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """Twenty labels, all of them linked with each other."""
    with graphs.fresh(empty_graph_folder, tmp_path_factory.mktemp("desk") / "graph") as store:
        rows = [{"id": f"LKG:{i:02}", "name": f"label {i:02}"} for i in range(20)]
        store.write_transaction(lambda tx: tx.run_many("UNWIND $rows AS row CREATE (c:Label) SET c += row", rows))
        link = "MATCH (a:Label), (b:Label) WHERE a.id < b.id CREATE (a)-[:CONFUSABLE_WITH]->(b)"
        store.write_transaction(lambda tx: tx.run(link))
        yield store


@pytest.fixture(scope="module")
def desk(store: EmbeddedStore) -> Iterator[Desk]:
    desk = Desk(store, LIMITS)
    yield desk
    desk.close()
    assert workers() == []


def test_a_free_query_is_answered_with_its_time_and_memory(desk: Desk) -> None:
    result = desk.ask(free("MATCH (c:Label) RETURN c.id AS id, $x AS x ORDER BY id LIMIT 2", x=["é", None]))
    assert result.rows == (("LKG:00", ["é", None]), ("LKG:01", ["é", None]))
    assert result.seconds > 0
    assert 50 < result.memory_mb < LIMITS.memory_mb


def test_a_process_is_used_again_after_a_query_that_ended_by_itself(desk: Desk) -> None:
    desk.ask(free(NAMES))
    before = workers()
    with pytest.raises(StoreError, match=r"^query: .*nope"):
        desk.ask(free("RETURN nope AS x"))
    desk.ask(free(NAMES))
    assert workers() == before


def test_a_query_sees_every_write_that_was_acknowledged_before_it(desk: Desk, store: EmbeddedStore) -> None:
    rename = "MATCH (c:Label {id: 'LKG:00'}) SET c.name = $name"
    for name in ("first", "second"):
        store.write_transaction(lambda tx, name=name: tx.run(rename, {"name": name}))  # type: ignore[misc]
        assert desk.ask(free("MATCH (c:Label {id: 'LKG:00'}) RETURN c.name AS name")).rows == ((name,),)
    # Also one that does not count itself, as other programs write.
    store._begin()
    store._rows(store._database.command, rename, {"name": "third"})
    store._commit()
    assert desk.ask(free("MATCH (c:Label {id: 'LKG:00'}) RETURN c.name AS name")).rows == (("third",),)


def test_copies_are_private_and_only_the_newest_is_kept(desk: Desk) -> None:
    desk.ask(free(NAMES))
    (place,) = desk._pool._snapshots._place.parent.glob(f"lesionkg-queries-{psutil.Process().pid}-*")  # type: ignore[union-attr]
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert len(list(place.iterdir())) == 1


@pytest.mark.parametrize(("bomb", "error", "said"), BOMBS, ids=[bomb[:40] for bomb, *_ in BOMBS])
def test_a_bomb_is_refused_or_killed_and_nobody_else_notices(
    bomb: str, error: type[Exception], said: str, desk: Desk, store: EmbeddedStore
) -> None:
    before = content(store)
    with pytest.raises(error, match=said):
        desk.ask(free(bomb), seconds=1.5 if error is QueryTimeoutError else None)
    assert len(desk.ask(free(NAMES)).rows) == 20
    assert content(store) == before


def test_named_queries_and_free_ones_are_answered_beside_a_bomb(desk: Desk) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(2) as people:
        try:
            bomb = people.submit(desk.ask, free(ENDLESS), None, stop)
            assert desk.ask(Request("stale-predictions")).rows == ()
            assert len(desk.ask(free(NAMES)).rows) == 20
            assert not bomb.done()
        finally:
            stop.set()
        with pytest.raises(QueryCancelledError, match="query: cancelled"):
            bomb.result()


def test_more_queries_than_may_wait_are_refused_and_the_others_are_answered(desk: Desk) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(3) as people:
        try:
            jobs = [desk.submit(free(ENDLESS), 30, stop) for _ in range(LIMITS.workers)]
            while not all(job.started for job in jobs):
                stop.wait(0.01)
            waiting = people.submit(desk.ask, free(NAMES))
            while not desk._free._line:
                stop.wait(0.01)
            with pytest.raises(QueryBusyError, match="1 others wait already"):
                desk.ask(free(NAMES))
            assert desk.ask(Request("stale-predictions")).rows == ()
        finally:
            stop.set()
        assert len(waiting.result().rows) == 20
        assert all(isinstance(job.exception(), QueryCancelledError) for job in jobs)


def test_coroutines_wait_without_a_thread_and_cancelling_them_ends_their_query(desk: Desk) -> None:
    async def scenario() -> None:
        assert len((await desk.answered(free(NAMES))).rows) == 20
        with pytest.raises(QueryTimeoutError, match=r"ended after 0\.5 s"):
            await desk.answered(free(ENDLESS), 0.5)
        with pytest.raises(QueryRefusedError, match="DELETE writes"):
            await desk.answered(free("MATCH (n) DELETE n"))
        task = asyncio.create_task(desk.answered(free(ENDLESS)))
        while not any(job.started for job in [*desk._free._line]) and not desk._pool._alive:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert len(desk.ask(free(NAMES)).rows) == 20


def test_rows_bytes_and_parameters_are_bounded(desk: Desk) -> None:
    for last in ("", "LIMIT 900000", "LIMIT $n", "LIMIT 1000 + 1000"):
        parameters = {"n": 900_000} if "$" in last else {}
        cut = desk.ask(free(f"UNWIND range(1, 3000) AS i RETURN i ORDER BY i {last}", **parameters))
        assert (len(cut.rows), cut.rows[-1], cut.truncated) == (500, (500,), True)
    with pytest.raises(LesionKGError, match="the result is larger than 1 MB"):
        desk.ask(free("RETURN reduce(s = 'x', i IN range(1, 21) | s + s) AS n"))
    with pytest.raises(UsageError, match="its parameters take more than 8 MB"):
        desk.ask(free("RETURN size($x) AS n", x="x" * (9 << 20)))
    assert desk.ask(free("RETURN substring('a\N{GRINNING FACE}', 1, 1) AS x")).columns == ("x",)


def test_a_named_query_may_not_hold_who_asked_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(desk_module, "answer", lambda *_: release.wait(60))
    with pytest.raises(QueryTimeoutError, match=r"query stale-predictions: ended after 0\.2 s"):
        desk.ask(Request("stale-predictions"), seconds=0.2)
    release.set()


def test_a_query_writes_no_file_and_starts_no_process_and_a_crash_leaves_no_copy(desk: Desk) -> None:
    desk.ask(free(NAMES))
    for worker in workers():
        assert worker.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
        assert worker.rlimit(psutil.RLIMIT_DATA)[1] == LIMITS.memory_mb << 20
        assert worker.children() == []
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    left = Path(tempfile.mkdtemp(prefix=f"lesionkg-queries-{gone.pid}-"))
    (left / "graph").mkdir()
    private_folder().rmdir()
    assert not left.exists()


def test_closing_ends_what_runs_and_leaves_nothing(empty_graph_folder: Path, tmp_path: Path) -> None:
    with graphs.fresh(empty_graph_folder, tmp_path / "graph") as store, ThreadPoolExecutor(1) as people:
        desk = Desk(store, LIMITS)
        before = set(workers())
        running = people.submit(desk.ask, free(ENDLESS))
        while not set(workers()) - before:
            assert not running.done()
        place = desk._pool._snapshots
        desk.close()
        desk.close()
        with pytest.raises(QueryCancelledError, match="query: cancelled"):
            running.result()
        assert place is not None and place._place is None
        assert set(workers()) <= before
        with pytest.raises(QueryBusyError):
            desk.ask(free(NAMES))


def test_a_server_is_read_with_the_account_that_may_only_read(
    served: tuple[Path, object], monkeypatch: pytest.MonkeyPatch, bolt_connection: Neo4jStore
) -> None:
    folder, owner = served
    reader = owner.accounts["reader"]  # type: ignore[attr-defined]
    monkeypatch.setenv("LESIONKG_NEO4J_DATABASE", folder.name)
    monkeypatch.setenv(process.READER_USER, reader.user)
    monkeypatch.setenv(process.READER_PASSWORD, reader.password)
    graphs.wipe(bolt_connection)  # other tests use the server too
    desk = Desk(bolt_connection, LIMITS)
    try:
        assert desk.ask(free("RETURN 1 AS one")).rows == ((1,),)
        bolt_connection.write_transaction(lambda tx: tx.run("MERGE (c:Label {id: 'LKG:1'}) SET c.name = 'liver'"))
        assert desk.ask(free(NAMES)).rows == (("liver",),)
    finally:
        desk.close()
        graphs.wipe(bolt_connection)


def test_the_folder_of_a_copy_is_opened_beside_its_owner(store: EmbeddedStore) -> None:
    with pytest.raises(StoreError, match="open"):
        open_folder(Path(store.url))
