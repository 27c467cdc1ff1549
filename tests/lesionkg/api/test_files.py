"""Matrices and cohorts: the bytes that commands write, with ETags, parts, and past revisions."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from api_server import Api
from hypothesis import given
from hypothesis import strategies as st

from kg.graph_cohort import load_cohort
from kg.graph_matrices import matrices_from_graph
from kg.graph_ontology import load_ontology
from kg.matrices_npz import load_npz
from learn.image.contralateral import Laterality
from lesionkg.api.files import Conditions, File, Shelf, send

MATRICES = "/api/matrices/latest?label_set=lesanet-171"
FILE = File(bytes(range(256)), "x.bin", "application/x-test", "id")


def written(write: Callable[[Path], None], folder: Path) -> bytes:
    """What a function writes."""
    write(folder / "file")
    return (folder / "file").read_bytes()


def test_matrices_are_those_of_the_graph_byte_for_byte(api: Api, tmp_path: Path) -> None:
    local = matrices_from_graph(api.store, "lesanet-171")
    answer = api.reader.get(MATRICES)
    assert answer.content == written(local.save, tmp_path)
    assert answer.headers["X-Matrix-Hash"] == local.matrix_hash
    assert answer.headers["ETag"].startswith(f'"{local.matrix_hash[:32]}-safetensors-')
    from_npz = load_npz(io.BytesIO(api.reader.get(f"{MATRICES}&format=npz").content))
    assert (from_npz.matrix_hash, from_npz.names, from_npz.classes, from_npz.revision) == (
        local.matrix_hash,
        local.names,
        local.classes,
        local.revision,
    )
    assert (from_npz.parents != local.parents).nnz == 0


def test_a_cohort_is_the_file_that_cohort_export_writes(api: Api, tmp_path: Path) -> None:
    cohort = load_cohort(api.store, "lesanet")
    assert api.reader.get("/api/cohorts/lesanet").content == written(cohort.write_parquet, tmp_path)
    by_id = api.reader.get(f"/api/cohorts/{cohort.id}")
    assert by_id.headers["ETag"] == api.reader.head("/api/cohorts/lesanet").headers["ETag"]
    listed = api.reader.get("/api/cohorts").json()
    assert [(one["id"], sum(one["lesions"].values())) for one in listed] == [(cohort.id, cohort.size)]


def test_label_sets_and_sides_are_those_of_the_ontology(api: Api, tmp_path: Path) -> None:
    ontology = load_ontology(api.store)
    found = api.reader.get("/api/labelsets/lesanet-171").json()
    assert [column["id"] for column in found["columns"]] == list(ontology.label_set("lesanet-171").members)
    assert [column["position"] for column in found["columns"]] == list(range(171))
    assert {column["name"]: column["label_class"] for column in found["columns"]} == {
        ontology.by_id[i].name: ontology.by_id[i].label_class.value for i in ontology.label_set("lesanet-171").members
    }
    entry = api.reader.get("/api/labelsets").json()[0]
    assert {key: found[key] for key in entry} == entry
    assert entry["matrix_hash"] == matrices_from_graph(api.store, "lesanet-171").matrix_hash
    sides = Laterality.from_ontology(ontology, "lesanet-171")
    assert api.client.laterality().partner.tolist() == sides.partner.tolist()
    card = api.reader.get("/api/labels/lung nodule").json()
    assert card["label"]["id"] == ontology.label("lung nodule").id
    assert "lung" in {parent["name"] for parent in card["parents"]}


def test_what_a_client_has_is_not_sent_again(api: Api) -> None:
    whole = api.reader.get(MATRICES)
    etag = whole.headers["ETag"]
    for match in (etag, f'"other", W/{etag}', "*"):
        again = api.reader.get(MATRICES, headers={"If-None-Match": match})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert api.reader.get(MATRICES, headers={"If-None-Match": '"other"'}).content == whole.content
    head = api.reader.head(MATRICES)
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", str(len(whole.content)))
    assert api.reader.get("/api/matrices/1").headers["ETag"] == etag
    assert api.reader.get(f"{MATRICES}&format=npz").headers["ETag"] != etag


def test_a_broken_download_goes_on_where_it_stopped_unless_the_file_changed(api: Api) -> None:
    whole = api.reader.get(MATRICES)
    first = api.reader.get(MATRICES, headers={"Range": "bytes=0-999"})
    rest = api.reader.get(MATRICES, headers={"Range": "bytes=1000-", "If-Range": first.headers["ETag"]})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.content + rest.content == whole.content
    changed = api.reader.get(MATRICES, headers={"Range": "bytes=1000-", "If-Range": '"older"'})
    assert (changed.status_code, changed.content) == (200, whole.content)
    beyond = api.reader.get(MATRICES, headers={"Range": f"bytes={len(whole.content)}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(whole.content)}")
    assert set(beyond.json()) == {"error", "message"}


@given(st.integers(0, 300), st.integers(0, 300))
def test_any_range_is_that_slice_of_the_file(first: int, last: int) -> None:
    answer = send(FILE, Conditions("GET", "", f"bytes={first}-{last}", ""))
    if last < first:
        assert (answer.status_code, answer.body) == (200, FILE.content)
    elif first >= 256:
        assert answer.status_code == 416
    else:
        assert (answer.status_code, answer.body) == (206, FILE.content[first : last + 1])
    tail = send(FILE, Conditions("GET", "", f"bytes=-{last}", ""))
    assert tail.body == FILE.content[-last:] if last else tail.status_code == 416


@pytest.mark.parametrize("header", ["", "bytes=", "bytes=-", "bytes=0-1,4-5", "lines=0-1", "bytes=a-b", "bytes=5-2"])
def test_other_forms_of_ranges_send_the_whole_file(header: str) -> None:
    assert send(FILE, Conditions("GET", "", header, "")).status_code == 200


def test_a_file_of_an_older_version_is_forgotten() -> None:
    shelf = Shelf()
    made = [File(b"one", "x", "y", "z"), File(b"two", "x", "y", "z")]
    assert shelf.get("key", 1, lambda: made[0]).content == b"one"
    assert shelf.get("key", 1, lambda: made[1]).content == b"one"
    assert shelf.get("key", 2, lambda: made[1]).content == b"two"
    assert shelf.get("key", 1, lambda: made[0]).content == b"one"


def test_a_past_revision_stays_what_it_was(api: Api, tmp_path: Path) -> None:
    before = api.reader.get("/api/matrices/1")
    newest = api.store.read("MATCH (r:Revision {head: true}) RETURN r.sequence AS n ORDER BY n")[0]["n"]
    lines = [
        "create exact synonym 'nodule of the lungs' for 'lung nodule'",
        "delete edge 'lung nodule' located_in lung",
    ]
    made = [api.client.propose(line, reason="a test", apply=True)["revision"] for line in lines]
    assert made == [newest + 1, newest + 2]
    assert api.reader.get("/api/matrices/1").content == before.content
    synonym, edge, latest = (api.reader.get(f"/api/matrices/{n}") for n in (*made, "latest"))
    assert synonym.headers["X-Matrix-Hash"] == before.headers["X-Matrix-Hash"]
    assert synonym.headers["ETag"] != before.headers["ETag"]
    assert synonym.content != before.content
    assert edge.headers["X-Matrix-Hash"] != before.headers["X-Matrix-Hash"]
    assert (latest.content, latest.headers["ETag"]) == (edge.content, edge.headers["ETag"])
    assert latest.content == written(matrices_from_graph(api.store, "lesanet-171").save, tmp_path)
