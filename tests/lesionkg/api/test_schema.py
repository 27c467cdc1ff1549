"""The OpenAPI document against the server: made-up requests, good and bad, and its own examples."""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from api_server import Api
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

ANY_COUNT = int(os.environ.get("LESIONKG_TEST_EXAMPLES", "3"))
"""Made-up requests for each route and each kind; more in the slow test."""


@pytest.fixture(autouse=True)
def no_limit_to_wrong_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every route is tried with a wrong token too, more often in a minute than a server lets an address do."""
    monkeypatch.setattr("lesionkg.server.attempts.FREE", 10_000)
    monkeypatch.setattr("lesionkg.server.security.DELAY_S", 0.0)


MEANING = ["2XX", "401", "403", "404", "409", "422"]
"""What a request that fits the schema may get: no schema says that Cypher only reads, or a change breaks no rule."""


@pytest.fixture(scope="module")
def document(api: Api) -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = api.reader.get("/api/openapi.json").json()
    return found


def ours(document: dict[str, Any]) -> Any:
    """The schema of the routes below /api that this file is about."""
    config = schemathesis.Config.from_dict({"checks": {"positive_data_acceptance": {"expected-statuses": MEANING}}})
    return schemathesis.openapi.from_dict(document, config=config)


def ask_made_up(document: dict[str, Any], api: Api, count: int) -> None:
    """Send made-up requests to every route and check every answer in every way."""
    headers = {"Authorization": api.curator.headers["Authorization"]}
    for found in ours(document).get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            strategy = operation.as_strategy(generation_mode=mode)

            @settings(
                max_examples=count,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.generate,),
            )
            @given(strategy)
            def check(case: Any) -> None:
                case.call_and_validate(base_url=api.address, headers=headers, timeout=60)

            check()


def test_every_answer_to_made_up_requests_is_as_documented(api: Api, document: dict[str, Any]) -> None:
    ask_made_up(document, api, ANY_COUNT)


@pytest.mark.slow
def test_many_answers_to_made_up_requests_are_as_documented(api: Api, document: dict[str, Any]) -> None:
    ask_made_up(document, api, 60)
