"""``lesionkg serve`` as a process: how it begins, how it ends, and what is there after a kill."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from made_ontology import small

from kg.connect import open_store
from kg.curation.proposal_tables import open_curation
from kg.graph_ontology import load_ontology, save_ontology
from kg.relational import DATABASE
from lesionkg.server.audit import Audit, Filter
from lesionkg.server.people import Role, User
from lesionkg.server.users import Users


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "home"
    with open_store(folder / "graph") as store:
        save_ontology(store, small(), author="importer")
    return folder


@pytest.fixture
def home(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(DATABASE, raising=False)
    shutil.copytree(template, tmp_path / "home")
    return tmp_path / "home"


class Process:
    """A server and where it is."""

    def __init__(self, home: Path, *options: str) -> None:
        self.folder = home.parent / "current"
        self.folder.mkdir(exist_ok=True)
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "lesionkg", "serve", "--home", str(home), "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        )

    def address(self) -> str:
        """Waits for the line that says so."""
        assert self.popen.stdout is not None
        said = self.popen.stdout.readline()
        found = re.search(r"workbench at (https?://[^ ]+)/ ", said)
        assert found, said + self.rest()
        return found[1]

    def rest(self) -> str:
        """What it said on standard error until it ended."""
        return self.popen.communicate(timeout=90)[1]


@contextmanager
def process(home: Path, *options: str) -> Iterator[Process]:
    found = Process(home, *options)
    try:
        yield found
    finally:
        found.popen.kill()
        found.popen.communicate()


def add_user(home: Path, name: str, role: Role) -> str:
    with open_curation(home) as database:
        return Users(database).add(name, role, User("test", Role.ADMIN))


def test_it_ends_when_told_with_clients_connected_and_leaves_nothing(home: Path) -> None:
    with process(home) as server:
        address = server.address()
        with httpx.Client(base_url=address, timeout=90) as client:
            page = client.get("/")
            assert page.status_code == 200
            waiting = socket.create_connection(("127.0.0.1", client.base_url.port), timeout=20)
            with waiting:
                waiting.sendall(b"POST /api/query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n")
                server.popen.send_signal(signal.SIGTERM)
                require_ended(server, home)
    with open_store(home / "graph", read_only=True) as store:
        assert load_ontology(store) == small()


def require_ended(server: Process, home: Path) -> str:
    """It ended as it was told, and left nothing; gives what it said."""
    assert server.popen.wait(90) in (0, -signal.SIGINT, 128 + signal.SIGINT, -signal.SIGTERM, 128 + signal.SIGTERM)
    said = server.rest()
    assert "Traceback" not in said
    assert "hs_err" not in said
    assert list(server.folder.iterdir()) == [], "nothing is written where it was started"
    assert not list(home.glob("graph.owner.json"))
    return said


@pytest.mark.slow
def test_a_second_server_is_told_who_has_the_graph_and_a_taken_port_is_named(home: Path) -> None:
    with process(home) as first:
        port = first.address().rpartition(":")[2]
        with process(home) as second, process(home, "--port", port) as third:
            said = second.rest()
            assert second.popen.returncode == 1
            assert len(said.strip().splitlines()) == 1
            assert str(first.popen.pid) in said
            said = third.rest()
            assert third.popen.returncode == 2
            assert f"127.0.0.1:{port}" in said


def test_what_was_acknowledged_is_there_after_a_kill(home: Path) -> None:
    tokens = {name: add_user(home, name, Role.CURATOR) for name in ("anna", "ben", "cleo")}
    done: list[tuple[str, str]] = []

    def work(name: str) -> None:
        """Changes one thing after the other until the server is gone; notes what was acknowledged."""
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {tokens[name]}"}, timeout=250) as client:
            for number in range(10_000):
                try:
                    answer = client.post("/api/changes", json=change(name, number))
                except httpx.TransportError:
                    return
                assert answer.status_code in (201, 409), answer.text
                if answer.status_code == 201:
                    done.append((name, f"kept {name} {number}"))
                if len(done) >= 6:
                    server.popen.send_signal(signal.SIGKILL)

    with process(home, "--ask-token") as server:
        address = server.address()
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(work, tokens))
        assert len(done) >= 6
        assert server.popen.wait(20) == -signal.SIGKILL
    with process(home) as again:
        again.address()
    with open_curation(home) as database:
        for name in tokens:
            written = len(Audit(database).entries(Filter(person=name, action="change")))
            assert written >= sum(author == name for author, _ in done)
    with open_store(home / "graph", read_only=True) as store:
        known = {synonym.text for label in load_ontology(store).labels for synonym in label.synonyms}
    assert {text for _, text in done} <= known


def change(name: str, number: int) -> dict[str, Any]:
    """A synonym that nobody else adds."""
    line = f"create exact synonym 'kept {name} {number}' for 'lung'"
    return {"lines": [line], "reason": "a test", "apply": True}


@pytest.mark.slow
def test_without_tls_beyond_loopback_it_warns_and_asks_for_a_token(home: Path) -> None:
    with process(home, "--host", "0.0.0.0") as server, httpx.Client(timeout=90) as client:
        address = server.address()
        port = address.rpartition(":")[2]
        assert client.get(f"http://127.0.0.1:{port}/api/health").status_code == 401
        assert client.get(f"http://127.0.0.1:{port}/api/health", headers={"Host": "evil.example"}).status_code == 421
        server.popen.send_signal(signal.SIGINT)
        said = require_ended(server, home)
    assert "in the clear" in said
    assert "lesionkg user add" in said
