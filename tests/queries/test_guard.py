"""Only reading Cypher passes, however it is spelled; names, strings and comments that look like clauses pass."""

from __future__ import annotations

import random
import re

import pytest
from guard_corpus import MALFORMED, OTHER_LANGUAGES, REACHING, READING, SPELLINGS, WRITING
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import QueryRefusedError
from queries.catalogue import catalogue
from queries.guard import read_only
from queries.tokens import LONGEST_QUERY, Kind, tokenize


@pytest.mark.parametrize("query", READING)
def test_a_reading_query_passes(query: str) -> None:
    assert read_only(query).text


@pytest.mark.parametrize("query", WRITING + REACHING + OTHER_LANGUAGES + SPELLINGS + MALFORMED)
def test_an_attack_is_refused_in_one_line_that_says_where(query: str) -> None:
    with pytest.raises(QueryRefusedError, match=r"^query refused at line \d+, column \d+: ") as refusal:
        read_only(query)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("query", "place", "said"),
    [
        ("MATCH (n)\n  SET n.a = 1", "line 2, column 3", "SET writes"),
        ("MATCH (n)\r\nDELETE n", "line 2, column 1", "DELETE writes"),
        ("RETURN apoc.load.json('x')", "line 1, column 8", "function apoc.load.json"),
        ("CALL dbms.listConfig()", "line 1, column 6", "procedure dbms.listConfig"),
        ("LOAD CSV FROM 'x' AS r RETURN r", "line 1, column 1", "LOAD CSV reads files"),
        ("RETURN 1; RETURN 2", "line 1, column 9", "one statement at a time"),
        ("EXPLAIN RETURN 1", "line 1, column 1", "EXPLAIN is not run here"),
    ],
)
def test_the_refusal_names_what_and_where(query: str, place: str, said: str) -> None:
    with pytest.raises(QueryRefusedError) as refusal:
        read_only(query)
    assert place in str(refusal.value) and said in str(refusal.value)


@pytest.mark.parametrize("name", catalogue())
def test_every_named_query_passes_and_ends_in_a_fixed_order(name: str) -> None:
    text = read_only(catalogue()[name].text).text
    tail = text[text.rindex("RETURN") :]
    assert re.search(r"\bORDER BY\b", tail)


def test_what_runs_has_no_comments_and_no_escapes_and_keeps_its_lines() -> None:
    checked = read_only("MATCH (n) // one\nWHERE n.a = \"it's\" /* two */ AND n.b = '\\u00e9\\n' RETURN n.`a b`, $x;")
    assert checked.text == "MATCH (n)\nWHERE n.a = 'it\\'s' AND n.b = 'é\\n' RETURN n.`a b`, $x"
    assert checked.parameters == {"x"}


def test_a_line_ends_where_any_engine_could_end_it() -> None:
    assert read_only("RETURN 1 // a\r AS b").text == "RETURN 1\nAS b"
    with pytest.raises(QueryRefusedError, match="SET writes"):
        read_only("RETURN 1 // a\r /* \n SET n.a = 1 // */\nSET n.a = 1")


@pytest.mark.parametrize(
    ("query", "limited"),
    [
        ("MATCH (n) RETURN n.a AS a", "MATCH (n) RETURN n.a AS a\nLIMIT 7"),
        ("MATCH (n) RETURN n.a AS a ORDER BY a SKIP 2", "MATCH (n) RETURN n.a AS a ORDER BY a SKIP 2\nLIMIT 7"),
        ("RETURN 1 AS a LIMIT 100000", "RETURN 1 AS a LIMIT 7"),
        ("RETURN 1 AS a LIMIT 5", "RETURN 1 AS a LIMIT 5"),
        ("RETURN 1 AS a LIMIT $n", "RETURN 1 AS a LIMIT $n"),
        ("RETURN 1 AS a LIMIT 3 UNION RETURN 2 AS a", "RETURN 1 AS a LIMIT 3 UNION RETURN 2 AS a\nLIMIT 7"),
        ("CALL { RETURN 1 AS a LIMIT 3 } RETURN a", "CALL { RETURN 1 AS a LIMIT 3 } RETURN a\nLIMIT 7"),
        ("CALL db.labels()", "CALL db.labels()"),
    ],
)
def test_rows_are_limited_only_where_the_query_does_not_limit_them_as_far(query: str, limited: str) -> None:
    assert read_only(query).at_most(7) == limited


def test_a_huge_query_is_refused_without_reading_it() -> None:
    with pytest.raises(QueryRefusedError, match="pass long lists as parameters"):
        read_only("RETURN " + "1," * LONGEST_QUERY + "1")


def _with_noise(words: str, noise: random.Random) -> str:
    """The same tokens in another spelling: random case, comments and white space between words."""
    gaps = (" ", "\n", "\t", "/* x */", " // y\n", "\u00a0", "\r\n")
    spelled = "".join(noise.choice((c.lower(), c.upper())) for c in words)
    return "".join(noise.choice(gaps) if c == " " else c for c in spelled)


@given(st.sampled_from([q for q in WRITING + REACHING if "'" not in q and "//" not in q]), st.randoms())
def test_an_attack_is_refused_in_any_case_and_spacing(query: str, noise: random.Random) -> None:
    with pytest.raises(QueryRefusedError):
        read_only(_with_noise(query, noise))


@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40),
    st.sampled_from(["CREATE (n)", "LOAD CSV FROM 'x' AS r", "' SET n.a = 1 //", '" DELETE n //', "*/ MERGE (n) /*"]),
)
def test_whatever_stands_in_a_string_is_one_string(around: str, attack: str) -> None:
    value = around + attack + around
    spelled = value.replace("\\", "\\\\").replace("'", "\\'")
    query = f"RETURN '{spelled}' AS text"
    if "\\\\u" in query or "\\\\U" in query:
        with pytest.raises(QueryRefusedError):
            read_only(query)
        return
    strings = [t.value for t in tokenize(read_only(query).text) if t.kind is Kind.STRING]
    assert strings == [value]


@given(st.text("CREATSLODMG (){}[]'\"`\\/*u0027.,:;$|=<>-1\n\r abc", max_size=60))
def test_a_query_that_passes_passes_again_as_it_was_spelled_anew(text: str) -> None:
    try:
        checked = read_only("RETURN 1 AS x, " + text)
    except QueryRefusedError:
        return
    again = read_only(checked.text)
    assert (again.text, again.parameters) == (checked.text, checked.parameters)
    words = {t.upper for t in tokenize(checked.text)}
    assert not words & {"CREATE", "SET", "LOAD", "MERGE"} or re.search(
        r"[.:]\s*(CREATE|SET|LOAD|MERGE)", checked.text, re.I
    )
