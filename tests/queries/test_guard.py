"""Only reading Cypher passes, however it is spelled; names, strings and comments that look like clauses pass."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import QueryRefusedError
from queries.catalogue import catalogue
from queries.guard import read_only
from queries.tokens import LONGEST_QUERY, Kind, tokenize

READING = [
    "RETURN 1",
    "RETURN 1 ;",
    "match (n:Label) return n.name as name order by name desc skip 1 limit $limit",
    "MATCH (n:Label)/**/WHERE n.name STARTS WITH 'CREATE' OR n.name ENDS WITH \"DELETE\" RETURN n.name // SET n.x = 1",
    "MATCH (n) WHERE n.`set` = 1 RETURN n.create AS `delete`, n.load, {merge: 1, detach: 2} AS m",
    "MATCH (n:Set)-[:Remove]->(m:Drop) RETURN count(*) AS n",
    "/* LOAD CSV FROM 'x' AS row */ RETURN 'LOAD CSV FROM \"x\" AS row RETURN row' AS text",
    "CALL db.labels() YIELD label RETURN label ORDER BY label",
    "CALL db.relationshipTypes",
    "CALL DB.PropertyKeys() YIELD propertyKey AS key RETURN key ORDER BY key",
    "MATCH (n:X) CALL (n) { MATCH (n)-->(m) RETURN m.b AS b UNION ALL RETURN 1 AS b } RETURN b ORDER BY b",
    "CALL { MATCH (n:X) RETURN n.a AS a } RETURN a",
    "CALL () { RETURN 1 AS a } RETURN a",
    "MATCH (n) WHERE EXISTS { (n)-->(:Y) } AND NOT EXISTS { MATCH (n)-->(m) WHERE m.x IN [1, 2] } RETURN n.a",
    "MATCH (n) RETURN COUNT { (n)-->() } AS c, COLLECT { MATCH (n)-->(m) RETURN m.b } AS d",
    "MATCH (n) WHERE COUNT { p = (n)-->() WHERE length(p) = 1 } > 2 RETURN n.a",
    "RETURN 1 AS a UNION RETURN 2 AS a UNION DISTINCT RETURN 3 AS a",
    "MATCH p = shortestPath((a:X)-[:IS_A|PART_OF*0..4]->(b:Y)) RETURN [n IN nodes(p) | n.name] AS chain, length(p)",
    "RETURN CASE WHEN 1 = 1 THEN (2) ELSE -3 END AS x, CASE $a WHEN 1 THEN 2 END AS y",
    "MATCH (n:X) RETURN n {.a, .*, b: 1} AS m",
    "WITH * MATCH (n) RETURN *",
    "UNWIND $rows AS row RETURN row.x, $`a b`, $1",
    "MATCH ((a)-->(b)){1,3} RETURN a.x",
    "RETURN [1, 2, 3][0..2], [x IN range(1, 10) WHERE x > 3 | x * 2], reduce(s = 0, x IN [1] | s + x), [1][-1]",
    "MATCH (a:A&!B|%)-[r:R|S {x: 1}]->(b) WHERE r.x IS NOT NULL RETURN a.b XOR true",
    "RETURN duration.between(date('2020-01-01'), date()) AS d, point.distance($a, $b) AS p",
    "RETURN all(x IN [1] WHERE x > 0) AND any(x IN [1] WHERE (x) > 0) AND none(x IN [] WHERE x)",
    "MATCH (a)<-[:R]-(b), (c)--(d) WHERE a.x <> b.x AND a.x<-1 OR NOT (a)-->(b) RETURN a.x",
    "RETURN .5, 1e3, 0x1F, 0o17, 1.5E-3, 7 % 2 ^ 2",
    "RETURN 'é ü 中 ＣＲＥＡＴＥ' AS text, n.`größe` AS size",
    "OPTIONAL MATCH (n) WHERE n:X AND n.b CONTAINS ('y') RETURN n.a =~ '\\\\d+'",
    "MATCH (n) WITH n ORDER BY n.a LIMIT 3 RETURN n.a AS a LIMIT 5",
    "RETURN '\\u00e9\\ud83d\\ude00' AS text",
]

WRITING = [
    "CREATE (n)",
    "cReAtE (n)",
    "MATCH (n) SET n.a = 1",
    "MATCH (n) SET n += $map",
    "MATCH (n) REMOVE n.a",
    "MATCH (n) DELETE n",
    "MATCH (n) DETACH DELETE n",
    "MATCH (n) NODETACH DELETE n",
    "MERGE (n:X) ON CREATE SET n.x = 1 RETURN n",
    "MATCH (n)/**/set/**/n.a=1",
    "MATCH (n)\tSET\nn.a = 1",
    "MATCH (n) // comment\nSET n.a = 1",
    "MATCH (n) // comment\rSET n.a = 1",
    "MATCH (n)\u00a0SET\u2003n.a = 1",
    "MATCH (n) RETURN n\u2028SET n.a = 1",
    "RETURN 'a' SET",
    "RETURN 'it''s' CREATE (n)",
    "RETURN 'a\\\\' CREATE (n) //'",
    'RETURN "a\\\\" CREATE (n) //"',
    "RETURN `a``b` CREATE (n)",
    "RETURN 1CREATE (n)",
    "RETURN [1]CREATE (n)",
    "RETURN $a CREATE (n)",
    "RETURN $`a`CREATE (n)",
    "WITH 1 AS x FOREACH (i IN [1] | CREATE (n))",
    "INSERT (n:X)",
    "MATCH (n) CALL (n) { SET n.a = 1 } RETURN 1",
    "CALL { CREATE (n) RETURN n.a AS a } RETURN a",
    "CALL { MATCH (n) DELETE n } IN TRANSACTIONS OF 10 ROWS",
    "MATCH (n) RETURN EXISTS { CREATE (m) }",
    "MATCH (n) RETURN count{CREATE (m)}",
    "MATCH (n) RETURN COLLECT { MERGE (m) RETURN m.x }",
    "RETURN 1 AS a UNION CREATE (n) RETURN 1 AS a",
    "RETURN 1 AS a UNION ALL MERGE (n) RETURN 1 AS a",
    "DROP INDEX x",
    "CREATE INDEX x FOR (n:X) ON (n.a)",
    "CREATE USER eve SET PASSWORD 'x'",
    "ALTER USER eve SET STATUS ACTIVE",
    "GRANT ROLE admin TO eve",
    "DENY READ {*} ON GRAPH * TO eve",
    "REVOKE ROLE admin FROM eve",
    "RENAME USER a TO b",
    "MATCH (n) RETURN n INSERT (m)",
    "RETURN {a: 1, b: 2} CREATE (n)",
]

REACHING = [
    "LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row",
    "load csv WITH HEADERS FROM 'http://localhost/' AS row RETURN row",
    "LOAD/**/CSV FROM 'x' AS row RETURN row",
    "LOAD\u2003CSV FROM 'x' AS row RETURN row",
    "MATCH (n) LOAD CSV FROM n.url AS row RETURN row",
    "CALL { LOAD CSV FROM 'x' AS r RETURN r } RETURN r",
    "RETURN 1 AS r UNION LOAD CSV FROM 'x' AS r RETURN r",
    "CALL apoc.load.json('http://localhost') YIELD value RETURN value",
    "CALL `apoc`.`load`.`json`('x') YIELD value RETURN value",
    "CALL apoc . load . json('x')",
    "CALL apoc/**/.load/**/.json('x')",
    "RETURN apoc.load.json('x')",
    "RETURN `apoc`.`load`.json('x')",
    "RETURN `apoc.load.json`('x')",
    "RETURN apoc.cypher.runFirstColumnSingle('CREATE (n)', {})",
    "CALL do.when(true, 'CREATE (n)', '')",
    "CALL dbms.listConfig()",
    "CALL db.createLabel('x')",
    "CALL db.index.fulltext.queryNodes('a', 'b')",
    "CALL db.migrateLegacyTemporals()",
    "CALL merge.node(['Z'], {a: 1}, {}, {})",
    "CALL refactor.mergeNodes([])",
    "CALL algo.pagerank()",
    "CALL db.labels() YIELD label CALL dbms.procedures() YIELD name RETURN name",
    "RETURN file()",
    "RETURN linenumber()",
    "RETURN util.sleep(100000)",
    "RETURN eval('1+1')",
    "RETURN n.foo(1)",
    "RETURN $x.foo(1)",
    "RETURN (1).foo(1)",
    "RETURN 'a'.foo(1)",
    "RETURN [1][0].foo(1)",
    "USE other RETURN 1",
    "CALL { USE other RETURN 1 AS a } RETURN a",
    "SHOW INDEXES",
    "SHOW USERS YIELD user RETURN user",
    "TERMINATE TRANSACTIONS 'x'",
    "START DATABASE x",
    "STOP DATABASE x",
    "EXPLAIN RETURN 1",
    "PROFILE MATCH (n) RETURN n",
    "CYPHER 25 RETURN 1",
    "CYPHER runtime=slotted RETURN 1",
    "USING PERIODIC COMMIT LOAD CSV FROM 'x' AS r RETURN r",
    "MATCH (n:X) USING INDEX n:X(a) RETURN n.a",
]

OTHER_LANGUAGES = [
    "SELECT * FROM Lesion",
    "g.V().drop()",
    "{ lesion { id } }",
    "BACKUP DATABASE",
    "IMPORT DATABASE file:///tmp/x",
    ":use system",
    "BEGIN",
    "FINISH",
    "LET x = 1 RETURN x",
    "FILTER true RETURN 1",
    "MATCH (n) FILTER n.a RETURN n.a",
    "RETURN 1 AS a NEXT RETURN 2",
    "WHEN true THEN RETURN 1",
]

SPELLINGS = [
    "\\u0043REATE (n)",
    "MATCH (n) \\u0053ET n.a = 1",
    "MATCH (n) SE\\u0054 n.a = 1",
    "MATCH (n) \\uuu0053ET n.a = 1",
    "MATCH (n) WHERE n.a = 1 \\u000aSET n.a = 1",
    "RETURN '\\u0027 CREATE (n) //'",
    'RETURN "\\u0022 CREATE (n) //"',
    "RETURN '\\u005c' CREATE (n) //'",
    "RETURN '\\\\u0027 CREATE (n) //'",
    "RETURN n.`\\u0060 CREATE (n) //`",
    "RETURN 1 /* \\u002a/ CREATE (n) /* */",
    "RETURN 1 // \\u000a CREATE (n)",
    "RETURN '\\U00000027' AS x",
    "RETURN '\\d' AS x",
    "\uff23\uff32\uff25\uff21\uff34\uff25 (n)",
    "MATCH (n) \uff33ET n.a = 1",
    "MATCH (n) \u017fET n.a = 1",
    "MATCH (n) SE\u200bT n.a = 1",
    "MATCH (n) \u0405ET n.a = 1",
    "\ufeffMATCH (n) RETURN n.a",
    "RETURN \u2018a\u2019",
    "MATCH (a)\u2014(b) RETURN a.x",
    "RETURN '\ud800' AS x",
    "RETURN '\0' AS x",
]

MALFORMED = [
    "",
    "   // only a comment",
    ";",
    "RETURN 1; RETURN 2",
    "RETURN 1;;",
    "RETURN 1; CREATE (n)",
    "RETURN 'open",
    'RETURN "open',
    "RETURN `open",
    "RETURN ``",
    "RETURN 1 /* open",
    "RETURN (1",
    "RETURN 1)",
    "RETURN [1)",
    "RETURN 1 UNION",
    "RETURN $ x",
    "RETURN $(x)",
    "RETURN 1 2",
    "RETURN 1 'x'",
    "RETURN a b",
    "RETURN (MATCH (m) RETURN m)",
    "RETURN [MATCH (m) RETURN m]",
    "RETURN x AND MATCH (n)",
    "CALL",
    "CALL x y",
    "RETURN 1 #",
    "RETURN 1 ? 2",
]


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
