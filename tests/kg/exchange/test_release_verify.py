"""A release that was damaged or edited is told from one that is whole."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_ontology
import pytest

from kg.errors import InputError
from kg.exchange import release as releases
from kg.exchange.release import CHECKSUMS, MANIFEST, release
from kg.exchange.verify import verify_release
from kg.matrices import RelationMatrices
from kg.owl import write_owl


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of a small ontology (synthetic); the reasoner, which takes a second, is not asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(releases, "check_with_reasoner", lambda _: [])
        return release(made_ontology.small(), tmp_path_factory.mktemp("made") / "r", "1.2.0", "2026-11-21").folder


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    """The release, to spoil."""
    return Path(shutil.copytree(kept, tmp_path / "r"))


def checksum_again(folder: Path) -> None:
    """Make the checksums true of the files as they are."""
    sums = [
        f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.name}\n" for f in folder.iterdir() if f.name != CHECKSUMS
    ]
    (folder / CHECKSUMS).write_text("".join(sums))


def retold(folder: Path, **said: Any) -> None:
    """Edit the manifest, checksum and all."""
    told = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**told, **said}))
    checksum_again(folder)


def test_a_release_is_whole_when_made_and_where_it_was_copied(kept: Path, folder: Path) -> None:
    for place in (kept, folder):
        found = verify_release(place)
        assert (found.ontology, found.version, found.date) == ("made", "1.2.0", "2026-11-21")
        assert found.files == len(list(place.iterdir())) - 1
        assert found.problems == ()


def test_one_changed_byte_of_any_file_is_noticed(folder: Path) -> None:
    for file in sorted(set(folder.iterdir()) - {folder / CHECKSUMS, folder / MANIFEST}):
        data = file.read_bytes()
        middle = len(data) // 2
        file.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
        assert verify_release(folder).problems == (f"{file.name}: differs from its checksum",)
        file.write_bytes(data)
    assert verify_release(folder).problems == ()


SPOILT = [
    pytest.param(lambda f: (f / "made.tsv").unlink(), "made.tsv: is missing", id="missing"),
    pytest.param(lambda f: (f / "mine.txt").write_text("x"), "mine.txt: was not released", id="added"),
    pytest.param(lambda f: (f / "sub").mkdir(), "sub: was not released", id="folder"),
    pytest.param(
        lambda f: (f / "made.tsv").rename(f.parent / "x") and (f / "made.tsv").symlink_to(f.parent / "x"),
        "made.tsv: is not a plain file",
        id="link",
    ),
    pytest.param(lambda f: retold(f, version="1.2.1"), "made.ttl: its name, version or hash is not", id="version"),
    pytest.param(lambda f: retold(f, ontology_hash="0" * 64), "made.ttl: its name, version or hash", id="hash"),
    pytest.param(lambda f: retold(f, matrix_hashes={}), "label set all: matrices, ontology and", id="matrices"),
]


@pytest.mark.parametrize(("spoil", "problem"), SPOILT)
def test_what_is_not_as_released_is_named(spoil: Callable[[Path], object], problem: str, folder: Path) -> None:
    spoil(folder)
    assert verify_release(folder).problems[0].startswith(problem)


def test_matrices_of_another_ontology_are_noticed_though_the_checksums_agree(folder: Path) -> None:
    other = replace(made_ontology.small(), exclusive_pairs=())
    RelationMatrices.from_ontology(other, "all").save(folder / "made.all.safetensors")
    checksum_again(folder)
    assert verify_release(folder).problems == (f"label set all: matrices, ontology and {MANIFEST} disagree",)


def test_another_ontology_is_noticed_though_the_checksums_agree(folder: Path) -> None:
    write_owl(replace(made_ontology.small(), version="1.2.0", soft_relations=()), folder / "made.ttl")
    checksum_again(folder)
    assert verify_release(folder).problems == (f"made.ttl: its name, version or hash is not that of {MANIFEST}",)


def test_a_damaged_ontology_is_a_problem_and_not_a_crash(folder: Path) -> None:
    (folder / "made.ttl").write_text("no Turtle <")
    checksum_again(folder)
    assert "made.ttl" in verify_release(folder).problems[0]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (CHECKSUMS, ""),
        (CHECKSUMS, f"{'0' * 64}  ../outside\n"),
        (CHECKSUMS, "damaged"),
        (MANIFEST, "["),
        (MANIFEST, "[" * 100_000),
        (MANIFEST, "[]"),
        (MANIFEST, '{"format": "lesionkg-release/9"}'),
        (MANIFEST, '{"format": "lesionkg-release/1", "ontology": 7}'),
    ],
)
def test_what_is_no_release_is_refused_in_one_line(file: str, text: str, folder: Path) -> None:
    (folder / file).write_text(text)
    with pytest.raises(InputError, match=file) as raised:
        verify_release(folder)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", [CHECKSUMS, MANIFEST])
def test_a_folder_without_checksums_or_manifest_is_no_release(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match="give the folder of a release"):
        verify_release(folder)
