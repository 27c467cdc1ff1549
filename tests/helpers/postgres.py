"""A real PostgreSQL server for tests: a fresh cluster in a temporary folder, behind a Unix socket, gone at the end.

Binaries are those of the system (``initdb`` and ``postgres`` on PATH, or where Debian keeps them). PostgreSQL refuses
to run as root; the server then runs under a system account.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ACCOUNTS = ("postgres", "nobody")
_START_S = 30.0
_COUNTS: dict[str, int] = {}


class NoPostgresError(Exception):
    """This machine cannot start a PostgreSQL; the message says why."""


@contextmanager
def running() -> Iterator[str]:
    """Start a server and yield the URL of an empty database.

    Raises:
        NoPostgresError: no binaries, no account to run them, or the server does not start.
    """
    initdb, postgres = _binary("initdb"), _binary("postgres")
    account = _account()
    # The folder of a test belongs to its user alone, where the server's account cannot enter; a socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="lesionkg-pg-"))
    try:
        if account:
            os.chown(folder, account["user"], account["group"])
        data = folder / "data"
        made = subprocess.run(
            [initdb, "-D", data, "-U", "tester", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
            capture_output=True,
            text=True,
            cwd=folder,
            **account,
        )
        if made.returncode:
            raise NoPostgresError(f"initdb failed: {made.stderr.strip().splitlines()[-1:]}")
        options = ["-k", folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=40"]
        with (
            (folder / "log").open("w") as log,
            subprocess.Popen([postgres, "-D", data, *options], stdout=log, stderr=log, cwd=folder, **account) as server,
        ):
            try:
                yield _wait(folder, server)
            finally:
                server.send_signal(signal.SIGQUIT)
                server.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(url: str) -> str:
    """The URL of a new, empty database on the same server; with a password, which the server does not ask for."""
    import psycopg

    folder = url.rpartition("host=")[2]
    _COUNTS[folder] = number = _COUNTS.get(folder, 0) + 1
    with psycopg.connect(host=folder, user="tester", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE test_{number}".encode())
    return f"postgresql+psycopg://tester:SecretPassword@/test_{number}?host={folder}"


def _binary(name: str) -> str:
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: path.parts[4])
    found = str(debian[-1]) if debian else shutil.which(name)
    if not found:
        raise NoPostgresError(f"no {name} on this machine; install PostgreSQL")
    return found


def _account() -> dict[str, Any]:
    """How to start a process that PostgreSQL accepts."""
    if os.geteuid():
        return {}
    for name in _ACCOUNTS:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise NoPostgresError(f"PostgreSQL does not run as root, and there is no account {' or '.join(_ACCOUNTS)}")


def _wait(folder: Path, server: subprocess.Popen[bytes]) -> str:
    import psycopg

    end = time.monotonic() + _START_S
    while time.monotonic() < end and server.poll() is None:
        try:
            psycopg.connect(host=str(folder), user="tester", dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return f"postgresql+psycopg://tester@/postgres?host={folder}"
    raise NoPostgresError("the server did not start: " + " ".join((folder / "log").read_text().splitlines()[-3:]))
