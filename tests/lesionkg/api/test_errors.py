"""Refusals: the right status, one line in one form, the notice on all of them, and roles."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_server import Api

QUERY: dict[str, Any] = {"cypher": "MATCH (c:Label) RETURN c.name AS name ORDER BY name"}
LINES = {"lines": ["create exact synonym 'nodule of a lung' for 'lung nodule'"], "reason": "a test"}

CASES = [
    pytest.param("GET", "/api/nothing", None, 404, id="no such address"),
    pytest.param("DELETE", "/api/lesions/1", None, 405, id="no such method"),
    pytest.param("GET", "/api/matrices/99", None, 404, id="no such revision"),
    pytest.param("GET", "/api/matrices/0", None, 422, id="no revision"),
    pytest.param("GET", "/api/matrices/latest?label_set=none", None, 404, id="no such label set"),
    pytest.param("GET", "/api/matrices/latest?format=pickle", None, 422, id="no such form"),
    pytest.param("GET", "/api/laterality/77", None, 404, id="no such revision of sides"),
    pytest.param("GET", "/api/labelsets/none", None, 404, id="label set"),
    pytest.param("GET", "/api/labels/none", None, 404, id="label"),
    pytest.param("GET", "/api/cohorts/none", None, 404, id="cohort"),
    pytest.param("GET", "/api/lesions/none", None, 404, id="lesion"),
    pytest.param("GET", "/api/runs/metadata-0123456789", None, 404, id="run"),
    pytest.param("GET", "/api/runs/..%2F..%2Fetc", None, 404, id="run outside its folder"),
    pytest.param("GET", "/api/changes/12345", None, 404, id="proposal"),
    pytest.param("GET", "/api/query/none", None, 404, id="named query"),
    pytest.param("GET", "/api/query/lesions-under-label?label=none", None, 404, id="label of a query"),
    pytest.param("GET", "/api/query/lesions-under-label?limit=x", None, 422, id="value of a query"),
    pytest.param("GET", "/api/query/lesions-under-label?more=1", None, 422, id="parameter of a query"),
    pytest.param("POST", "/api/query", {**QUERY, "rows": "5"}, 422, id="text for a number"),
    pytest.param("POST", "/api/query", {**QUERY, "name": "x"}, 422, id="two queries"),
    pytest.param("POST", "/api/query", {}, 422, id="no query"),
    pytest.param("POST", "/api/query", {"cypher": "MATCH (n) DETACH DELETE n"}, 422, id="writing"),
    pytest.param("POST", "/api/query", {"cypher": "MATCH (n RETURN n"}, 422, id="no Cypher"),
    pytest.param("POST", "/api/query", {"cypher": "RETURN no_such_variable AS a"}, 422, id="Cypher the graph refuses"),
    pytest.param("POST", "/api/changes", {"lines": ["nonsense"], "reason": "x"}, 422, id="no change"),
    pytest.param("POST", "/api/changes", {"lines": LINES["lines"]}, 422, id="no reason"),
    pytest.param("POST", "/api/changes", {"change_set": {"changes": 3}, "reason": "x"}, 422, id="no change set"),
    pytest.param("POST", "/api/changes/impact", {"lines": LINES["lines"], "cohort": "none"}, 422, id="impact on what"),
    pytest.param("POST", "/api/changes/9999/apply", None, 404, id="no proposal to apply"),
    pytest.param("POST", "/api/runs", {"config": {}, "weights": []}, 422, id="no run"),
    pytest.param("PUT", "/api/runs/metadata-0123456789/files/metrics.json", None, 404, id="file of no run"),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), CASES)
def test_what_cannot_be_answered_is_refused_in_one_line(
    api: Api, method: str, path: str, body: Any, status: int
) -> None:
    answer = api.curator.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    said = answer.json()
    assert set(said) == {"error", "message"}
    assert said["message"]
    assert "\n" not in said["message"]
    assert "Research use only" in answer.headers["X-Research-Use"]
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"cypher": "RETURN \'\\ud800\' AS a"}', b"[]", b"null"])
def test_what_is_no_json_of_ours_is_bad_input(api: Api, body: bytes) -> None:
    answer = api.curator.post("/api/query", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, set(answer.json())) == (422, {"error", "message"})


def test_half_a_surrogate_pair_in_a_parameter_is_bad_input(api: Api) -> None:
    body = json.dumps({"cypher": "RETURN $a AS a", "parameters": {"a": "\ud800"}}).encode()
    answer = api.curator.post("/api/query", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert "surrogate" in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/changes", LINES),
        ("POST", "/api/changes/1/review", {"accept": True}),
        ("POST", "/api/changes/1/apply", None),
        ("POST", "/api/runs/metadata-0123456789/publish", None),
        ("PUT", "/api/runs/metadata-0123456789/files/metrics.json", None),
    ],
)
def test_readers_change_nothing(api: Api, method: str, path: str, body: Any) -> None:
    assert api.reader.request(method, path, json=body).status_code == 403
    assert api.curator.get("/api/changes").json() == []


def test_every_route_tells_what_it_does_and_how_it_fails(api: Api) -> None:
    document = api.reader.get("/api/openapi.json").json()
    problem = {"$ref": "#/components/schemas/Problem"}
    routes = [(path, method, route) for path, methods in document["paths"].items() for method, route in methods.items()]
    assert len({route["operationId"] for _, _, route in routes}) == len(routes) > 20
    for path, method, route in routes:
        assert route["summary"], (path, method)
        assert route["description"], (path, method)
        assert route["security"] == [{"HTTPBearer": []}], (path, method)
        refusals = {status: answer for status, answer in route["responses"].items() if status >= "400"}
        assert {"401", "403", "422"} <= set(refusals), (path, method)
        for answer in refusals.values():
            assert answer["content"]["application/json"]["schema"] == problem, (path, method)
