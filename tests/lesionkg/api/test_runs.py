"""Runs that were trained elsewhere: registered, sent file by file, published as if they lay beside the graph."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from api_server import Api
from pyarrow import parquet

from kg.connect import open_store
from kg.errors import ConflictError, InputError
from kg.store import GraphStore
from learn.registered_runs import FILES, RegisteredRuns, tensors_of
from learn.run import Run
from lesionkg.publishing import publish_run

EDGES = ("CORRELATES_WITH", "PREDICTED", "SCORED", "SIMILAR_TO")


def body_of(run: Path) -> dict[str, Any]:
    """What registers a run."""
    return {"config": json.loads((run / "config.json").read_text()), "weights": [t.as_dict() for t in tensors_of(run)]}


def kept_in(api: Api) -> list[str]:
    """Names of everything that is stored of registered runs."""
    return sorted(path.name for path in (api.place.settings.home / "runs-registered").rglob("*"))


def in_graph(store: GraphStore, model: str) -> list[Any]:
    """All that a graph holds of a model."""
    node = store.read("MATCH (m:Model {id: $id}) RETURN properties(m) AS p ORDER BY m.id", {"id": model})
    edges = [
        store.read(
            f"MATCH (a)-[r:{kind} {{model: $id}}]->(b) RETURN a.id AS a, b.id AS b, properties(r) AS p ORDER BY a, b",
            {"id": model},
        )
        for kind in EDGES
    ]
    return [node, *edges]


def test_a_run_arrives_file_by_file_and_is_published_as_beside_the_graph(api: Api, tmp_path: Path) -> None:
    body, run_id = body_of(api.run), api.run.name
    first = api.curator.post("/api/runs", json=body)
    assert (first.status_code, first.json()["missing"], first.json()["published"]) == (201, list(FILES), False)
    assert api.curator.post("/api/runs", json=body).status_code == 200
    assert api.curator.post(f"/api/runs/{run_id}/publish").status_code == 409
    for name in FILES:
        sent = [api.curator.put(f"/api/runs/{run_id}/files/{name}", content=(api.run / name).read_bytes())] * 2
        assert [answer.status_code for answer in sent] == [204, 204]
    found = api.reader.get(f"/api/runs/{run_id}").json()
    assert (found["missing"], found["registered"], found["behind"]) == ([], True, False)
    assert found["metrics"] == json.loads((api.run / "metrics.json").read_text())
    assert found["config"] == body["config"]
    assert found["weights"] == body["weights"]
    assert "weights.safetensors" not in kept_in(api)
    done = api.curator.post(f"/api/runs/{run_id}/publish").json()
    tested = parquet.read_table(api.run / "predictions.parquet")["split"].to_pylist().count("test")
    assert (done["changed"], done["lesions"]) == (True, tested)

    local = tmp_path / "graph"
    with open_store(local) as store:
        _same_graph(store)
        publish_run(store, None, Run.read(api.run))
        assert in_graph(store, run_id) == in_graph(api.store, run_id)
    assert api.curator.post(f"/api/runs/{run_id}/publish").json()["changed"] is False
    assert [(one["id"], one["published"]) for one in api.reader.get("/api/runs").json()] == [(run_id, True)]


def _same_graph(store: GraphStore) -> None:
    from api_server import LESIONS
    from small_release import first_lesions

    from ingest.load import load_deeplesion
    from kg.graph_ontology import save_ontology
    from kg.shipped import load_shipped

    save_ontology(store, load_shipped())
    load_deeplesion(store, first_lesions(LESIONS))


def test_another_run_under_the_same_id_is_a_conflict(api: Api) -> None:
    body = body_of(api.run)
    api.curator.post("/api/runs", json=body)
    other = {**body, "config": {**body["config"], "created": "2026-01-01T00:00:00Z"}}
    answer = api.curator.post("/api/runs", json=other)
    assert (answer.status_code, answer.json()["error"]) == (409, "ConflictError")
    unknown = {**body, "config": {**body["config"], "cohort": "none-0123456789"}}
    assert api.curator.post("/api/runs", json=unknown).status_code == 422


def test_an_upload_that_breaks_off_leaves_nothing(api: Api) -> None:
    api.curator.post("/api/runs", json=body_of(api.run))
    before = kept_in(api)
    host, port = api.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(
            f"PUT /api/runs/{api.run.name}/files/predictions.parquet HTTP/1.1\r\nHost: {host}:{port}\r\n"
            f"Authorization: {api.curator.headers['Authorization']}\r\nContent-Length: 1000000\r\n\r\n".encode()
            + bytes(1000)
        )
    # A whole request afterwards: the server has seen the end of the other one by then, or is still reading it.
    wrong = api.curator.put(f"/api/runs/{api.run.name}/files/predictions.parquet", content=b"something else")
    assert (wrong.status_code, wrong.json()["error"]) == (422, "InputError")
    assert [name for name in kept_in(api) if not name.startswith(".")] == [n for n in before if not n.startswith(".")]


def test_what_is_larger_than_the_server_takes_is_refused(api: Api) -> None:
    api.curator.post("/api/runs", json=body_of(api.run))
    most = api.place.settings.upload_bytes
    path = f"/api/runs/{api.run.name}/files/predictions.parquet"
    told = api.curator.put(path, content=bytes(most + 1))
    assert told.status_code == 413
    streamed = api.curator.put(path, content=(bytes(1 << 16) for _ in range(most // (1 << 16) + 1)))
    assert (streamed.status_code, set(streamed.json())) == (413, {"error", "message"})


@pytest.fixture
def shelf(api: Api, tmp_path: Path) -> tuple[RegisteredRuns, Path]:
    """A folder of registered runs, and a run to be changed."""
    return RegisteredRuns(tmp_path / "registered"), Path(shutil.copytree(api.run, tmp_path / api.run.name))


def sent(runs: RegisteredRuns, run: Path) -> None:
    """Register a run and send all of it."""
    body = body_of(run)
    runs.register(body["config"], tensors_of(run))
    for name in FILES:
        with runs.arriving(run.name, name) as stream:
            stream.write((run / name).read_bytes())


def test_files_that_do_not_belong_together_are_refused_when_the_last_arrives(
    shelf: tuple[RegisteredRuns, Path],
) -> None:
    runs, run = shelf
    config = json.loads((run / "config.json").read_text())
    config["recipe"]["epochs"] += 1
    (run / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="id does not fit its configuration"):
        sent(runs, run)
    assert runs.find(run.name).missing == (FILES[-1],)
    with pytest.raises(ConflictError, match="did not arrive"):
        runs.read(run.name)


def test_a_registered_run_is_the_run_without_its_weights(shelf: tuple[RegisteredRuns, Path]) -> None:
    runs, run = shelf
    sent(runs, run)
    whole, found = Run.read(run), runs.read(run.name)
    assert (found.spl_weight == whole.spl_weight).all()
    assert (found.spl_bias == whole.spl_bias).all()
    assert (found.score == whole.score).all()
    assert found.lesions == whole.lesions
    assert set(found.weights) == {f"{seed}.propagation.{part}" for seed in (0, 1) for part in ("weight", "bias")}


@pytest.mark.parametrize("run_id", ["../x", "metadata-0123456789/..", "metadata-ABC", ""])
def test_ids_lead_nowhere_outside_the_folder(shelf: tuple[RegisteredRuns, Path], run_id: str) -> None:
    runs, run = shelf
    with pytest.raises(InputError):
        runs.register({**body_of(run)["config"], "run_id": run_id}, ())
