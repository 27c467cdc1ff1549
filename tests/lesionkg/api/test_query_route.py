"""Queries over HTTP: the rows that the graph gives, in every form, and a row of the audit log for each."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from api_server import Api
from pyarrow import parquet

from lesionkg.server.audit import Action, Filter
from queries.catalogue import catalogue
from queries.request import Request, answer
from queries.results import NOTICE, Result

FREE = "MATCH (c:Label) WHERE c.name STARTS WITH $start RETURN c.name AS name, c.id AS id ORDER BY name"


def rows_of(result: Result) -> Result:
    """The result without what it took."""
    return replace(result, seconds=0, memory_mb=0)


def test_every_named_query_of_labels_gives_what_it_gives_beside_the_graph(api: Api) -> None:
    for name in ("lesions-under-label", "label-relations", "few-positives", "children-together"):
        assert rows_of(api.client.query(name)) == rows_of(answer(api.store, Request(name))), name
    given = {"label": "lung", "limit": 7}
    local = answer(api.store, Request("lesions-under-label", parameters=given))
    assert rows_of(api.client.query("lesions-under-label", **given)) == rows_of(local)
    by_address = api.reader.get("/api/query/lesions-under-label", params=given).json()
    assert by_address["rows"] == local.as_dicts()
    assert len(local.rows) == 7


def test_free_cypher_gives_what_it_gives_beside_the_graph(api: Api) -> None:
    local = answer(api.store, Request(cypher=FREE, parameters={"start": "lung"}, rows=3))
    found = api.client.query(cypher=FREE, rows=3, parameters={"start": "lung"})
    assert rows_of(found) == rows_of(local)
    assert (len(found.rows), found.truncated) == (3, True)


def test_results_leave_as_csv_and_parquet_with_the_notice(api: Api) -> None:
    local = answer(api.store, Request("lesions-under-label", parameters={"limit": 5}))
    path = "/api/query/lesions-under-label?limit=5"
    table = api.reader.get(f"{path}&format=csv")
    rows = list(csv.reader(io.StringIO(table.text)))
    assert rows[0][: len(local.columns)] == list(local.columns)
    assert [row[0] for row in rows[1:]] == [row[0] for row in local.rows]
    assert "attachment" in table.headers["Content-Disposition"]
    found = parquet.read_table(io.BytesIO(api.reader.get(f"{path}&format=parquet").content))
    assert found.column_names == list(local.columns)
    assert found.num_rows == len(local.rows)
    assert NOTICE.encode() in (found.schema.metadata or {}).values()


def test_who_asked_what_is_in_the_log(api: Api) -> None:
    api.reader.post("/api/query", json={"cypher": FREE, "parameters": {"start": "liver"}, "format": "csv"})
    api.reader.get("/api/lesions/12")
    export, query = api.place.audit.entries(Filter(subject="cypher", most=2))
    assert (export.action, query.action) == (Action.EXPORT, Action.QUERY)
    assert (query.person, query.details["cypher"], query.details["parameters"]) == ("reader", FREE, {"start": "liver"})
    assert api.place.audit.entries(Filter(action=Action.LESION, most=1))[0].subject == "12"


def test_the_catalogue_is_that_of_the_command_line(api: Api) -> None:
    assert api.reader.get("/api/query").json() == [query.as_dict() for query in catalogue().values()]


@pytest.mark.parametrize("key", ["DL:00012", "12"])
def test_a_lesion_goes_by_id_and_by_row(api: Api, key: str) -> None:
    found = api.client.lesion(key)
    assert (found["id"], found["index"]) == ("DL:00012", 12)
    stored = api.store.read(
        "MATCH (:Lesion {id: $id})-[:HAS_LABEL]->(c:Label) RETURN c.name AS name ORDER BY name", {"id": found["id"]}
    )
    assert sorted({said["label"]["name"] for said in found["asserted"]}) == [row["name"] for row in stored]
