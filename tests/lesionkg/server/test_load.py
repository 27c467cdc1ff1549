"""Many readers at once: no errors, and memory that does not grow without end."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from small_release import first_lesions

from ingest.load import load_deeplesion
from kg.connect import open_store
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    file = Path(__file__).parents[3] / "benchmarks" / "server.py"
    description = importlib.util.spec_from_file_location("server_benchmark", file)
    assert description is not None
    assert description.loader is not None
    found = importlib.util.module_from_spec(description)
    sys.modules[description.name] = found
    description.loader.exec_module(found)
    return found


@pytest.mark.slow
def test_readers_get_answers_and_memory_is_held(benchmark: ModuleType, tmp_path: Path) -> None:
    with open_store(tmp_path / "graph") as store:
        save_ontology(store, load_shipped(), author="importer")
        load_deeplesion(store, first_lesions(300))
    seen = benchmark.Seen()
    with benchmark.serving(tmp_path) as server:
        with httpx.Client(base_url=server.address, timeout=60) as client:
            queries = benchmark.named(client)
        assert len(queries) > 5
        memory = benchmark.together(server, seen, queries, readers=6, seconds=4, lesions=300)
    assert seen.errors == []
    assert {"page", "query", "matrices", "lesion"} <= set(seen.seconds)
    assert max(memory.values()) < 2500, memory
