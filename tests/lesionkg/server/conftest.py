"""The gate before a small application, with real users and a real audit log, but no graph."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_server import Client, Served, SmallWorkplace, small_app

from kg.curation.proposal_tables import open_curation_at
from kg.relational import Database
from lesionkg.server import attempts
from lesionkg.server.audit import Audit
from lesionkg.server.serving import http_server
from lesionkg.server.settings import Settings
from lesionkg.server.sockets import listen
from lesionkg.server.users import Users


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lesionkg.server.security.DELAY_S", 0.0)
    monkeypatch.setattr("lesionkg.server.sign_in.DELAY_S", 0.0)
    assert attempts.DELAY_S > 0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_curation_at(tmp_path / "curation.sqlite") as found:
        yield found


@pytest.fixture
def workplace(tmp_path: Path, database: Database) -> SmallWorkplace:
    settings = Settings(tmp_path, str(tmp_path / "graph"), "127.0.0.1", 8080, ask_token=True)
    return SmallWorkplace(settings, Users(database), Audit(database))


@pytest.fixture
def served(workplace: SmallWorkplace) -> Iterator[Served]:
    """Serves the application, with other settings where they are given, as `lesionkg serve` does."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Client:
            changed = replace(workplace, settings=replace(workplace.settings, **settings))
            listening = stack.enter_context(listen("127.0.0.1", 0))
            server = http_server(small_app(changed), changed.settings)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            stack.callback(thread.join)
            stack.callback(setattr, server, "should_exit", True)
            port = listening.getsockname()[1]
            scheme = "https" if changed.settings.certificate else "http"
            return stack.enter_context(Client(f"{scheme}://127.0.0.1:{port}", port))

        yield make


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    found = folder / "certificate.pem", folder / "key.pem"
    order = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subprocess.run(
        [*order.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-out", found[0], "-keyout", found[1]],
        check=True,
        capture_output=True,
    )
    return found
