"""A graph of schema version 1 is upgraded where it is opened for writing, and not touched where it is only read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_ontology import LUNG, small

from kg.connect import open_store
from kg.curation.application import apply_changes
from kg.curation.change_set import Change, ChangeSet
from kg.curation.facts import LabelSynonym
from kg.curation.history import as_of, revisions
from kg.errors import SchemaVersionError, StaleRevisionError
from kg.graph_ontology import load_ontology, save_ontology
from kg.ontology import Synonym
from kg.store import GraphStore
from kg.upgrade import upgrade

_OLDER = (
    "MATCH (r:Revision) REMOVE r.kind, r.base, r.undoes, r.proposal, r.reason, r.source, r.labels, r.changes",
    "MATCH (r:Revision) REMOVE r.foreign",
    "MATCH (s:Schema) SET s.version = 1",
)


def make_older(store: GraphStore) -> None:
    """Turn a graph back into what version 1 wrote."""
    for statement in _OLDER:
        store.write_transaction(lambda tx, statement=statement: tx.run(statement))


@pytest.fixture
def older(tmp_path: Path) -> Path:
    folder = tmp_path / "graph"
    with open_store(folder) as store:
        save_ontology(store, small(), author="someone")
        save_ontology(store, replace(small(), version="2"), author="someone")
        make_older(store)
    return folder


def test_opening_for_writing_upgrades_and_history_begins_at_the_newest_revision(older: Path) -> None:
    with open_store(older) as store:
        assert load_ontology(store) == as_of(store, 2)
        with pytest.raises(StaleRevisionError, match="kept no changes"):
            as_of(store, 1)
        change = Change(None, LabelSynonym(LUNG, Synonym("pulmo")))
        assert apply_changes(store, ChangeSet((change,), "curator", reason="a test")).sequence == 3
        assert [(entry.sequence, entry.kind) for entry in revisions(store)] == [(3, "change"), (2, "import"), (1, "")]
        assert as_of(store, 3) == load_ontology(store)
    with open_store(older) as store:
        assert not upgrade(store)


def test_opening_for_reading_only_says_what_to_do(older: Path) -> None:
    with pytest.raises(SchemaVersionError, match="lesionkg graph upgrade"):
        open_store(older, read_only=True)
    with open_store(older) as store:
        assert upgrade(store) is False
    open_store(older, read_only=True).close()
