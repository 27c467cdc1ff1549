"""The curated ontology that ships: made by its history, one reasoned change set at a time, and sound at every step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_ontology import small

from kg.connect import open_store
from kg.curation.change_set import Change, ChangeSet
from kg.curation.history import as_of, revisions
from kg.curation.replay import history_from_json, history_to_json, replay, states
from kg.errors import ChangeRefusedError, ConflictError, InputError
from kg.findings import errors_in
from kg.graph_ontology import load_ontology, save_ontology, verify
from kg.matrices import RelationMatrices
from kg.owl import write_owl
from kg.rules import check
from kg.shipped import CURATED, DEFAULT, curated_history, load_shipped


def test_the_shipped_file_is_what_its_history_makes_byte_for_byte(tmp_path: Path) -> None:
    made = states(load_shipped(DEFAULT), curated_history())[-1]
    assert made == load_shipped(CURATED) and sorted(made.notices) == sorted(load_shipped(CURATED).notices)
    write_owl(made, tmp_path / "made.ttl")
    assert (tmp_path / "made.ttl").read_bytes() == Path(f"ontologies/{CURATED}.ttl").read_bytes()


def test_every_change_set_says_why_on_what_evidence_with_what_effect_and_who_read_it() -> None:
    history = curated_history()
    assert len(history) >= 26  # the first only gives the copy its name
    for change_set in history:
        for text in (change_set.author, change_set.created, change_set.reason, change_set.source, change_set.review):
            assert text.strip()
        assert change_set.impact.startswith("lesanet-171: ")
    assert len({change_set.reason for change_set in history}) == len(history)


def test_no_step_breaks_a_rule() -> None:
    for made in states(load_shipped(DEFAULT), curated_history()):
        assert not errors_in(check(made))


def test_labels_keep_their_ids_and_the_paper_s_label_set_its_columns() -> None:
    before, after = load_shipped(DEFAULT), load_shipped(CURATED)
    assert before.label_set("lesanet-171") == after.label_set("lesanet-171")
    names = {label.id: label.name for label in after.labels}
    assert all(names[label.id] == label.name for label in before.labels)


def test_the_known_faults_of_the_repaired_ontology_are_mended() -> None:
    matrices = {name: RelationMatrices.from_ontology(load_shipped(name), "lesanet-171") for name in (DEFAULT, CURATED)}

    def related(name: str, child: str, parent: str, kind: str = "ancestors") -> bool:
        m = matrices[name]
        return bool(getattr(m, kind)[m.names.index(child), m.names.index(parent)])

    for child, parent in (
        ("hemangioma", "blood vessel"),
        ("porta Hepatis lymph node", "liver"),
        ("supraclavicular lymph node", "mediastinum"),
    ):
        assert related(DEFAULT, child, parent) and not related(CURATED, child, parent)
    for child, parent in (("solid pulmonary nodule", "lung"), ("supraclavicular lymph node", "neck")):
        assert related(CURATED, child, parent) and not related(DEFAULT, child, parent)
    for a, b in (("abdomen", "pelvis"), ("lytic", "sclerotic"), ("nodule", "thickening")):
        assert related(DEFAULT, a, b, "exclusive") and not related(CURATED, a, b, "exclusive")
    assert related(CURATED, "liver", "pelvis", "exclusive")  # what lies below the two regions stays apart


@pytest.mark.slow
def test_a_history_is_taken_over_revision_by_revision(tmp_path: Path) -> None:
    base, history = load_shipped(DEFAULT), curated_history()
    with open_store(tmp_path / "graph") as store:
        assert replay(store, base, history, author="me") == len(history) + 1
        assert replay(store, base, history) == len(history) + 1  # again: nothing to do
        verify(store)
        assert load_ontology(store) == load_shipped(CURATED)
        entries = revisions(store)
        assert [entry.change_set for entry in entries[:-1]] == list(reversed(history))
        assert {entry.author for entry in entries[:-1]} == {change_set.author for change_set in history}
        assert as_of(store, 1) == base
        assert as_of(store, 5) == states(base, history[:4])[-1]


def test_a_history_goes_on_where_the_graph_holds_its_base(tmp_path: Path) -> None:
    base = load_shipped(DEFAULT)
    with open_store(tmp_path / "graph") as store:
        save_ontology(store, small())
        save_ontology(store, base)
        assert replay(store, base, curated_history()[:2]) == 4
        assert [entry.kind for entry in revisions(store)] == ["change", "change", "import", "import"]


@pytest.mark.slow
def test_a_history_that_does_not_fit_is_refused_and_nothing_is_saved(tmp_path: Path) -> None:
    base, history = load_shipped(DEFAULT), curated_history()
    text = history_to_json(base, history)
    assert history_from_json(text, base, "file") == history
    with pytest.raises(ConflictError, match="made on another ontology"):
        history_from_json(text, small(), "file")
    for damaged in ("", "{}", text[:-5], text.replace("lesionkg-history/1", "lesionkg-history/9")):
        with pytest.raises(InputError, match="file"):
            history_from_json(damaged, base, "file")
    pair = next(p for p in base.exclusive_pairs if "listed by both" in p.evidence)
    wrong = ChangeSet((Change(None, replace(pair, b=pair.a)),), "me")
    with open_store(tmp_path / "graph") as store:
        save_ontology(store, base)
        with pytest.raises((ConflictError, ChangeRefusedError)):
            replay(store, base, (*history[:3], wrong))
        assert [entry.sequence for entry in revisions(store)] == [1]
        verify(store)
