"""The client against a real server: what it gives equals what is read beside the graph."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from api_server import Api

from kg.errors import NotFoundError, UsageError
from kg.graph_cohort import load_cohort
from kg.graph_matrices import matrices_from_graph
from queries.client import Client


def test_matrices_and_cohorts_equal_the_local_ones_and_are_sent_once(api: Api, tmp_path: Path) -> None:
    answers: list[int] = []
    http = httpx.Client(timeout=60, event_hooks={"response": [lambda answer: answers.append(answer.status_code)]})
    token = api.curator.headers["Authorization"].removeprefix("Bearer ")
    with Client(api.address, token, cache=tmp_path, http=http) as client:
        for _ in range(2):
            assert client.matrices().matrix_hash == matrices_from_graph(api.store, "lesanet-171").matrix_hash
            cohort = client.cohort("lesanet")
            assert cohort == load_cohort(api.store, cohort.id)
        assert answers == [200, 200, 304, 304]
        for path in tmp_path.iterdir():
            path.write_bytes(path.read_bytes()[:-1])
        assert client.matrices().names == matrices_from_graph(api.store, "lesanet-171").names
        assert answers[-1] == 200


def test_a_run_is_registered_and_published_once(api: Api) -> None:
    for _ in range(2):
        found = api.client.register_run(api.run)
        assert (found["id"], found["missing"]) == (api.run.name, [])
    changed = [api.client.publish(api.run.name)[0].changed for _ in range(2)]
    assert changed == [True, False]
    assert [run["published"] for run in api.client.runs()] == [True]


def test_errors_are_those_beside_the_graph(api: Api) -> None:
    with pytest.raises(NotFoundError, match="no-such"):
        api.client.cohort("no-such")
    with pytest.raises(NotFoundError, match="no/such"):
        api.client.lesion("no/such")
    with pytest.raises(UsageError, match="token"):
        Client(api.address).matrices()
