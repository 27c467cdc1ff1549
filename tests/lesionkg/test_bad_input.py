"""Bad input from end to end: one clear line, exit code 1 or 2, and the store as it was."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kg.embedded import open_folder
from kg.graph_ontology import save_ontology
from kg.ontology import ExclusivePair, Ontology, Relation, RelationKind
from kg.owl import write_owl
from kg.revision import Head, head
from kg.shipped import load_shipped
from lesionkg.cli.app import run


def cyclic(ontology: Ontology) -> Ontology:
    chest, lung = ontology.label("chest").id, ontology.label("lung").id
    return replace(ontology, relations=(*ontology.relations, Relation(chest, RelationKind.PART_OF, lung)))


def self_exclusive(ontology: Ontology) -> Ontology:
    lung = ontology.label("lung").id
    return replace(ontology, exclusive_pairs=(*ontology.exclusive_pairs, ExclusivePair(lung, lung)))


def contradictory(ontology: Ontology) -> Ontology:
    chest, lung = ontology.label("chest").id, ontology.label("lung").id
    return replace(ontology, exclusive_pairs=(*ontology.exclusive_pairs, ExclusivePair(chest, lung)))


@pytest.fixture(scope="module")
def template(empty_graph_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("template")
    shutil.copytree(empty_graph_folder, home / "graph")
    with open_folder(home / "graph") as store:
        save_ontology(store, load_shipped())
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "home"))


def stamp(home: Path) -> Head:
    with open_folder(home / "graph") as store:
        return head(store)


def complain(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[str]]:
    """Exit code, and the lines on standard error."""
    capsys.readouterr()
    code = run([str(a) for a in arguments])
    return code, capsys.readouterr().err.strip().splitlines()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(cyclic, "own ancestors", id="cyclic"),
        pytest.param(self_exclusive, "exclusive with itself", id="self-exclusive"),
        pytest.param(contradictory, "exclusive with its own ancestor", id="exclusive with an ancestor"),
    ],
)
def test_an_unsound_ontology_is_not_imported(
    spoil: Callable[[Ontology], Ontology], words: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stamp(home)
    write_owl(spoil(load_shipped()), tmp_path / "bad.ttl")
    code, _ = complain(capsys, "ontology", "check", "--file", tmp_path / "bad.ttl")
    assert code == 1
    capsys.readouterr()
    assert run(["ontology", "import", str(tmp_path / "bad.ttl"), "--home", str(home)]) == 1
    assert words in " ".join(capsys.readouterr().out.split())
    assert stamp(home) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.xlsx", b"PK\x03\x04 not a workbook", id="broken workbook"),
        pytest.param("a.ttl", b"@prefix : <x> . :a :b", id="truncated Turtle"),
        pytest.param("a.owl", b"<rdf:RDF", id="truncated XML"),
        pytest.param(
            "a.owl", b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>', id="external entity"
        ),
        pytest.param("a.docx", b"nothing", id="unknown kind"),
    ],
)
def test_a_wrong_file_is_one_line(
    name: str, content: bytes, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stamp(home)
    (tmp_path / name).write_bytes(content)
    code, lines = complain(capsys, "ontology", "import", tmp_path / name, "--home", home)
    assert code in (1, 2)
    assert len(lines) == 1
    assert name in lines[0]
    assert "root:" not in lines[0]
    assert stamp(home) == before


def test_a_folder_held_by_another_process_is_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hold = (
        "import sys; from pathlib import Path; from kg.embedded import open_folder\n"
        "with open_folder(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(home / "graph")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline().strip() == "held"
        for arguments in (["status"], ["ingest", "deeplesion"], ["cohort", "freeze", "mine"]):
            code, lines = complain(capsys, *arguments, "--home", home)
            assert (code, len(lines)) == (1, 1)
            assert str(other.pid) in lines[0]
        other.stdin.close()
    assert complain(capsys, "status", "--home", home)[0] == 0


def test_an_unreachable_server_is_one_line(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESIONKG_NEO4J_USER", "neo4j")
    monkeypatch.setenv("LESIONKG_NEO4J_PASSWORD", "not-a-secret")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code, lines = complain(capsys, "status", "--graph", f"bolt://127.0.0.1:{port}")
    assert (code, len(lines)) == (1, 1)
    assert f"127.0.0.1:{port}" in lines[0]
    assert "not-a-secret" not in lines[0]


@pytest.mark.parametrize(
    "arguments", [["status"], ["query", "few-positives"], ["cohort", "list"], ["train"], ["graph", "verify"]]
)
def test_without_a_graph_the_line_says_how_to_make_one(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = complain(capsys, *arguments, "--home", tmp_path / "none")
    assert (code, len(lines)) == (1, 1)
    assert "lesionkg demo" in lines[0] or "lesionkg ingest" in lines[0]
    assert not (tmp_path / "none" / "graph").exists()


@pytest.mark.parametrize("arguments", [["evaluate", "no-such-run"], ["publish", "no-such-run"]])
def test_a_run_that_does_not_exist_is_one_line(
    arguments: list[str], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = complain(capsys, *arguments, "--home", home)
    assert code in (1, 2)
    assert len(lines) == 1
    assert "no-such-run" in lines[0]


def test_the_demo_leaves_a_curated_ontology_alone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edited = load_shipped()
    with open_folder(home / "graph") as store:
        save_ontology(store, replace(edited, relations=edited.relations[1:]))
    before = stamp(home)
    code, lines = complain(capsys, "demo", "--home", home)
    assert code == 2
    assert "another ontology" in lines[-1]
    assert stamp(home) == before


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    assert run(["ontology", "export", "--out", str(tmp_path / "file" / "lesions.ttl")]) == 1
    _, said = capsys.readouterr().err.strip().splitlines()  # the first tells which ontology was read
    assert "Not a directory" in said and "name a place you may write to" in said
