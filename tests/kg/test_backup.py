"""Backups of a graph, made while others write, and restored to the same content."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import graphs
import made_ontology
import pytest
from real_graph import real_world

from kg.backup import backup, restore, restore_to_server
from kg.backup_file import ENGINE, MANIFEST, PORTABLE, Manifest
from kg.connect import DATABASE, PASSWORD, USER, open_store
from kg.embedded import open_folder
from kg.errors import InputError, QueryRefusedError, StoreBusyError, StoreError, UsageError
from kg.graph_lines import Content, load_lines, read_content
from kg.graph_matrices import matrices_from_graph
from kg.graph_ontology import load_ontology, save_ontology, verify
from kg.owner import GraphOwner
from kg.ownership import Ownership
from kg.schema import READ_STAMP, SCHEMA_ID, SCHEMA_VERSION
from kg.shipped import load_shipped
from kg.store import GraphStore

COUNTS = "MATCH (a:Lesion) OPTIONAL MATCH (a)-[r:HAS_LABEL]->() RETURN count(DISTINCT a) AS nodes, count(r) AS edges"


def content(store: GraphStore) -> Content:
    return store.read_transaction(read_content)


def fill(store: GraphStore) -> None:
    """An ontology and three lesions; values of every type that a property may have."""
    save_ontology(store, made_ontology.small(), author="somebody")
    rows = [
        {"id": "DL:00000", "index": 0, "size": [1.5, 2.0, 3e-9], "verified": True, "note": 'ünïcode 🫁\n"quoted"'},
        {"id": "DL:00001", "index": 2**53 + 1, "size": [], "verified": False, "note": ""},
        {"id": "DL:00002", "diameter": -0.1, "names": ["a", "b"], "whole": 4.0},
    ]
    store.write_transaction(lambda tx: tx.run_many("UNWIND $rows AS row CREATE (l:Lesion) SET l = row", rows))
    store.write_transaction(
        lambda tx: tx.run(
            "MATCH (l:Lesion) MATCH (k:Label) WHERE k.name IN ['lung', 'nodule'] "
            "CREATE (l)-[:HAS_LABEL {source: 'x', verified: true}]->(k) CREATE (l)-[:HAS_LABEL {source: 'y'}]->(k)"
        )
    )


@pytest.fixture
def folder(empty_graph_folder: Path, tmp_path: Path) -> Path:
    """A closed graph folder with an ontology and lesions; its path needs care in addresses."""
    place = Path(shutil.copytree(empty_graph_folder, tmp_path / "a home, 100% ö" / "graph"))
    with open_folder(place) as store:
        fill(store)
    return place


def held(folder: Path) -> Content:
    with open_folder(folder, read_only=True) as store:
        verify(store)
        return content(store)


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_shipped_ontology_comes_back_with_equal_hashes(empty_graph_folder: Path, tmp_path: Path) -> None:
    with graphs.fresh(empty_graph_folder, tmp_path / "graph") as store:
        save_ontology(store, load_shipped())
        stamp, matrices = verify(store), matrices_from_graph(store, "lesanet-171")
    backup(str(tmp_path / "graph"), tmp_path / "file.zip")
    restore(tmp_path / "file.zip", tmp_path / "home" / "graph")
    with open_folder(tmp_path / "home" / "graph") as store:
        assert verify(store) == stamp
        assert load_ontology(store) == load_shipped()
        assert matrices_from_graph(store, "lesanet-171").matrix_hash == matrices.matrix_hash


@pytest.mark.slow
def test_real_lesions_and_predictions_come_back_with_equal_hashes(tmp_path: Path) -> None:
    with real_world(tmp_path / "graph", whole=False) as world:
        made = backup(str(world.folder), tmp_path / "file.zip")
        before = content(world.embedded)
        hashes = (verify(world.embedded), world.ontology.content_hash, world.matrices.matrix_hash)
    assert made == restore(tmp_path / "file.zip", tmp_path / "home" / "graph")
    with open_folder(tmp_path / "home" / "graph") as store:
        assert content(store) == before
        assert before.lines == before.nodes + before.relationships > 60_000
        again = (
            verify(store),
            load_ontology(store).content_hash,
            matrices_from_graph(store, "lesanet-171").matrix_hash,
        )
    assert again == hashes
    assert (made.ontology_hash, made.content_hash) == (hashes[1], before.content_hash)


@pytest.mark.parametrize("portable", [False, True])
def test_a_folder_comes_back_as_it_was(folder: Path, tmp_path: Path, portable: bool) -> None:
    before = held(folder)
    made = backup(str(folder), tmp_path / "file.zip", portable)
    assert made.kind == (PORTABLE if portable else ENGINE)
    assert (made.revision, made.ontology, made.schema_version) == (1, "made", SCHEMA_VERSION)
    assert made.ontology_hash == made_ontology.small().content_hash
    assert (made.nodes, made.relationships, made.content_hash) == (
        before.nodes,
        before.relationships,
        before.content_hash,
    )
    restored = tmp_path / "new home" / "graph"
    restore(tmp_path / "file.zip", restored)
    assert held(restored) == held(folder) == before
    with open_store(restored) as store:
        assert load_ontology(store) == made_ontology.small()
        fill_more(store)
    assert leftovers(restored.parent) == ["graph"]
    assert leftovers(tmp_path) == ["a home, 100% ö", "file.zip", "new home"]


def fill_more(store: GraphStore) -> None:
    """What was restored can be written to."""
    store.write_transaction(lambda tx: tx.run("CREATE (:Lesion {id: 'DL:00009'})"))
    with pytest.raises(StoreError, match="exists already"):
        store.write_transaction(lambda tx: tx.run("CREATE (:Lesion {id: 'DL:00009'})"))


def test_a_backup_through_the_owner_while_others_write_holds_one_committed_state(
    served: tuple[Path, Ownership], bolt_store: GraphStore, tmp_path: Path
) -> None:
    folder, _ = served
    save_ontology(bolt_store, made_ontology.small())
    stop = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        with open_store(folder) as store:
            while not stop.is_set():
                rows = [{"id": f"DL:{written}-{i}"} for i in range(20)]
                store.write_transaction(
                    lambda tx, rows=rows: tx.run_many(  # type: ignore[misc]
                        "UNWIND $rows AS row MATCH (k:Label {name: 'lung'}) "
                        "CREATE (:Lesion {id: row.id})-[:HAS_LABEL {source: 'x'}]->(k)",
                        rows,
                    )
                )
                written += 1

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    try:
        for number in range(3):
            while written < 5 * (number + 1):
                time.sleep(0.01)
            before = written
            made = backup(str(folder), tmp_path / f"{number}.zip")
            assert made.revision == 1
            restore(tmp_path / f"{number}.zip", tmp_path / f"home{number}" / "graph")
            with open_folder(tmp_path / f"home{number}" / "graph") as store:
                verify(store)
                (counts,) = store.read(COUNTS + " ORDER BY nodes")
            assert counts["nodes"] == counts["edges"]
            assert counts["nodes"] % 20 == 0
            assert counts["nodes"] >= 20 * before
            seen.append(counts["nodes"])
    finally:
        stop.set()
        writer.join()
    assert seen == sorted(set(seen)), "writing went on between the backups"
    assert not list(folder.parent.glob("*.snapshot-*"))


def test_a_folder_that_is_held_without_bolt_is_busy(folder: Path, tmp_path: Path) -> None:
    with open_folder(folder), pytest.raises(StoreBusyError):
        backup(str(folder), tmp_path / "file.zip")
    assert not (tmp_path / "file.zip").exists()


@pytest.fixture
def server(served: tuple[Path, Ownership], bolt_store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty graph behind Bolt; its credentials are in the environment."""
    folder, owner = served
    monkeypatch.setenv(USER, owner.accounts["writer"].user)
    monkeypatch.setenv(PASSWORD, owner.accounts["writer"].password)
    monkeypatch.setenv(DATABASE, folder.name)
    yield owner.bolt
    graphs.wipe(bolt_store)


def test_a_graph_moves_to_a_server_and_back(folder: Path, server: str, bolt_store: GraphStore, tmp_path: Path) -> None:
    before = held(folder)
    backup(str(folder), tmp_path / "there.zip", portable=True)
    restore_to_server(tmp_path / "there.zip", server)
    verify(bolt_store)
    assert content(bolt_store) == before
    with pytest.raises(UsageError, match="not empty"):
        restore_to_server(tmp_path / "there.zip", server)
    made = backup(server, tmp_path / "back.zip")
    assert made.kind == PORTABLE
    restore(tmp_path / "back.zip", tmp_path / "home" / "graph")
    assert held(tmp_path / "home" / "graph") == before
    backup(str(folder), tmp_path / "engine.zip")
    graphs.wipe(bolt_store)
    with pytest.raises(UsageError, match="--portable"):
        restore_to_server(tmp_path / "engine.zip", server)


def test_a_damaged_portable_backup_leaves_a_server_empty(
    folder: Path, server: str, bolt_store: GraphStore, tmp_path: Path
) -> None:
    file = tmp_path / "file.zip"
    backup(str(folder), file, portable=True)
    rewrite(file, lambda name, data: data.replace(b"liver", b"river") if name != MANIFEST else data)
    with pytest.raises(InputError, match="has another checksum"):
        restore_to_server(file, server)
    assert bolt_store.read("MATCH (n) WHERE NOT n:Schema RETURN count(n) AS n ORDER BY n") == [{"n": 0}]


def test_what_the_schema_does_not_name_is_kept_by_the_engine_and_refused_as_lines(folder: Path, tmp_path: Path) -> None:
    with open_folder(folder) as store:
        store.write_transaction(lambda tx: tx.run("CREATE (:Lesion {index: 7})"))
    with pytest.raises(StoreError, match="1 nodes or relationships"):
        backup(str(folder), tmp_path / "lines.zip", portable=True)
    backup(str(folder), tmp_path / "engine.zip")
    restore(tmp_path / "engine.zip", tmp_path / "home" / "graph")
    with open_folder(tmp_path / "home" / "graph") as store:
        assert store.read("MATCH (l:Lesion {index: 7}) RETURN count(l) AS n ORDER BY n") == [{"n": 1}]
    assert leftovers(tmp_path) == ["a home, 100% ö", "engine.zip", "home"]


@pytest.mark.parametrize("portable", [False, True])
def test_a_graph_of_an_older_version_comes_back_to_be_upgraded(
    empty_graph_folder: Path, tmp_path: Path, portable: bool
) -> None:
    folder = Path(shutil.copytree(empty_graph_folder, tmp_path / "graph"))
    if portable:
        file = tmp_path / "file.zip"
        backup(str(folder), file, portable=True)
        rewrite_manifest(file, schema_version=1)
    else:
        with open_folder(folder) as store:
            store.write_transaction(lambda tx: tx.run("MATCH (s:Schema) SET s.version = 1"))
        file = tmp_path / "file.zip"
        assert backup(str(folder), file).schema_version == 1
    restore(file, tmp_path / "home" / "graph")
    with open_folder(tmp_path / "home" / "graph") as store:
        assert store.read(READ_STAMP, {"id": SCHEMA_ID}) == [{"version": 1}]
    with open_store(tmp_path / "home" / "graph") as upgraded:
        assert upgraded.read(READ_STAMP, {"id": SCHEMA_ID}) == [{"version": SCHEMA_VERSION}]


def test_nothing_that_exists_is_overwritten(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "file.zip"
    file.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        backup(str(folder), file)
    assert file.read_text() == "mine"
    file.unlink()
    backup(str(folder), file)
    with pytest.raises(UsageError, match="exists already"):
        restore(file, folder)


def rewrite(file: Path, edit: Callable[[str, bytes], bytes]) -> None:
    """Write every member of a ZIP again, edited."""
    with zipfile.ZipFile(file) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in found.items():
            archive.writestr(name, edit(name, data))


def rewrite_manifest(file: Path, **values: object) -> None:
    rewrite(file, lambda n, data: json.dumps({**json.loads(data), **values}).encode() if n == MANIFEST else data)


@pytest.fixture(scope="module")
def sound(empty_graph_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound engine backup to copy."""
    place = tmp_path_factory.mktemp("sound")
    shutil.copytree(empty_graph_folder, place / "graph")
    with open_folder(place / "graph") as store:
        fill(store)
    backup(str(place / "graph"), place / "file.zip")
    return place / "file.zip"


@pytest.fixture
def file(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "file.zip"))


def refused(file: Path, message: str) -> None:
    """Restoring raises one line with this message and leaves nothing behind."""
    home = file.parent / "home"
    with pytest.raises(InputError, match=message) as caught:
        restore(file, home / "graph")
    assert "\n" not in str(caught.value)
    assert not home.exists() or not leftovers(home)


def test_what_is_no_backup_is_refused(file: Path) -> None:
    refused(file.with_name("nowhere.zip"), "does not exist")
    whole = file.read_bytes()
    for part in (b"", b"PK", whole[: len(whole) // 2], whole[len(whole) // 2 :], b"x" * 1000):
        file.write_bytes(part)
        refused(file, "no whole ZIP|is no backup")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", "b")
    refused(file, "no backup of lesionkg")


def test_members_must_be_those_of_the_manifest(file: Path) -> None:
    whole = file.read_bytes()

    def again(message: str, **values: object) -> None:
        file.write_bytes(whole)
        rewrite_manifest(file, **values)
        refused(file, message)

    again("newer version", format=2)
    again("newer version", schema_version=SCHEMA_VERSION + 1)
    again("not readable", format="x")
    again("not readable", files=[])
    again("not readable", files={"configuration.json": {"size": 1}})
    again("other files", files={})
    again("no known kind", kind="other")
    again("not the one that was backed up", content_hash="0" * 64)
    again("not the one that was backed up", nodes=1)
    file.write_bytes(whole)
    rewrite(file, lambda name, data: data + b" " if name == "schema.json" else data)
    refused(file, "schema.json has another checksum")


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "a/b", "..", ".hidden", "a\\b"])
def test_no_member_is_written_outside_of_the_graph(file: Path, name: str) -> None:
    member = {"size": 3, "sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}
    with zipfile.ZipFile(file) as archive:
        files = json.loads(archive.read(MANIFEST))["files"]
    rewrite_manifest(file, files={**files, name: member})
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(name, "foo")
    refused(file, "other files")


def test_a_changed_byte_is_noticed_or_changes_nothing(file: Path, tmp_path: Path) -> None:
    whole = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        known = archive.read(MANIFEST)
    noticed = 0
    for place in range(7, len(whole), len(whole) // 24):
        changed = whole.copy()
        changed[place] ^= 0x55
        file.write_bytes(changed)
        home = tmp_path / f"home{place}"
        try:
            made = restore(file, home / "graph")
        except InputError:
            noticed += 1
            assert not home.exists() or not leftovers(home)
        else:
            assert held(home / "graph").content_hash == made.content_hash == json.loads(known)["content_hash"]
    assert noticed >= 12, "the rest are fields of the ZIP that say a thing twice"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        "[1]",
        '["Lesion"]',
        '["Other",{}]',
        '["Lesion` {x: 1}) DETACH DELETE n //",{}]',
        '["HAS_LABEL","Lesion","a","Label","b"]',
        '["LIKES","Lesion","a","Label","b",{}]',
        '["HAS_LABEL","Lesion","a","Robot","b",{}]',
    ],
)
def test_lines_that_name_what_the_schema_does_not_are_refused(embedded_store: GraphStore, line: str) -> None:
    with pytest.raises(InputError, match="no node or relationship"):
        embedded_store.write_transaction(lambda tx: load_lines(tx, [line]))


def test_lines_are_the_same_from_every_engine(any_store: GraphStore, folder: Path) -> None:
    lines: list[str] = []
    with open_folder(folder) as store:
        before = store.read_transaction(lambda tx: read_content(tx, lines.append))
    any_store.write_transaction(lambda tx: load_lines(tx, lines))
    again: list[str] = []
    assert any_store.read_transaction(lambda tx: read_content(tx, again.append)) == before
    assert sorted(again) == sorted(lines)
    assert len(lines) == before.lines == before.nodes + before.relationships


def test_a_different_value_or_relationship_is_another_content(embedded_store: GraphStore) -> None:
    fill(embedded_store)
    seen = {content(embedded_store).content_hash}
    for statement in (
        "MATCH (l:Lesion {id: 'DL:00000'}) SET l.verified = false",
        "MATCH (l:Lesion {id: 'DL:00002'}) SET l.whole = 4.5",
        "MATCH (l:Lesion {id: 'DL:00000'})-[r:HAS_LABEL {source: 'y'}]->(:Label {name: 'lung'}) SET r.source = 'z'",
        "MATCH (l:Lesion {id: 'DL:00000'}) MATCH (k:Label {name: 'lung'}) CREATE (l)-[:HAS_LABEL {source: 'z'}]->(k)",
        "MATCH (l:Lesion {id: 'DL:00000'}) MATCH (k:Label {name: 'lung'}) CREATE (k)-[:IS_A {source: 'z'}]->(k)",
    ):
        embedded_store.write_transaction(lambda tx, s=statement: tx.run(s))  # type: ignore[misc]
        seen.add(content(embedded_store).content_hash)
    assert len(seen) == 6


def test_a_number_that_is_none_has_no_line(embedded_store: GraphStore) -> None:
    embedded_store.write_transaction(lambda tx: tx.run("CREATE (:Lesion {id: 'a', x: 0.0 / 0.0})"))
    with pytest.raises(StoreError, match="NaN"):
        content(embedded_store)


def test_no_copy_is_taken_inside_a_write_transaction(embedded_store: GraphStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="write transaction is open"):
        embedded_store.write_transaction(lambda tx: embedded_store.snapshot(tmp_path / "x"))  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match="no copy was made"):
        embedded_store.snapshot(tmp_path / "no folder" / "\0")  # type: ignore[attr-defined]


def test_copies_left_behind_by_a_crash_go_when_the_folder_is_owned_again(folder: Path) -> None:
    left = folder.with_name(f"{folder.name}.snapshot-1-1")
    left.write_text("half a copy")
    with GraphOwner(folder):
        assert not left.exists()


def test_nobody_takes_a_copy_by_a_query(bolt_store: GraphStore) -> None:
    with pytest.raises(QueryRefusedError, match="procedure"):
        bolt_store.read("CALL lesionkg.snapshot() YIELD file RETURN file ORDER BY file")


WORK = """
import sys
from pathlib import Path
from kg.backup import backup, restore
graph, file, target = sys.argv[1:]
print("ready", flush=True)
backup(graph, Path(file))
restore(Path(file), Path(target))
print("done", flush=True)
"""


def killed(folder: Path, home: Path, after: float | None) -> float:
    """Back up and restore in another process, killed ``after`` seconds; what is left is whole or not there."""
    home.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", WORK, str(folder), str(home / "file.zip"), str(home / "graph")],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        began = time.monotonic()
        if after is not None:
            time.sleep(after)
            process.kill()
        process.stdout.read()
    took = time.monotonic() - began
    before = held(folder)
    if (home / "file.zip").exists():
        restore(home / "file.zip", home / "again" / "graph")
        assert held(home / "again" / "graph") == before
    if (home / "graph").exists():
        assert held(home / "graph") == before
    else:
        with open_folder(home / "graph", create=True):  # nothing half-made is in the way
            pass
        assert not [name for name in leftovers(home) if name.startswith("graph.partial")]
    return took


def test_a_killed_backup_or_restore_leaves_all_or_nothing(folder: Path, tmp_path: Path) -> None:
    took = killed(folder, tmp_path / "whole", None)
    assert (tmp_path / "whole" / "graph").exists()
    killed(folder, tmp_path / "killed", took * 0.8)


@pytest.mark.slow
def test_backups_and_restores_killed_at_many_moments_leave_all_or_nothing(folder: Path, tmp_path: Path) -> None:
    took = killed(folder, tmp_path / "whole", None)
    for number in range(12):
        killed(folder, tmp_path / f"killed{number}", took * (number + 1) / 12)


def test_a_manifest_says_what_is_inside(file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        stored = json.loads(archive.read(MANIFEST))
        assert set(stored["files"]) == set(archive.namelist()) - {MANIFEST}
    made = restore(file, file.parent / "home" / "graph")
    assert isinstance(made, Manifest)
    assert made.matrix_hashes.keys() == {"all", "few"}
    assert made.created == stored["created"]
    assert replace(made, created="") != made
