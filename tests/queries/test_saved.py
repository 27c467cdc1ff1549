"""Saved queries as files, and the history of each user."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg.curation.proposal_tables import open_curation
from kg.errors import ConflictError, LesionKGError, QueryRefusedError, UsageError
from queries.free import parameters_of, place_of
from queries.guard import read_only
from queries.history import MOST, QueryHistory
from queries.saved import SavedQueries

TEXT = """// param least: number = 50 -- smallest long diameter in mm
// only large ones
MATCH (l:Lesion) WHERE l.long_mm >= $least RETURN l.id AS lesion ORDER BY lesion
"""


@pytest.fixture
def saved(tmp_path: Path) -> SavedQueries:
    return SavedQueries(tmp_path / "queries")


def test_a_saved_query_is_a_file_with_a_header_that_reads_back(saved: SavedQueries) -> None:
    made = saved.save("large-ones", "Large lesions", TEXT, "anna", "Which are large?")
    text = (saved.folder / "large-ones.cypher").read_text(encoding="utf-8")
    assert text == "// title: Large lesions\n// question: Which are large?\n// author: anna\n" + TEXT
    assert saved.all() == [made] == [saved.read("large-ones")]
    assert (made.title, made.question, made.author, made.problem) == ("Large lesions", "Which are large?", "anna", "")
    assert [(p.name, p.default) for p in made.parameters] == [("least", 50.0)]
    assert [path.name for path in saved.folder.iterdir()] == ["large-ones.cypher"], "nothing half-written stays"
    again = saved.save("large-ones", "Larger", made.text, "ben", over=True)
    assert (again.title, again.question, again.author) == ("Larger", "", "ben")
    assert again.text.count("// title:") == again.text.count("// author:") == 1
    saved.remove("large-ones")
    assert saved.all() == []


def test_a_name_is_taken_once_unless_it_is_to_be_replaced(saved: SavedQueries) -> None:
    saved.save("mine", "Mine", "RETURN 1 AS one", "anna")
    with pytest.raises(ConflictError, match="there is one already"):
        saved.save("mine", "Yours", "RETURN 2 AS two", "ben")
    assert saved.read("mine").author == "anna"


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "A", "a b", "-a", "a-", ".a", "a.cypher", "a" * 65, "a\n", "é", "a\0"]
)
def test_a_name_never_leaves_the_folder(saved: SavedQueries, name: str) -> None:
    for act in (
        lambda: saved.save(name, "T", "RETURN 1 AS one", "anna"),
        lambda: saved.read(name),
        lambda: saved.remove(name),
    ):
        with pytest.raises(UsageError, match="no name for a file"):
            act()
    assert not saved.folder.exists()


def test_what_does_not_only_read_is_not_saved(saved: SavedQueries) -> None:
    with pytest.raises(QueryRefusedError, match="line 3, column 1: CREATE"):
        saved.save("bad", "Bad", "CREATE (l:Lesion)", "anna")
    with pytest.raises(UsageError, match="a named query has this name"):
        saved.save("co-occurrence", "Taken", "RETURN 1 AS one", "anna")
    with pytest.raises(UsageError, match="its title is no line"):
        saved.save("two-lines", "a\n// param x: text", "RETURN 1 AS one", "anna")
    assert saved.all() == []


def test_a_damaged_file_is_told_and_harms_no_other(saved: SavedQueries) -> None:
    saved.save("good", "Good", "RETURN 1 AS one", "anna")
    (saved.folder / "bytes.cypher").write_bytes(b"\xff\xfe")
    (saved.folder / "writes.cypher").write_text("// author: mallory\nMATCH (n:Label) DELETE n\n")
    (saved.folder / "note.txt").write_text("not a query")
    found = {query.name: query for query in saved.all()}
    assert set(found) == {"good", "bytes", "writes"}
    assert "cannot be read" in found["bytes"].problem and "DELETE" in found["writes"].problem
    assert not found["good"].problem


def test_parameters_of_free_cypher_come_from_its_comments_and_its_text() -> None:
    found = parameters_of(
        "// param a: label = liver -- a label\nMATCH (k:Label {name: $a}) WHERE k.id <> $b RETURN k.id AS id"
    )
    assert [(p.name, p.kind.value, p.default) for p in found] == [("a", "label", "liver"), ("b", "text", None)]
    with pytest.raises(UsageError, match="correct its comment lines"):
        parameters_of("// param a: liver\nRETURN $a AS a")


def test_the_place_of_an_error_is_where_the_text_says() -> None:
    with pytest.raises(LesionKGError) as caught:
        read_only("MATCH (n:Label)\n  DELETE n")
    assert place_of(caught.value) == (2, 3)
    assert place_of(LesionKGError("query: out of memory")) is None


def test_each_user_has_a_history_of_the_last_hundred(tmp_path: Path) -> None:
    with open_curation(tmp_path) as database:
        history = QueryHistory(database)
        history.add("ben", "co-occurrence", "", {"label": "liver"}, "3 rows")
        for number in range(MOST + 5):
            history.add("anna", "", f"RETURN {number} AS n", {}, "1 rows")
        mine = QueryHistory(database).of("anna")
        assert [asked.cypher for asked in mine] == [f"RETURN {n} AS n" for n in range(MOST + 4, 4, -1)]
        (other,) = history.of("ben")
        assert (other.name, other.given, other.outcome) == ("co-occurrence", {"label": "liver"}, "3 rows")
