"""Opening a graph by its address: a folder, or a Bolt server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kg.errors import StoreCredentialsError, StoreUnreachableError, UsageError
from kg.ownership import read_ownership
from kg.store import GraphStore
from kg.upgrade import upgrade

if TYPE_CHECKING:
    from kg.neo4j_store import Neo4jStore

SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")

USER, PASSWORD, DATABASE = "LESIONKG_NEO4J_USER", "LESIONKG_NEO4J_PASSWORD", "LESIONKG_NEO4J_DATABASE"
"""Environment variables with the credentials and, optionally, the database name of a Bolt server."""


def open_store(url: str | Path, *, read_only: bool = False, create: bool | None = None) -> GraphStore:
    """Open a graph and make sure that it has the schema this program knows.

    A folder that another process owns and serves (``lesionkg graph serve``) is reached over that process's loopback
    Bolt; nothing differs for the caller.

    Args:
        url: graph folder, or ``bolt://`` or ``neo4j://`` address. Credentials of a server come from the environment.
        read_only: refuse write transactions.
        create: make an empty graph where there is none; by default unless ``read_only``.

    Raises:
        UsageError: the address has an unknown scheme or holds credentials.
        StoreBusyError: another process holds the folder and serves no Bolt.
        StoreUnreachableError: no Bolt server answers.
        StoreCredentialsError: the server refuses the credentials, or none are set.
        SchemaVersionError: the graph was written by a newer schema, or is not ours; or by an older one, and is opened
            for reading only. For writing it is upgraded.
    """
    make = not read_only if create is None else create
    is_server = isinstance(url, str) and "://" in url
    store = (
        _open_server(str(url), read_only, make) if is_server else _open_folder(Path(url).absolute(), read_only, make)
    )
    try:
        upgrade(store)
    except BaseException:
        store.close()
        raise
    return store


def _open_folder(folder: Path, read_only: bool, create: bool) -> GraphStore:
    owner = read_ownership(folder)
    if owner is not None and owner.bolt:
        from kg.neo4j_store import Neo4jStore

        account = owner.accounts["reader" if read_only else "writer"]
        try:
            served = Neo4jStore(owner.bolt, account.user, account.password, folder.name, read_only=read_only)
        except StoreUnreachableError:
            # It stopped a moment ago, or crashed and another process took its number: the folder decides.
            pass
        else:
            return _checked(served, create=False)
    from kg.embedded import open_folder

    return open_folder(folder, create=create, read_only=read_only)


def _open_server(url: str, read_only: bool, create: bool) -> GraphStore:
    from kg.neo4j_store import Neo4jStore

    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise UsageError(f"graph address with scheme {parts.scheme!r}: unknown; write a folder, bolt:// or neo4j://")
    if "@" in parts.netloc:
        raise UsageError(f"graph address with credentials: they would be shown; set {USER} and {PASSWORD} instead")
    if not _names_a_server(url):
        raise UsageError(f"graph address {url}: names no server; write {parts.scheme}://host:port")
    password = os.environ.get(PASSWORD)
    if not password:
        raise StoreCredentialsError(f"graph {url}: no credentials; set {USER} and {PASSWORD}")
    store = Neo4jStore(
        url, os.environ.get(USER) or "neo4j", password, os.environ.get(DATABASE) or None, read_only=read_only
    )
    return _checked(store, create)


def _checked(store: Neo4jStore, create: bool) -> GraphStore:
    """The store, once it has the schema; closed when it cannot be used."""
    try:
        if not store.check_schema():
            if not create:
                raise UsageError(f"graph {store.url}: is empty; `lesionkg demo` or `lesionkg ingest` fills it")
            store.ensure_schema()
    except BaseException:
        store.close()
        raise
    return store


def _names_a_server(url: str) -> bool:
    """Whether an address has a host, and a number where its port is."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
