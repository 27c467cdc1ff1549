"""``/api/matrices`` and ``/api/laterality``: what training reads of the ontology."""

from __future__ import annotations

import io
import json
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.responses import Response

from kg.curation.history import as_of, matrices_as_of
from kg.errors import NotFoundError
from kg.graph_cohort import DEFAULT_LABEL_SET
from kg.graph_matrices import matrices_from_graph
from kg.matrices import RelationMatrices
from kg.matrices_npz import save_npz
from kg.revision import head
from kg.store import GraphStore
from learn.image.contralateral import Laterality
from lesionkg.api.context import Place, Reader
from lesionkg.api.files import Conditional, File, Files, file_answers, send
from lesionkg.api.problems import found_or_404, problems
from lesionkg.server.audit import Action

router = APIRouter(prefix="/api", tags=["training"])

LATEST = "latest"


class Form(StrEnum):
    """Forms of relation matrices."""

    SAFETENSORS = "safetensors"
    NPZ = "npz"


_MEDIA = {Form.SAFETENSORS: "application/vnd.safetensors", Form.NPZ: "application/vnd.numpy.npz"}

Revision = Annotated[
    str,
    InPath(
        pattern="^(latest|[1-9][0-9]{0,8})$",
        description="Number of a revision, or `latest`.",
        examples=["latest", "1"],
    ),
]
LabelSet = Annotated[str, Query(description="Label set that fixes the order of the columns.", examples=["lesanet-171"])]

_ANSWERS = file_answers(
    {
        _MEDIA[Form.SAFETENSORS]: "Tensors of pairs of columns, with names and hashes in the metadata.",
        _MEDIA[Form.NPZ]: "The same as NumPy arrays.",
    },
    409,
)


class LateralityAnswer(BaseModel):
    """What a mirror image does to the labels of a set."""

    format: str
    label_ids: list[str]
    partner: list[int]
    """Column that each label turns into; -1 for none."""
    lateral: list[bool]
    """Labels of one side of the body."""


@router.get("/matrices/{revision}", responses=_ANSWERS, response_class=Response)
@router.head("/matrices/{revision}", responses=_ANSWERS, response_class=Response)
def matrices(
    place: Place,
    user: Reader,
    shelf: Files,
    wanted: Conditional,
    revision: Revision,
    label_set: LabelSet = DEFAULT_LABEL_SET,
    format: Annotated[Form, Query(description="Form of the file.")] = Form.SAFETENSORS,
) -> Response:
    """Relation matrices of a label set at a revision, in one file.

    The file is that of `lesionkg matrices export`, byte for byte: ordered labels, the closures of hierarchy and
    exclusion, their minimal edges, and the hashes. The ETag begins with the matrix hash. Example:
    `curl -OJ 'http://127.0.0.1:8080/api/matrices/latest?label_set=lesanet-171&format=npz'`.
    """
    sequence, content = _stamp(place.store, revision)
    file = shelf.get(
        ("matrices", sequence, label_set, format),
        content,
        lambda: _file(_matrices(place.store, revision, sequence, label_set), format),
    )
    answer = send(file, wanted)
    if answer.status_code in (200, 206) and wanted.method == "GET":
        place.audit.record(user, Action.EXPORT, f"matrices {label_set}", revision=sequence, format=format.value)
    return answer


@router.get("/laterality/{revision}", responses=problems(404, 409), response_model=LateralityAnswer)
def laterality(place: Place, user: Reader, revision: Revision, label_set: LabelSet = DEFAULT_LABEL_SET) -> JSONResponse:
    """Which labels of a set a left-right flip turns into which, at a revision; training on images flips with it."""
    with found_or_404():
        ontology = place.ontology() if revision == LATEST else as_of(place.store, int(revision))
        sides = Laterality.from_ontology(ontology, label_set)
    with tempfile.TemporaryDirectory(prefix="lesionkg-") as folder:
        sides.save(Path(folder) / "laterality.json")
        content: dict[str, Any] = json.loads((Path(folder) / "laterality.json").read_text(encoding="utf-8"))
    return JSONResponse(content)


def _stamp(store: GraphStore, revision: str) -> tuple[int, str]:
    """Number and ontology hash of a revision."""
    if revision == LATEST:
        with found_or_404():
            newest = head(store)
        return newest.sequence, newest.ontology_hash
    rows = store.read(
        "MATCH (r:Revision {sequence: $sequence}) RETURN r.ontology_hash AS hash ORDER BY hash",
        {"sequence": int(revision)},
    )
    if not rows:
        raise NotFoundError(f"revision {revision}: there is none; `lesionkg ontology history` lists them")
    return int(revision), str(rows[0]["hash"])


def _matrices(store: GraphStore, revision: str, sequence: int, label_set: str) -> RelationMatrices:
    with found_or_404():
        if revision == LATEST:
            return matrices_from_graph(store, label_set)
        return matrices_as_of(store, sequence, label_set)


def _file(made: RelationMatrices, form: Form) -> File:
    made.require_consistent()
    return File(
        content=_bytes(made, form),
        name=f"{made.label_set}-{made.revision}.{form}",
        media_type=_MEDIA[form],
        identity=f"{made.matrix_hash[:32]}-{form}",
        headers={"X-Revision": str(made.revision), "X-Matrix-Hash": made.matrix_hash},
    )


def _bytes(made: RelationMatrices, form: Form) -> bytes:
    if form is Form.NPZ:
        stream = io.BytesIO()
        save_npz(made, stream)
        return stream.getvalue()
    with tempfile.TemporaryDirectory(prefix="lesionkg-") as folder:
        path = Path(folder) / "matrices.safetensors"
        made.save(path)
        return path.read_bytes()
