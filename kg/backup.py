"""Backing up a graph while others write to it, and restoring it.

A graph folder is copied by its engine: directly, or by the process that owns it. Any graph, also one on a Neo4j server,
can be written as lines, which another engine can load. A backup is opened and read whole before it counts as made.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from kg.backup_file import ENGINE, PORTABLE, Manifest, extract, finish, members, opened, sync
from kg.connect import open_store
from kg.embedded import EmbeddedStore, open_folder, remove_partials
from kg.errors import InputError, StoreError, StoreUnreachableError, UsageError
from kg.graph_lines import Content, load_lines, read_content
from kg.neo4j_store import Neo4jStore
from kg.ownership import read_ownership
from kg.schema import READ_STAMP, SCHEMA_ID
from kg.store import GraphStore, Row, Transaction

LINES = "graph.jsonl"
_HEAD = (
    "MATCH (r:Revision {head: true}) RETURN r.sequence AS sequence, r.ontology AS ontology, "
    "r.ontology_hash AS ontology_hash, r.label_sets AS names, r.matrix_hashes AS hashes ORDER BY sequence DESC LIMIT 1"
)


def backup(url: str, file: Path, portable: bool = False) -> Manifest:
    """Write one committed state of a graph to a new file.

    Args:
        url: graph folder, which another process may own and others write to, or address of a Bolt server.
        file: the backup; it appears when it is whole and was read back.
        portable: write lines also of a graph folder, to load into a Neo4j server.

    Raises:
        UsageError: the file exists.
        StoreBusyError: another process holds the folder and serves no Bolt.
        ConflictError: portable, and writers left no moment in which to read the whole graph.
        StoreError: the graph cannot be read, or holds what lines have no place for.
    """
    if file.exists():
        raise UsageError(f"{file}: exists already; name another file")
    partial = file.with_name(f"{file.name}.partial-{os.getpid()}")
    remove_partials(file)
    try:
        if "://" in url or portable:
            with open_store(url, read_only=True) as store:
                manifest = _write_lines(store, partial)
        else:
            manifest = _write_engine(Path(url).absolute(), partial)
        finish(partial, manifest)
        partial.rename(file)
        sync(file.parent)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def restore(file: Path, folder: Path) -> Manifest:
    """Make a backup a graph folder; it appears when it is whole and holds what was backed up.

    Args:
        file: the backup.
        folder: a folder that does not exist.

    Raises:
        UsageError: the folder exists.
        InputError: the file is no backup, damaged, or made by a newer version.
    """
    folder = folder.absolute()
    if folder.exists():
        raise UsageError(f"graph {folder}: exists already; restore into another home or folder")
    with opened(file) as (archive, manifest):
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
        remove_partials(folder)
        try:
            if manifest.kind == ENGINE:
                partial.mkdir()
                extract(file, archive, manifest, partial)
                with open_folder(partial, read_only=True) as store:
                    store.read_transaction(lambda tx: _require_same(file, manifest, tx))
            else:
                with _lines(file, archive, manifest) as lines, open_folder(partial, create=True) as store:
                    store.write_transaction(lambda tx: _load(file, lines, manifest, tx))
            partial.rename(folder)
            sync(folder.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return manifest


def restore_to_server(file: Path, url: str) -> Manifest:
    """Load a portable backup into an empty graph on a Bolt server, in one transaction.

    Raises:
        UsageError: the graph is not empty, or the backup is not portable.
        InputError: the file is no backup, damaged, or made by a newer version.
    """
    with opened(file) as (archive, manifest):
        if manifest.kind != PORTABLE:
            raise UsageError(f"{file}: holds files of the embedded engine; back up with --portable for a server")
        with _lines(file, archive, manifest) as lines, open_store(url, create=True) as store:
            store.write_transaction(lambda tx: _load(file, lines, manifest, tx))
    return manifest


def _write_engine(folder: Path, target: Path) -> Manifest:
    with _connection(folder) as store:
        store.snapshot(target)
    copy = target.with_name(f"{target.name}.copy")
    try:
        with zipfile.ZipFile(target) as archive:
            archive.extractall(copy)
        with open_folder(copy, read_only=True) as store:
            return store.read_transaction(lambda tx: _described(ENGINE, tx, read_content(tx), target))
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _write_lines(store: GraphStore, target: Path) -> Manifest:
    def work(tx: Transaction) -> Manifest:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(LINES, "w") as out:
            content = read_content(tx, lambda line: out.write(f"{line}\n".encode()))
        if content.lines != content.nodes + content.relationships:
            strange = content.nodes + content.relationships - content.lines
            raise StoreError(
                f"graph {store.url}: {strange} nodes or relationships have no key or no place in the schema; "
                "remove them, or back up without --portable"
            )
        return _described(PORTABLE, tx, content, target)

    return store.read_transaction(work)


@contextmanager
def _connection(folder: Path) -> Iterator[EmbeddedStore | Neo4jStore]:
    """The folder, or the process that owns it; as it is, without an upgrade."""
    owner = read_ownership(folder)
    store: EmbeddedStore | Neo4jStore
    if owner is not None and owner.bolt:
        account = owner.accounts["writer"]
        try:
            store = Neo4jStore(owner.bolt, account.user, account.password, folder.name)
        except StoreUnreachableError:
            store = open_folder(folder, read_only=True)
    else:
        store = open_folder(folder, read_only=True)
    with store:
        yield store


def _described(kind: str, tx: Transaction, content: Content, file: Path) -> Manifest:
    none: Row = {"sequence": 0, "ontology": "", "ontology_hash": "", "names": [], "hashes": []}
    head = next(iter(tx.run(_HEAD)), none)
    return Manifest(
        kind=kind,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        schema_version=tx.run(READ_STAMP, {"id": SCHEMA_ID})[0]["version"],
        nodes=content.nodes,
        relationships=content.relationships,
        content_hash=content.content_hash,
        revision=head["sequence"],
        ontology=head["ontology"],
        ontology_hash=head["ontology_hash"],
        matrix_hashes=dict(zip(head["names"], head["hashes"], strict=True)),
        files=members(file),
    )


@contextmanager
def _lines(file: Path, archive: zipfile.ZipFile, manifest: Manifest) -> Iterator[Path]:
    """The lines of a portable backup, checked, in a file of their own."""
    with tempfile.TemporaryDirectory(prefix="lesionkg-restore-") as folder:
        extract(file, archive, manifest, Path(folder))
        lines = Path(folder) / LINES
        if not lines.exists():
            raise InputError(f"{file}: is no backup, or damaged (it holds no {LINES}); use another one")
        yield lines


def _load(file: Path, lines: Path, manifest: Manifest, tx: Transaction) -> None:
    if tx.run("MATCH (n) WHERE NOT n:Schema RETURN 1 AS one LIMIT 1"):
        raise UsageError(f"{file}: the graph to restore it into is not empty; name an empty one")
    with lines.open(encoding="utf-8", newline="\n") as stream:
        load_lines(tx, stream)
    # A graph of an older version is upgraded when it is opened, as if it had been there all the time.
    tx.run("MATCH (s:Schema {id: $id}) SET s.version = $version", {"id": SCHEMA_ID, "version": manifest.schema_version})
    _require_same(file, manifest, tx)


def _require_same(file: Path, manifest: Manifest, tx: Transaction) -> None:
    found = read_content(tx)
    if (found.nodes, found.relationships, found.content_hash) != (
        manifest.nodes,
        manifest.relationships,
        manifest.content_hash,
    ):
        raise InputError(f"{file}: its graph is not the one that was backed up; use another backup")
