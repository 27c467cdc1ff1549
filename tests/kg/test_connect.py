"""Opening a graph by its address: one owner, many users, and errors of one line."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import graphs
import psutil
import pytest

from kg import neo4j_store
from kg.connect import open_store
from kg.errors import (
    LesionKGError,
    StoreBusyError,
    StoreCredentialsError,
    StoreError,
    StoreUnreachableError,
    UsageError,
)
from kg.neo4j_store import Neo4jStore
from kg.owner import GraphOwner
from kg.ownership import Account, Ownership, ownership_file, read_ownership, write_ownership
from kg.store import GraphStore

HOLD = """
import sys
from pathlib import Path
from kg.embedded import open_folder
with open_folder(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(empty_graph_folder: Path, tmp_path: Path) -> Path:
    """A closed, empty graph folder."""
    return Path(shutil.copytree(empty_graph_folder, tmp_path / "graph"))


def dead_pid() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def test_a_new_folder_becomes_a_graph_unless_it_is_only_to_be_read(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        open_store(tmp_path / "a" / "graph", read_only=True)
    assert not (tmp_path / "a").exists()
    with open_store(str(tmp_path / "a" / "graph")) as store:
        store.write_transaction(lambda tx: tx.run("CREATE (:Label {id: 'x'})"))
        assert not store.read_only
    with open_store(tmp_path / "a" / "graph", read_only=True) as store:
        assert store.read("MATCH (k:Label) RETURN k.id AS id ORDER BY id") == [{"id": "x"}]
        for refused in (lambda: store.write_transaction(lambda tx: 1), store.ensure_schema):
            with pytest.raises(StoreError, match="reading only"):
                refused()


def test_one_process_opens_a_folder_once(folder: Path) -> None:
    with open_store(folder), pytest.raises(StoreBusyError, match="this process"):
        open_store(folder)
    with open_store(folder):
        pass


def test_a_second_process_is_told_whom_to_wait_for(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "open"
        with pytest.raises(StoreBusyError, match=f"process {process.pid} has it open"):
            open_store(folder)
        process.stdin.close()
    assert not ownership_file(folder).exists()
    with open_store(folder) as store:
        assert store.url == str(folder)


def test_a_served_folder_is_reached_over_bolt(folder: Path) -> None:
    with graphs.serving(folder) as owner:
        assert stat.S_IMODE(ownership_file(folder).stat().st_mode) == 0o600
        with open_store(folder) as writer:
            assert writer.url == owner.bolt
            writer.write_transaction(lambda tx: tx.run("CREATE (:Label {id: 'x'})"))
        with open_store(folder, read_only=True) as reader:
            assert reader.read("MATCH (k:Label) RETURN k.id AS id ORDER BY id") == [{"id": "x"}]
    assert not ownership_file(folder).exists()
    with open_store(folder) as store:
        assert store.url == str(folder)
        assert store.read("MATCH (k:Label) RETURN k.id AS id ORDER BY id") == [{"id": "x"}]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE (:Label {id: 'y'})",
        "MATCH (k:Label) SET k.name = 'y'",
        "MATCH (k:Label) DETACH DELETE k",
        "MATCH (a:Label), (s:Schema) CREATE (a)-[:IS_A]->(s)",
        "CREATE (:Fresh {id: 1})",
        "CREATE INDEX fresh IF NOT EXISTS FOR (n:Label) ON (n.fresh)",
        "LOAD CSV FROM 'file:///etc/hostname' AS line RETURN line",
    ],
)
def test_the_engine_itself_stops_the_reader(
    bolt_store: GraphStore, served: tuple[Path, Ownership], statement: str
) -> None:
    """Past our own checks, straight through the driver."""
    bolt_store.write_transaction(lambda tx: tx.run("CREATE (:Label {id: 'x'})"))
    folder, owner = served
    with graphs.connect(owner, folder, "reader") as reader:
        with reader._session("WRITE") as session, pytest.raises(Exception, match=r"not allowed|Error executing"):
            session.run(statement).consume()  # type: ignore[arg-type]
        assert reader.read("MATCH (n) WHERE NOT n:Schema RETURN properties(n) AS p ORDER BY n.id") == [
            {"p": {"id": "x"}}
        ]


def test_only_bolt_listens_and_only_on_this_machine(served: tuple[Path, Ownership]) -> None:
    _, owner = served
    port = int(owner.bolt.rpartition(":")[2])

    def listening() -> set[tuple[str, int]]:
        found = psutil.Process(owner.pid).net_connections(kind="tcp")
        return {(c.laddr.ip.removeprefix("::ffff:"), c.laddr.port) for c in found if c.status == psutil.CONN_LISTEN}

    deadline = time.monotonic() + 5
    while listening() != {("127.0.0.1", port)} and time.monotonic() < deadline:
        time.sleep(0.1)
    assert listening() == {("127.0.0.1", port)}


def test_an_owner_in_this_process_serves_and_releases(folder: Path) -> None:
    with GraphOwner(folder) as owner:
        owner.store.write_transaction(lambda tx: tx.run("CREATE (:Label {id: 'in here'})"))
        with open_store(folder, read_only=True) as other:
            assert isinstance(other, Neo4jStore)
            assert other.read("MATCH (k:Label) RETURN k.id AS id ORDER BY id") == [{"id": "in here"}]
        account = owner.ownership.accounts["writer"]
        assert account.password not in repr(owner.ownership)
    with pytest.raises(StoreUnreachableError):
        Neo4jStore(owner.url, account.user, account.password)
    assert sorted(p.name for p in folder.parent.iterdir()) == ["graph"]
    with GraphOwner(folder) as again:
        assert again.store.read("MATCH (k:Label) RETURN k.id AS id ORDER BY id") == [{"id": "in here"}]
        assert again.ownership.accounts["writer"].password != account.password


def test_what_a_crashed_owner_left_behind_counts_for_nothing(folder: Path) -> None:
    accounts = {role: Account(role, "old") for role in ("reader", "writer")}
    write_ownership(folder, Ownership(dead_pid(), "bolt://127.0.0.1:1", accounts))
    assert read_ownership(folder) is None
    with open_store(folder) as store:
        assert store.url == str(folder)
        mine = read_ownership(folder)
        assert mine is not None
        assert mine.pid == os.getpid()
    assert not ownership_file(folder).exists()


def test_a_process_that_took_the_number_of_a_crashed_owner_is_no_owner(folder: Path) -> None:
    accounts = {role: Account(role, "old") for role in ("reader", "writer")}
    write_ownership(folder, Ownership(os.getpid(), "bolt://127.0.0.1:1", accounts))
    with open_store(folder) as store:
        assert store.url == str(folder)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"pid": "x"}', json.dumps({"pid": 1, "bolt": "", "accounts": 3})]
)
def test_a_damaged_ownership_file_is_ignored(folder: Path, text: str) -> None:
    ownership_file(folder).write_text(text)
    assert read_ownership(folder) is None


def test_a_process_that_holds_a_graph_leaves_nothing_where_it_stands(folder: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    run = subprocess.run(
        [sys.executable, "-c", HOLD, str(folder)], cwd=here, input="", capture_output=True, text=True, check=True
    )
    assert (run.stdout, run.stderr) == ("open\n", "")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "error"),
    [
        pytest.param("http://127.0.0.1:7474", UsageError, id="another scheme"),
        pytest.param("bolt://neo4j:geheim@127.0.0.1:7687", UsageError, id="credentials in the address"),
        pytest.param("bolt://127.0.0.1:1", StoreUnreachableError, id="nobody listens"),
        pytest.param("neo4j://127.0.0.1:1", StoreUnreachableError, id="nobody routes"),
        pytest.param("bolt://no-such-host.invalid:7687", StoreUnreachableError, id="no such host"),
        pytest.param("bolt://", LesionKGError, id="no host"),
        pytest.param("bolt://127.0.0.1:port", LesionKGError, id="no port number"),
    ],
)
def test_a_bad_address_gives_one_line_without_secrets(
    monkeypatch: pytest.MonkeyPatch, url: str, error: type[Exception]
) -> None:
    monkeypatch.setenv("LESIONKG_NEO4J_USER", "neo4j")
    monkeypatch.setenv("LESIONKG_NEO4J_PASSWORD", "geheim")
    with pytest.raises(error) as caught:
        open_store(url)
    assert "\n" not in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_server_that_does_not_speak_bolt_gives_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESIONKG_NEO4J_PASSWORD", "geheim")
    monkeypatch.setattr(neo4j_store, "CONNECT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(StoreUnreachableError) as caught:
            open_store(f"bolt://127.0.0.1:{silent.getsockname()[1]}")
    assert time.monotonic() - began < 10
    assert "\n" not in str(caught.value)


def test_wrong_or_missing_credentials_give_one_line(
    monkeypatch: pytest.MonkeyPatch, served: tuple[Path, Ownership]
) -> None:
    _, owner = served
    monkeypatch.setenv("LESIONKG_NEO4J_USER", "writer")
    monkeypatch.setenv("LESIONKG_NEO4J_PASSWORD", "geheim")
    with pytest.raises(StoreCredentialsError, match="refuses the user or password") as caught:
        open_store(owner.bolt)
    assert "geheim" not in str(caught.value)
    monkeypatch.delenv("LESIONKG_NEO4J_PASSWORD")
    with pytest.raises(StoreCredentialsError, match="set LESIONKG_NEO4J_USER and LESIONKG_NEO4J_PASSWORD"):
        open_store(owner.bolt)


def test_a_server_is_reached_with_credentials_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, served: tuple[Path, Ownership], bolt_store: GraphStore
) -> None:
    folder, owner = served
    account = owner.accounts["writer"]
    monkeypatch.setenv("LESIONKG_NEO4J_USER", account.user)
    monkeypatch.setenv("LESIONKG_NEO4J_PASSWORD", account.password)
    monkeypatch.setenv("LESIONKG_NEO4J_DATABASE", folder.name)
    with open_store(owner.bolt) as store:
        assert store.url == owner.bolt
        assert account.password not in repr(vars(store))
        store.write_transaction(lambda tx: tx.run("CREATE (:Label {id: 'x'})"))
    assert bolt_store.read("MATCH (k:Label) RETURN k.id AS id ORDER BY id") == [{"id": "x"}]


def test_a_server_that_stops_gives_one_line(folder: Path) -> None:
    with graphs.serving(folder) as owner:
        store = graphs.connect(owner, folder)
    with store:
        for use in (
            lambda: store.read("RETURN 1 AS one"),
            lambda: store.write_transaction(lambda tx: tx.run("RETURN 1")),
        ):
            with pytest.raises(StoreUnreachableError) as caught:
                use()
            assert "\n" not in str(caught.value)
