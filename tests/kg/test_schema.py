"""The schema: keys and types, its version, and folders that are no graph of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kg import schema
from kg.embedded import open_folder
from kg.errors import SchemaVersionError, StoreError
from kg.ontology import RelationKind, SoftKind
from kg.ontology_rows import ENDS, NODES
from kg.store import GraphStore


def test_every_relation_of_the_ontology_has_its_type() -> None:
    types = set(schema.RELATIONSHIP_TYPES)
    assert {kind.value for kind in (*RelationKind, *SoftKind)} <= types
    assert set(ENDS) <= types
    assert set(NODES) <= set(schema.NODE_KEYS)
    assert len(types) == len(schema.RELATIONSHIP_TYPES)


@pytest.mark.parametrize(("label", "key"), sorted(schema.NODE_KEYS.items()))
def test_every_kind_of_node_has_a_unique_key(any_store: GraphStore, label: str, key: str) -> None:
    create = f"CREATE (:{label} {{{key}: 'same'}})"
    any_store.write_transaction(lambda tx: tx.run(create))
    with pytest.raises(StoreError, match="key exists already"):
        any_store.write_transaction(lambda tx: tx.run(create))
    any_store.write_transaction(lambda tx: tx.run(f"MATCH (n:{label} {{{key}: 'same'}}) DETACH DELETE n"))


def test_ensuring_the_schema_again_changes_nothing(any_store: GraphStore) -> None:
    ask = "MATCH (s:Schema) RETURN s.version AS version, s.writes AS writes ORDER BY writes"
    before = any_store.read(ask)
    any_store.ensure_schema()
    assert any_store.read(ask) == before


def test_a_newer_schema_is_not_touched(any_store: GraphStore) -> None:
    newer = schema.SCHEMA_VERSION + 1
    change = "MATCH (s:Schema) SET s.version = $version"
    any_store.write_transaction(lambda tx: tx.run(change, {"version": newer}))
    before = any_store.read("MATCH (s:Schema) RETURN properties(s) AS p ORDER BY s.id")
    try:
        with pytest.raises(SchemaVersionError, match=f"schema version {newer}"):
            any_store.ensure_schema()
        assert any_store.read("MATCH (s:Schema) RETURN properties(s) AS p ORDER BY s.id") == before
    finally:
        any_store.write_transaction(lambda tx: tx.run(change, {"version": schema.SCHEMA_VERSION}))


def test_a_graph_of_somebody_else_is_not_touched(any_store: GraphStore) -> None:
    any_store.write_transaction(lambda tx: tx.run("MATCH (s:Schema) DETACH DELETE s CREATE (:Label {id: 'theirs'})"))
    try:
        with pytest.raises(SchemaVersionError, match="belongs to something else"):
            any_store.ensure_schema()
        assert any_store.read("MATCH (n) RETURN n.id AS id ORDER BY id") == [{"id": "theirs"}]
        with pytest.raises(StoreError, match="no schema"):
            any_store.write_transaction(lambda tx: tx.run("CREATE (:Label {id: 'b'})"))
    finally:
        restore(any_store)


def restore(store: GraphStore) -> None:
    """Give a graph its stamp back, which wiping between tests needs."""
    if store.url.startswith("bolt"):
        with store._session("WRITE") as session:  # type: ignore[attr-defined]
            session.run("MATCH (n) DETACH DELETE n").consume()
        store.ensure_schema()


def test_a_newer_folder_is_not_opened(empty_graph_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(empty_graph_folder, tmp_path / "graph")
    with open_folder(folder) as store:
        newer = {"version": schema.SCHEMA_VERSION + 1}
        store.write_transaction(lambda tx: tx.run("MATCH (s:Schema) SET s.version = $version", newer))
    with pytest.raises(SchemaVersionError, match="install a newer lesionkg"):
        open_folder(folder)
    with pytest.raises(SchemaVersionError):
        open_folder(folder)  # and the folder was released


def _without(pattern: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for file in folder.glob(pattern):
            file.unlink()

    return damage


def _garbage(pattern: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for file in folder.glob(pattern):
            file.write_bytes(b"\x07 not what it was" * 40)

    return damage


def _truncated(pattern: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for file in folder.glob(pattern):
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(_without("*"), id="emptied"),
        pytest.param(_without("schema.json"), id="no schema file"),
        pytest.param(_without("dictionary*"), id="no dictionary"),
        pytest.param(_without("Schema_*"), id="no stamp bucket"),
        pytest.param(_garbage("configuration.json"), id="garbage in the configuration"),
        pytest.param(_garbage("dictionary*"), id="garbage in the dictionary"),
        pytest.param(_garbage("Schema_*"), id="garbage in the stamp"),
        pytest.param(_truncated("*"), id="everything truncated"),
        pytest.param(_truncated("dictionary*"), id="dictionary truncated"),
    ],
)
def test_a_damaged_folder_gives_one_clear_line(
    empty_graph_folder: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder = shutil.copytree(empty_graph_folder, tmp_path / "graph")
    damage(folder)
    with pytest.raises(StoreError) as caught:
        open_folder(folder)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)
    assert not list(tmp_path.glob("*.owner.json"))


def test_what_is_no_graph_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "photo.txt").write_text("sun")
    (tmp_path / "file").write_text("text")
    for name in ("holiday", "file"):
        with pytest.raises(StoreError, match="not a graph folder"):
            open_folder(tmp_path / name, create=True)
    with pytest.raises(StoreError, match="does not exist"):
        open_folder(tmp_path / "nowhere")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "holiday", "photo.txt"]


def test_a_half_made_graph_of_a_crash_is_cleared_away(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    partial = tmp_path / f"graph.partial-{dead.pid}"
    partial.mkdir()
    (partial / "schema.json").write_text("{")
    in_the_making = tmp_path / f"graph.partial-{os.getppid()}"
    in_the_making.mkdir()
    with open_folder(tmp_path / "graph", create=True) as store:
        assert store.read("MATCH (s:Schema) RETURN s.version AS version ORDER BY version") == [
            {"version": schema.SCHEMA_VERSION}
        ]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["graph", in_the_making.name]
