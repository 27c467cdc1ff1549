"""Which statements count as reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import QueryRefusedError
from kg.statements import OPENING_WORDS, READING_PROCEDURES, WRITING_WORDS, require_reading, tokens


@pytest.mark.parametrize(
    "statement",
    [
        "MATCH (n) RETURN n.id AS id ORDER BY id",
        "MATCH (n) RETURN n.id AS id ORDER BY id;",
        "MATCH (n:`Odd Name`)-[:`SET`]->(m) RETURN m.`drop` AS x ORDER BY x",
        "MATCH (n) WHERE n.set = 1 AND n.name = 'CREATE (x)' RETURN {delete: n.remove, use: $load} AS m ORDER BY m",
        'RETURN "it\'s; MERGE" AS x // CREATE\n',
        "/* DROP\n everything */ RETURN 1 AS x",
        "MATCH (a:Set)-[:Create]->(b) RETURN count(*) AS n",
        "CALL db.labels() YIELD label RETURN label ORDER BY label",
        "CALL `db`.labels() YIELD label RETURN label ORDER BY label",
        "MATCH (a) CALL (a) { MATCH (a)--(b) RETURN count(b) AS n } RETURN n ORDER BY n",
        "MATCH (a) CALL { MATCH (b) RETURN count(b) AS n } RETURN n ORDER BY n",
        "MATCH (a) RETURN a.start AS start, a.stop AS stop ORDER BY start",
        "UNWIND [1, 2] AS offset RETURN offset AS created, 'C:\\\\' AS path ORDER BY created",
    ],
)
def test_reading_passes(statement: str) -> None:
    require_reading(statement)


@pytest.mark.parametrize("word", sorted(WRITING_WORDS | OPENING_WORDS))
@pytest.mark.parametrize("spell", [str.upper, str.lower, str.title])
def test_no_clause_begins_with_a_writing_word(word: str, spell: object) -> None:
    assert callable(spell)
    with pytest.raises(QueryRefusedError, match=word):
        require_reading(f"{spell(word)} (n)")


@pytest.mark.parametrize(
    "statement",
    [
        "MATCH (n) RETURN 1. SET",  # a number's dot makes no property
        "MATCH (n) RETURN [1][0] AS x SET n.y = 1",
        "MATCH (n) /* */SET/**/ n.x = 1",
        "MATCH (n)\n\tset\n n.x = 1",
        "MATCH (n)//\rSET n.x = 1",
        "RETURN 'a\\'' AS x CREATE (n)",
        "RETURN 'open",
        "RETURN `open",
        "RETURN 1 AS x /* open",
        "RETURN '\\u0027' AS x",
        "RETURN 1 AS x; RETURN 2 AS y",
        "CALL apoc.create.node(['X'], {})",
        "CALL db.createLabel('X')",
        "CALL `apoc.load.json`('http://x')",
        "CALL",
    ],
)
def test_what_might_not_be_reading_is_refused(statement: str) -> None:
    with pytest.raises(QueryRefusedError) as caught:
        require_reading(statement)
    assert "\n" not in str(caught.value)


def test_procedures_are_compared_without_case() -> None:
    assert all(name == name.lower() for name in READING_PROCEDURES)
    require_reading("CALL DB.Labels() YIELD label RETURN label ORDER BY label")


@given(st.text(alphabet="ab 'SET\"`/*\\\n;.:{}()$1"))
def test_tokens_lose_nothing_but_white_space_and_comments(text: str) -> None:
    kept = "".join(token for _, token in tokens(text))
    remaining = iter(text)
    assert all(character in remaining for character in kept)


@given(st.text(max_size=30))
def test_a_value_in_a_string_never_matters(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    if "\\u" in escaped.lower():
        return
    require_reading(f"MATCH (n) WHERE n.name = '{escaped}' RETURN n.id AS id ORDER BY id")
