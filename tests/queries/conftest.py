"""The real graph, with two synthetic models, behind both adapters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from real_graph import World, real_world

from kg.store import GraphStore
from queries.request import Request, answer
from queries.results import Result


@pytest.fixture(scope="session", params=["part", pytest.param("whole", marks=pytest.mark.slow)])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The graph of real lesions and labels, a part of them by default; made once, not to be changed."""
    with real_world(tmp_path_factory.mktemp("world") / "graph", whole=request.param == "whole") as made:
        yield made


@pytest.fixture(params=["embedded", "bolt"])
def store(request: pytest.FixtureRequest, world: World) -> GraphStore:
    """The real graph through each adapter in turn."""
    found: GraphStore = getattr(world, request.param)
    return found


@pytest.fixture
def ask(store: GraphStore) -> Any:
    """Ask a named query of the real graph: ``ask(name, parameter=value)``."""

    def asked(name: str, **parameters: Any) -> Result:
        return answer(store, Request(name, parameters=parameters, rows=1_000_000))

    return asked
