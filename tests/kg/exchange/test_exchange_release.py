"""A release is whole, checked and the same every time, or it is not there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import made_ontology
import pytest

from kg.curation.application import apply_changes, undo
from kg.curation.change_set import Change, ChangeSet
from kg.curation.facts import LabelField, LabelText
from kg.curation.history import revisions
from kg.errors import InputError, OntologyError, ReasonerError, UsageError
from kg.exchange import release as releases
from kg.exchange.change_log import LogEntry, change_log, entries_of_change_sets, entries_of_revisions, since
from kg.exchange.formats import Format, read_onto
from kg.exchange.release import CHECKSUMS, MANIFEST, Release, examine, release
from kg.findings import Finding, Severity
from kg.graph_ontology import load_ontology, save_ontology
from kg.matrices import RelationMatrices
from kg.ontology import LabelSet, Ontology
from kg.owl import load_owl
from kg.shipped import CURATED, curated_history, load_shipped
from kg.store import GraphStore

DAY = "2026-11-21"


def made(folder: Path, ontology: Ontology | None = None, **options: object) -> Release:
    """A release of a small ontology (synthetic)."""
    return release(ontology or made_ontology.small(), folder, "1.2.0", DAY, **options)  # type: ignore[arg-type]


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reasoner, which takes a second, is not asked: it finds nothing in the small ontology."""
    monkeypatch.setattr(releases, "check_with_reasoner", lambda _: [])


def named(name: str, label: str = "T:1") -> LabelText:
    return LabelText(label, LabelField.NAME, name)


def renamed(ontology: Ontology, label: str, name: str) -> Change:
    old = ontology.label(label)
    return Change(named(old.name, old.id), named(name, old.id))


def test_a_release_holds_every_format_and_what_it_says_is_true(tmp_path: Path) -> None:
    ontology = made_ontology.small()
    found = made(tmp_path / "r")
    assert found.ontology == replace(ontology, version="1.2.0")
    for format_ in Format:
        assert read_onto(found.ontology, tmp_path / "r" / f"made{format_}") == found.ontology
    assert load_owl(tmp_path / "r" / "made.strict.owl") == found.ontology
    for label_set in ("all", "few"):
        matrices = RelationMatrices.load(tmp_path / "r" / f"made.{label_set}.safetensors")
        assert matrices.matrix_hash == RelationMatrices.from_ontology(ontology, label_set).matrix_hash
    sums = dict(reversed(line.split("  ")) for line in (tmp_path / "r" / CHECKSUMS).read_text().splitlines())
    assert sums == found.checksums
    there = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (tmp_path / "r").iterdir()}
    assert {name: digest for name, digest in there.items() if name != CHECKSUMS} == sums
    told = json.loads((tmp_path / "r" / MANIFEST).read_text())
    assert (told["version"], told["date"], told["ontology_hash"]) == ("1.2.0", DAY, ontology.content_hash)
    assert (tmp_path / "r" / "NOTICE.txt").read_text() == "A notice\nof two lines.\n\nAnother.\n"


@pytest.mark.usefixtures("trusted")
def test_equal_content_gives_an_equal_release(tmp_path: Path) -> None:
    backwards = replace(made_ontology.small(), labels=made_ontology.small().labels[::-1], version="7")
    assert made(tmp_path / "a").checksums == made(tmp_path / "b", backwards).checksums


@pytest.mark.slow
def test_the_curated_ontology_is_released_with_its_change_sets_and_what_they_did(tmp_path: Path) -> None:
    before, after = load_shipped(), load_shipped(CURATED)
    history = entries_of_change_sets(before, curated_history())
    assert history[0].ontology_hash == after.content_hash
    found = made(tmp_path / "r", after, history=history, previous=before)
    log = (tmp_path / "r" / "CHANGES.md").read_text()
    assert log.count("\n## change set ") == len(curated_history()) >= 25
    assert (tmp_path / "r" / "DIFF.md").read_text().startswith("# lesanet-repaired 1 -")
    assert not releases.errors_of(found.lines)


def test_an_ontology_with_errors_is_not_released(tmp_path: Path) -> None:
    with pytest.raises(OntologyError, match=r"ambiguous-synonym.*7 errors more") as raised:
        made(tmp_path / "new" / "r", load_shipped("lesanet-released"))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "new").exists()


def test_what_only_the_reasoner_finds_stands_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = Finding("unsatisfiable", Severity.ERROR, ("lung",), "no lesion can have 'lung'")
    monkeypatch.setattr(releases, "check_with_reasoner", lambda _: [finding])
    with pytest.raises(OntologyError, match="unsatisfiable"):
        made(tmp_path / "r")
    assert list(tmp_path.iterdir()) == []


def test_without_a_reasoner_nothing_is_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kg import reasoner

    monkeypatch.setattr(reasoner, "bundled_java", lambda: Path("no java here"))
    with pytest.raises(ReasonerError):
        made(tmp_path / "r")
    assert list(tmp_path.iterdir()) == []


def test_the_reasoner_is_not_asked_about_what_breaks_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "check_with_reasoner", lambda _: pytest.fail("asked"))
    assert releases.errors_of(examine(load_shipped("lesanet-released")))


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("at", ["report.tsv", "made.tsv", "SHA256SUMS"])
def test_a_release_that_fails_half_way_leaves_nothing(at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if self.name.removesuffix(".partial") == at:
            raise OSError(28, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="cannot be written"):
        made(tmp_path / "r")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("trusted")
def test_a_file_that_does_not_read_back_is_not_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "read_onto", lambda ontology, file: replace(ontology, labels=ontology.labels[1:]))
    with pytest.raises(OntologyError, match="does not read back"):
        made(tmp_path / "r")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("trusted")
def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "mine").write_text("x")
    with pytest.raises(InputError, match="exists"):
        made(tmp_path / "r")
    assert [file.name for file in (tmp_path / "r").iterdir()] == ["mine"]
    (tmp_path / "r" / "mine").unlink()
    made(tmp_path / "r")


@pytest.mark.parametrize("version", ["", "../1", "1 2", "v/1", "-1"])
def test_a_version_that_no_file_could_have_is_refused(version: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="version"):
        release(made_ontology.small(), tmp_path / "r", version, DAY)


@pytest.mark.parametrize("day", ["today", "2026-1-1", "2026-13-45", ""])
def test_a_date_that_is_none_is_refused(day: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="date"):
        release(made_ontology.small(), tmp_path / "r", "1", day)


def test_a_version_is_given_once(tmp_path: Path) -> None:
    before = replace(made_ontology.small(), version="1.2.0")
    changed = replace(before, soft_relations=())
    with pytest.raises(UsageError, match="release before"):
        made(tmp_path / "r", changed, previous=before)


@pytest.mark.usefixtures("trusted")
def test_label_sets_that_would_share_a_file_are_refused(tmp_path: Path) -> None:
    ontology = replace(made_ontology.small(), label_sets=(LabelSet("a b", ("T:1",)), LabelSet("a/b", ("T:2",))))
    with pytest.raises(OntologyError, match="rename it"):
        made(tmp_path / "r", ontology)


def test_the_change_log_of_a_graph_begins_after_the_release_before(any_store: GraphStore) -> None:
    first = made_ontology.small()
    save_ontology(any_store, first, author="importer")
    for number, name in ((1, "lungs"), (2, "thorax")):
        change = renamed(first, ("lung", "chest")[number - 1], name)
        apply_changes(any_store, ChangeSet((change,), "Ann", f"{DAY}T00:00:0{number}Z", f"reason *{number}*"))
    undo(any_store, 2, "Bob", "a mistake")
    entries = entries_of_revisions(revisions(any_store))
    assert [entry.title for entry in entries] == ["revision 4 takes back revision 2", "revision 3", "revision 2",
                                                  "revision 1"]  # fmt: skip
    newer = since(entries, first)
    assert len(newer) == 3
    names = {label.id: label.name for label in load_ontology(any_store).labels}
    log = change_log("made 2", newer, names)
    assert log.startswith("# made 2\n\n## revision 4 takes back revision 2, ")
    assert "Reason: reason \\*1\\*" in log
    assert "- rename 'lung' to 'lungs'" in log
    assert "importer" not in log
    assert since(entries, replace(first, name="another")) == entries


def test_a_change_log_counts_what_is_too_long_to_tell() -> None:
    parts = tuple(Change(named(str(i)), named(str(i + 1))) for i in range(201))
    entry = LogEntry("revision 1", "", DAY, "", "", ChangeSet(parts, "", DAY), "made", "")
    assert "\n201 changes\n" in change_log("made", [entry], {})
    assert "No change set is known." in change_log("made", [], {})
