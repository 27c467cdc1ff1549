"""The mirror of history in the curation store: a copy of the graph's, searched by words, made anew where it differs."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from made_ontology import LIVER, LUNG, NODULE, small
from proposed import by, rename, synonym
from sqlalchemy import text

from kg.curation.application import apply_changes, undo
from kg.curation.change_set import Change
from kg.curation.graph_identity import graph_identity
from kg.curation.history import RevisionEntry, revisions
from kg.curation.mirror import follow, rebuild, search
from kg.embedded import open_folder
from kg.graph_ontology import adopt, save_ontology
from kg.ontology import SoftKind, SoftRelation
from kg.relational import Database
from kg.shipped import load_shipped
from kg.store import GraphStore


def fill(store: GraphStore) -> None:
    """An import, three changes, one of them taken back, and a direct edit that was adopted."""
    save_ontology(store, small(), author="importer")
    soft = Change(None, SoftRelation(LIVER, SoftKind.CONFUSABLE_WITH, LUNG, "a model"))
    apply_changes(store, by("ann", rename(LUNG, "lung", "lungs"), reason="100% sure_"), created="2020-01-02T10:00:00")
    apply_changes(store, by("bob", synonym(LIVER, "Hépar")), created="2020-01-03T10:00:00")
    apply_changes(store, by("ann", soft, review="carol, yes"), created="2020-01-04T10:00:00")
    undo(store, 3, "ann", "no such word")
    store.write_transaction(lambda tx: tx.run("MATCH (l:Label {id: $id}) SET l.definition = 'round'", {"id": NODULE}))
    adopt(store, "dan")


def mirrored(database: Database, store: GraphStore, **wanted: object) -> list[RevisionEntry]:
    return search(database, store.read_transaction(graph_identity), **wanted)  # type: ignore[arg-type]


def test_the_mirror_is_the_history(database: Database, any_store: GraphStore) -> None:
    fill(any_store)
    assert follow(database, any_store).added == 6
    assert mirrored(database, any_store) == revisions(any_store)
    assert (follow(database, any_store).added, follow(database, any_store).rebuilt) == (0, False)
    undo(any_store, 4, "bob", "nor that")
    assert follow(database, any_store).added == 1
    assert mirrored(database, any_store) == revisions(any_store)  # an older one now says that it was taken back
    assert rebuild(database, any_store).added == 7
    assert mirrored(database, any_store) == revisions(any_store)


def test_history_is_searched_by_words_label_author_and_date(database: Database, embedded_store: GraphStore) -> None:
    fill(embedded_store)
    follow(database, embedded_store)

    def found(**wanted: object) -> list[int]:
        return [entry.sequence for entry in mirrored(database, embedded_store, **wanted)]

    for words, expected in (
        ("HÉPAR", [5, 3]),
        ("lungs confusable", [4]),
        ("carol", [4]),
        ("100%", [2]),
        ("sure_", [2]),
        ("s_re", []),
        ("%", [2]),
        ("", [6, 5, 4, 3, 2, 1]),
        ("importer", [1]),
        ("'; DROP TABLE mirrored_revisions --", []),
    ):
        assert found(words=words) == expected, words
    assert found(label=LIVER, author="ann") == [5, 4]
    assert found(since="2020-01-03", until="2020-01-04") == [4, 3]
    today = datetime.now(UTC).date().isoformat()
    assert found(since=today, author="ann") == [5]
    assert found(limit=2) == [6, 5]
    for wanted in ({"label": LIVER}, {"author": "ann"}, {"since": "2020-01-03"}, {"until": "2020-01-03"}, {"limit": 3}):
        assert found(**wanted) == [entry.sequence for entry in revisions(embedded_store, **wanted)]  # type: ignore[arg-type]


def test_a_mirror_that_does_not_fit_is_made_anew(database: Database, empty_graph_folder: Path, tmp_path: Path) -> None:
    folder, backup = tmp_path / "graph", tmp_path / "backup"
    shutil.copytree(empty_graph_folder, folder)
    with open_folder(folder) as store:
        save_ontology(store, small(), author="importer")
    shutil.copytree(folder, backup)
    with open_folder(folder) as store:
        apply_changes(store, by("ann", synonym(LUNG, "pulmo")))
        apply_changes(store, by("ann", synonym(LUNG, "pulmones")))
        follow(database, store)
    with open_folder(backup) as store:
        for number in range(3):  # shorter, as long with another content, and longer
            assert follow(database, store).rebuilt is (number == 0)
            assert mirrored(database, store) == revisions(store)
            apply_changes(store, by("bob", synonym(LIVER, f"hepar {number}")))
    with open_folder(folder) as store:
        assert follow(database, store).rebuilt
        assert mirrored(database, store) == revisions(store)


def test_a_mirror_that_was_dropped_comes_back(database: Database, embedded_store: GraphStore) -> None:
    fill(embedded_store)
    follow(database, embedded_store)
    with database.write() as connection:
        connection.execute(text("DELETE FROM mirrored_revisions"))
        connection.execute(text("DELETE FROM mirrored_revision_labels"))
    assert follow(database, embedded_store).added == 6
    assert mirrored(database, embedded_store, label=LIVER) == revisions(embedded_store, label=LIVER)


def test_the_history_of_two_graphs_stays_apart(
    database: Database, embedded_store: GraphStore, empty_graph_folder: Path, tmp_path: Path
) -> None:
    import graphs

    save_ontology(embedded_store, small(), author="importer")
    with graphs.fresh(empty_graph_folder, tmp_path / "other") as other:
        save_ontology(other, load_shipped(), author="another")
        for store in (other, embedded_store, other):
            assert not follow(database, store).rebuilt
        assert mirrored(database, other) == revisions(other)
        assert mirrored(database, embedded_store) == revisions(embedded_store)
