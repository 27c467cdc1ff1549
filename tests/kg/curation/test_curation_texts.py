"""Texts of change sets: nothing hidden gets into a proposal or a revision, and a file's errors name the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_ontology import LUNG, small
from proposed import by, rename, synonym

from kg.curation import change_file
from kg.curation.application import apply_changes, undo
from kg.curation.change_file import read_change_set
from kg.curation.change_set import ChangeSet
from kg.curation.history import revisions
from kg.curation.policy import same_name
from kg.curation.texts import require_readable
from kg.errors import InputError, UsageError
from kg.graph_ontology import save_ontology
from kg.store import GraphStore

NAME = next(label.name for label in small().labels if label.id == LUNG)


@pytest.mark.parametrize(
    "change_set",
    [
        by("ann", rename(LUNG, NAME, "lu\0ng")),
        by("ann", rename(LUNG, NAME, "lu\nng")),
        by("ann", synonym(LUNG, "\x1b[31mred")),
        by("ann", synonym(LUNG, "\u202egnul")),
        by("ann\nproposal 1: accepted by bob", synonym(LUNG, "x")),
        by("ann", synonym(LUNG, "x"), reason="a\x07"),
        by("ann", synonym(LUNG, "x"), overrides={"some-rule": "a\x07"}),
    ],
)
def test_hidden_characters_are_refused(change_set: ChangeSet) -> None:
    with pytest.raises(UsageError, match=r"U\+[0-9A-F]{4}") as caught:
        require_readable(change_set)
    assert str(caught.value).isprintable()


def test_any_script_and_reasons_of_several_lines_are_allowed() -> None:
    require_readable(by("Jörg O'Neill 病理", rename(LUNG, NAME, "肺 · \"λ\" 'x'"), reason="first\nsecond\tthird"))


def test_what_is_removed_may_be_as_it_is() -> None:
    require_readable(by("ann", rename(LUNG, "lu\0ng", "lung")))


def test_a_revision_holds_no_hidden_characters(embedded_store: GraphStore) -> None:
    save_ontology(embedded_store, small(), author="importer")
    with pytest.raises(UsageError, match="one line of text"):
        apply_changes(embedded_store, by("ann\nbob", synonym(LUNG, "x")))
    apply_changes(embedded_store, by("ann", synonym(LUNG, "x")))
    with pytest.raises(UsageError, match="one line of text"):
        undo(embedded_store, 2, "ann\nbob", "a test")
    assert [entry.sequence for entry in revisions(embedded_store)] == [2, 1]


@pytest.mark.parametrize("text", ["{", "", "[]", '{"changes": [{}]}', "[" * 200_000, '{"changes": 1}'])
def test_a_file_that_holds_no_change_set_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.json: change"):
        read_change_set(file, small())


def test_a_line_that_is_no_change_is_named_with_its_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.kgcl"
    file.write_text(f"\nrename {LUNG}", encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.kgcl: line 2"):
        read_change_set(file, small())


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_file, "LARGEST", 2**20)
    file = tmp_path / "mine.kgcl"
    file.write_text("#" * (2**20 + 1), encoding="utf-8")
    with pytest.raises(InputError, match="larger than 1 MiB"):
        read_change_set(file, small())


@pytest.mark.parametrize("written", ["  Zoë  NOVAK ", "Zoe\u0308 Novak", "Zoë\u200b Nov\u00adak", "Ｚoë\u00a0Novak"])
def test_a_name_is_the_same_however_it_is_written(written: str) -> None:
    assert same_name(written) == same_name("Zoë Novak") != same_name("Zoe Novak")
