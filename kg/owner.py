"""The owner of a graph folder: opens it in this process and serves it to others over loopback Bolt.

The Bolt server is part of the embedded engine's wheel. Its HTTP interface (and with it the engine's MCP endpoint)
cannot be switched off before the start, so it is bound to loopback on a random port behind a random password and
stopped as soon as the server is up; only Bolt stays.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import shutil
import tempfile
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kg import jvm
from kg.embedded import EmbeddedStore, open_folder
from kg.engine_errors import engine_errors, opening_error
from kg.errors import StoreError
from kg.ownership import Account, Ownership, remove_ownership, write_ownership
from kg.snapshot import offer_snapshots, remove_snapshots

LOOPBACK = "127.0.0.1"

LONGEST_STATEMENT_MS = 900_000
"""Time after which the engine ends a statement: nobody's query may hold the owner for ever."""

READER_RIGHTS: dict[str, list[str]] = {"database": [], "records": ["readRecord"]}
WRITER_RIGHTS = {
    "database": ["updateSchema"],
    "records": ["createRecord", "readRecord", "updateRecord", "deleteRecord"],
}


class GraphOwner:
    """Holds a graph folder and serves it over Bolt, on this machine only, until closed.

    Two users exist, with passwords made up at each start: ``writer`` and ``reader``; the engine refuses every write,
    schema change and ``LOAD CSV`` of ``reader``. Both are in the ownership file, which only this user can read.

    Attributes:
        store: the graph, for use in this process.
        ownership: address and accounts, as in the ownership file.
    """

    def __init__(self, folder: Path, create: bool = False) -> None:
        """Open the folder and start serving.

        Raises:
            StoreBusyError: another process, or another store of this process, holds the folder.
            SchemaVersionError: the graph was written by a newer schema, or is not ours.
            StoreError: no such folder, not a graph folder, damaged, or the server does not start.
        """
        self._folder = folder.absolute()
        open_folder(self._folder, create=create).close()  # all checks, before a server is started
        remove_snapshots(self._folder)
        self._private = Path(tempfile.mkdtemp(prefix="lesionkg-owner-"))
        self._server: Any = None
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        atexit.register(self.close)

    @property
    def url(self) -> str:
        """The ``bolt://`` address."""
        return self.ownership.bolt

    def close(self) -> None:
        """Stop serving and release the folder. Closing twice is allowed."""
        atexit.unregister(self.close)
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        from arcadedb_embedded.core import Database

        jvm.start()
        configuration = jvm.java_class("com.arcadedb.ContextConfiguration")()
        for key, value in self._settings().items():
            configuration.setValue(f"arcadedb.{key}", value)
        try:
            self._server = jvm.java_class("com.arcadedb.server.ArcadeDBServer")(configuration)
            self._server.start()
            self._server.getHttpServer().stopService()
            database = Database(self._server.getDatabase(self._folder.name))
        except engine_errors() as error:
            raise opening_error(self._folder, error) from error
        database.set_wal_flush("yes_nometadata")
        accounts = {
            "reader": self._add_user("reader", READER_RIGHTS),
            "writer": self._add_user("writer", WRITER_RIGHTS),
        }
        self.ownership = Ownership(os.getpid(), f"bolt://{LOOPBACK}:{self._bolt_port()}", accounts)
        offer_snapshots()
        self.store = EmbeddedStore(database, self._folder, release=lambda: None)
        write_ownership(self._folder, self.ownership)

    def _settings(self) -> dict[str, object]:
        return {
            "server.rootPath": str(self._private),
            "server.configDirectory": str(self._private / "config"),
            "server.logsDirectory": str(self._private / "log"),
            "server.backupDirectory": str(self._private / "backups"),
            "server.databaseDirectory": str(self._folder.parent),
            "server.databaseLoadAtStartup": False,
            "server.rootPassword": secrets.token_urlsafe(32),  # for nobody: it is not kept
            "server.mode": "test",  # "production" hides from the user why a statement was refused
            "server.healthCheck.enabled": False,
            "command.timeout": LONGEST_STATEMENT_MS,
            "server.httpIncomingHost": LOOPBACK,
            "server.httpIncomingPort": "0",
            "server.plugins": "Bolt:com.arcadedb.bolt.BoltProtocolPlugin",
            "bolt.host": LOOPBACK,
            "bolt.port": 0,
            "bolt.defaultDatabase": self._folder.name,
            # Given, so that the server writes no file with one beside the graph.
            "instance.id": f"adb-{uuid.uuid4()}",
        }

    def _add_user(self, name: str, rights: dict[str, list[str]]) -> Account:
        """Make a user whose group has these rights on the graph."""
        json_object = jvm.java_class("com.arcadedb.serializer.json.JSONObject")
        account = Account(name, secrets.token_urlsafe(32))
        security = self._server.getSecurity()
        group = {
            "resultSetLimit": -1,
            "readTimeout": -1,
            "access": rights["database"],
            "types": {"*": {"access": rights["records"]}},
        }
        user = {
            "name": account.user,
            "password": str(security.encodePassword(account.password)),
            "databases": {self._folder.name: [name]},
        }
        try:
            security.saveGroup(self._folder.name, name, json_object(json.dumps(group)))
            security.createUser(json_object(json.dumps(user)))
        except engine_errors() as error:
            raise StoreError(f"graph {self._folder}: its server refuses to make the user {name}") from error
        return account

    def _bolt_port(self) -> int:
        for plugin in self._server.getPlugins():
            if str(plugin.getClass().getName()) == "com.arcadedb.bolt.BoltProtocolPlugin":
                return int(plugin.getPort())
        raise StoreError(f"graph {self._folder}: its server opened no Bolt port; reinstall arcadedb-embedded")

    def _stop(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            if hasattr(self, "store"):
                self.store.close()
            remove_ownership(self._folder)
            try:
                server.stop()
                _hang_up(server)
            except engine_errors() as error:
                raise StoreError(f"graph {self._folder}: its server did not stop ({error})") from error
        shutil.rmtree(self._private, ignore_errors=True)


def _hang_up(server: Any) -> None:
    """Close the connections of clients that are still there.

    A stopped server only takes no new ones. Each old one keeps a thread, and the process could not end before its
    client does. The engine offers no call for this, so the sockets are reached through its fields.
    """
    executor = jvm.java_class("com.arcadedb.bolt.BoltNetworkExecutor").class_
    fields = {name: executor.getDeclaredField(name) for name in ("server", "socket")}
    for field in fields.values():
        field.setAccessible(True)
    for thread in jvm.java_class("java.lang.Thread").getAllStackTraces().keySet():
        if executor.isInstance(thread) and server.equals(fields["server"].get(thread)):
            fields["socket"].get(thread).close()
