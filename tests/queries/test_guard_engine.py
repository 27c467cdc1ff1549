"""What passes the guard is no write to the engine either, and Neo4j's own parser accepts every named query."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from guard_corpus import READING

from kg.embedded import open_folder
from kg.errors import QueryRefusedError
from kg.jvm import java_class
from queries.catalogue import catalogue
from queries.guard import read_only
from queries.parameters import Parameter

ATTACKS = [
    "SET n.a = 1",
    "CREATE (q)",
    "MERGE (q)",
    "DETACH DELETE n",
    "REMOVE n.a",
    "FOREACH (i IN [1] | CREATE (q))",
    "INSERT (q)",
    "CALL merge.node(['Z'], {}, {}, {})",
    "SE\\u0054 n.a = 1",
    "CALL { CREATE (q) }",
    "} SET n.a = 1 {",
    ") CREATE (q) (",
    "'\" SET n.a = 1",
    "/* */ SET n.a = 1 //",
    "| SET n.a = 1",
    ": SET n.a = 1",
    ". SET n.a = 1",
    "`SET` n.a = 1",
]


@pytest.fixture(scope="module")
def analyse(empty_graph_folder: Path, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """The embedded engine's own view of a statement: whether it only reads, or None when it cannot parse it."""
    import jpype

    folder = tmp_path_factory.mktemp("engine") / "graph"
    shutil.copytree(empty_graph_folder, folder)
    with open_folder(folder) as store:
        engine = store._database.get_java_database().getQueryEngine("opencypher")

        def reads(text: str) -> bool | None:
            try:
                found = engine.analyze(text)
            except jpype.JException:
                return None
            return bool(found.isIdempotent()) and not bool(found.isDDL())

        assert java_class("com.arcadedb.query.QueryEngine")
        yield reads


def test_the_engine_agrees_that_what_passes_only_reads(analyse) -> None:  # type: ignore[no-untyped-def]
    assert analyse("MATCH (n) SET n.a = 1") is False
    assert analyse("CALL merge.node(['Z'], {a: 1}, {}, {})") is False
    draw = random.Random(7)
    originals = [*READING, *(query.text for query in catalogue().values())]
    passed = []
    for _ in range(6000):
        query = draw.choice(originals)
        cut = draw.choice([i for i, c in enumerate(query) if c in " \n(){}[],|.:"] or [0])
        spliced = f"{query[:cut]} {draw.choice(ATTACKS)} {query[cut + draw.choice((0, 1)) :]}"
        try:
            passed.append(read_only(draw.choice((spliced, spliced.swapcase()))).text)
        except QueryRefusedError:
            continue
    verdicts = [analyse(text) for text in passed]
    assert verdicts.count(False) == 0, passed[verdicts.index(False)]
    assert verdicts.count(True) > 500  # the attack fell into a comment or a string


LINT = """
const { lintCypherQuery } = require('@neo4j-cypher/language-support');
for (const { name, text, parameters } of JSON.parse(require('fs').readFileSync(0, 'utf8')))
  for (const found of lintCypherQuery(text, { parameters }).diagnostics)
    console.log(name + ': ' + found.message);
"""


def example(parameter: Parameter) -> object:
    return ["x"] if parameter.default is None else parameter.default


def test_neo4js_own_parser_finds_nothing_in_any_named_query() -> None:
    packages = os.environ.get("LESIONKG_TEST_CYPHER_LINT")
    if not packages or shutil.which("node") is None:
        pytest.skip(
            "needs Node and, in the folder that LESIONKG_TEST_CYPHER_LINT names, "
            "`npm install @neo4j-cypher/language-support@2.0.0-next.38`"
        )
    named = [
        {"name": q.name, "text": q.text, "parameters": {p.name: example(p) for p in q.parameters}}
        for q in catalogue().values()
    ]
    broken = {"name": "broken", "text": "MATCH (n) RETURN m", "parameters": {}}
    done = subprocess.run(
        ["node", "-e", LINT],
        input=json.dumps([*named, broken]),
        capture_output=True,
        text=True,
        cwd=packages,
        timeout=120,
    )
    assert done.stdout.splitlines() == ["broken: Variable `m` not defined"], done.stdout + done.stderr
