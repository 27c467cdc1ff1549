"""Shared exports hide what is about fewer patients than the policy says, counted anew from the real lesions."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from real_graph import World

from kg.errors import UsageError
from kg.store import GraphStore
from queries.catalogue import catalogue
from queries.disclosure import disclosable
from queries.request import Request, answer
from queries.results import Result

CHAIN = "MATCH (p:Patient)-[:HAS_STUDY]->(:Study)-[:HAS_SERIES]->(:Series)-[:HAS_LESION]->(l:Lesion)"
LABELLED = f"{CHAIN}-[:HAS_LABEL]->(c:Label) "


@pytest.fixture(scope="module")
def graph(world: World) -> GraphStore:
    found: GraphStore = world.embedded
    return found


@pytest.fixture(scope="module")
def patients(graph: GraphStore) -> dict[str, set[str]]:
    """The patients of each label, told apart by what their ids begin with."""
    found: dict[str, set[str]] = defaultdict(set)
    rows = graph.read(LABELLED + "RETURN DISTINCT c.name AS label, p.id AS patient ORDER BY label, patient")
    for row in rows:
        found[row["label"]].add(row["patient"])
    return found


def asked(cypher: str, graph: GraphStore, smallest: int = 5) -> tuple[Result, Result]:
    request = Request(cypher=cypher, rows=1_000_000)
    whole = answer(graph, request)
    return whole, disclosable(whole, request, smallest, graph)


def test_rows_that_count_their_patients_are_shown_from_the_smallest_group_on(
    graph: GraphStore, patients: dict[str, set[str]]
) -> None:
    query = LABELLED + "RETURN c.name AS label, count(DISTINCT p.id) AS patients ORDER BY label"
    whole, shared = asked(query, graph)
    large = {label: len(of) for label, of in patients.items() if len(of) >= 5}
    assert 0 < len(large) < len(patients)
    assert dict(shared.rows) == large
    assert shared.notes == (f"{len(patients) - len(large)} rows about fewer than 5 patients hidden.",)
    assert len(whole.rows) == len(patients)


def test_rows_with_ids_are_grouped_by_the_rest_and_lose_the_ids(
    graph: GraphStore, patients: dict[str, set[str]]
) -> None:
    whole, shared = asked(LABELLED + "RETURN c.name AS label, l.id AS lesion, p.id AS p ORDER BY label, lesion", graph)
    large = {label for label, of in patients.items() if len(of) >= 5}
    assert shared.columns == ("label",)
    assert Counter(row[0] for row in shared.rows) == Counter(row[0] for row in whole.rows if row[0] in large)
    hidden = sum(row[0] not in large for row in whole.rows)
    assert shared.notes == (
        f"{hidden} rows about fewer than 5 patients hidden.",
        "Columns with ids left out: lesion, p.",
    )


def test_ids_count_inside_of_lists_and_maps_and_numbers_group_too(
    graph: GraphStore, patients: dict[str, set[str]]
) -> None:
    _, listed = asked(LABELLED + "RETURN c.name AS label, collect({of: [l.id]}) AS lesions ORDER BY label", graph)
    assert [row[0] for row in listed.rows] == sorted(label for label, of in patients.items() if len(of) >= 5)
    _, numbered = asked(f"{CHAIN} RETURN l.index AS row, l.id AS lesion ORDER BY row", graph)
    assert numbered.rows == ()


def test_a_row_of_two_lesions_needs_enough_patients_on_both_sides(graph: GraphStore) -> None:
    one = graph.read("MATCH (l:Lesion) RETURN l.id AS id ORDER BY id LIMIT 1")[0]["id"]
    others = graph.read(f"{CHAIN} RETURN min(l.id) AS id, p.id AS patient ORDER BY patient LIMIT 9")
    result = Result(("first", "second", "kind"), tuple((one, row["id"], "same") for row in others))
    assert disclosable(result, Request(cypher="RETURN 1"), 5, graph).rows == ()
    turned = replace(result, columns=("first", "kind"), rows=tuple((row["id"], "same") for row in others))
    assert len(disclosable(turned, Request(cypher="RETURN 1"), 5, graph).rows) == 9


@pytest.mark.parametrize(
    "query",
    [
        f"{CHAIN} RETURN l.age AS age, 100 AS patients ORDER BY age",
        f"{CHAIN} RETURN l.age AS age, count(DISTINCT l.id) AS patients ORDER BY age",
        f"{CHAIN} RETURN l.age AS age, count(p.id) AS patients ORDER BY age",
        f"{CHAIN} WITH l.age AS age, count(DISTINCT p.id) AS patients RETURN age, patients ORDER BY age",
        "MATCH (p:Lesion) RETURN p.age AS age, count(DISTINCT p.id) AS patients ORDER BY age",
        "MATCH (q:Lesion) WITH q.age AS age, q AS p RETURN age, count(DISTINCT p.id) AS patients ORDER BY age",
        "MATCH (p:Patient) RETURN p.sex AS sex, count(DISTINCT p.id) AS patients "
        "UNION MATCH (l:Lesion) RETURN l.sex AS sex, 100 AS patients",
        f"{CHAIN} RETURN l.long_mm AS mm ORDER BY mm",
        f"{CHAIN} RETURN 'x' + l.id AS hidden ORDER BY hidden",
        "MATCH (c:Label) RETURN c.name AS name ORDER BY name",
    ],
)
def test_what_nobody_can_count_is_refused_with_how_to_ask(query: str, graph: GraphStore) -> None:
    with pytest.raises(
        UsageError, match=r"^export: it cannot be told .* count\(DISTINCT p\.id\) AS patients"
    ) as refused:
        asked(query, graph)
    assert "\n" not in str(refused.value)
    whole, shared = asked(query, graph, smallest=0)
    assert shared is whole


def test_only_named_queries_about_labels_alone_leave_as_they_are(graph: GraphStore) -> None:
    rows = Result(("label", "together"), (("liver", 1),))
    free_to_go = set()
    for name in catalogue():
        try:
            free_to_go |= {name} if disclosable(rows, Request(name), 5, graph) is rows else set()
        except UsageError:
            continue
    assert free_to_go == {"label-relations"}


def test_a_result_without_rows_tells_nothing(graph: GraphStore) -> None:
    assert disclosable(Result(("a",), ()), Request(cypher="RETURN 1"), 5, graph) == Result(("a",), ())
