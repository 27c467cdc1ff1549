"""``/api/cohorts``: frozen lesions with labels and split."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field
from starlette.responses import Response

from kg.errors import NotFoundError
from kg.graph_cohort import CohortEntry, list_cohorts, load_cohort
from kg.store import GraphStore
from lesionkg.api.context import Place, Reader
from lesionkg.api.files import Conditional, File, Files, file_answers, send
from lesionkg.api.problems import problems
from lesionkg.server.audit import Action

router = APIRouter(prefix="/api", tags=["training"])

_PARQUET = "application/vnd.apache.parquet"
_ANSWERS = file_answers({_PARQUET: "One row a lesion; identity, label columns and hashes in the metadata."}, 409)


class CohortAnswer(BaseModel):
    """A cohort without its rows."""

    id: str = Field(examples=["lesanet-0f3c9a1b2d"])
    name: str
    label_set: str
    revision: int
    ontology_hash: str
    matrix_hash: str
    label_data_hash: str
    created: str = Field(description="When it was frozen, UTC, ISO 8601.")
    lesions: dict[str, int] = Field(description="How many, by split.", examples=[{"train": 9, "val": 3, "test": 3}])
    erased: int = Field(description="Lesions that erasures of patients took out since.")


@router.get("/cohorts", responses=problems(409))
def cohorts(place: Place, user: Reader) -> list[CohortAnswer]:
    """All cohorts, newest first."""
    return [CohortAnswer(**asdict(entry)) for entry in list_cohorts(place.store)]


@router.get("/cohorts/{key}", responses=_ANSWERS, response_class=Response)
@router.head("/cohorts/{key}", responses=_ANSWERS, response_class=Response)
def cohort(
    place: Place,
    user: Reader,
    shelf: Files,
    wanted: Conditional,
    key: Annotated[str, InPath(description="Id, or name for the newest of that name.", examples=["lesanet"])],
) -> Response:
    """A frozen cohort in one Parquet file: that of `lesionkg cohort export`, byte for byte.

    Patients, studies and series go by the graph's own ids.
    """
    entry = find_cohort(place.store, key)
    file = shelf.get(("cohort", entry.id), (entry.label_data_hash, entry.erased), lambda: _file(place.store, entry))
    answer = send(file, wanted)
    if answer.status_code in (200, 206) and wanted.method == "GET":
        place.audit.record(user, Action.EXPORT, f"cohort {entry.id}", format="parquet")
    return answer


def find_cohort(store: GraphStore, key: str) -> CohortEntry:
    """The cohort with this id, or the newest of this name.

    Raises:
        NotFoundError: there is none.
    """
    entries = list_cohorts(store)
    found = next((e for e in (*(e for e in entries if e.id == key), *(e for e in entries if e.name == key))), None)
    if found is None:
        known = ", ".join(entry.id for entry in entries) or "none"
        raise NotFoundError(f"cohort {key!r}: not in this graph; it has: {known}")
    return found


def _file(store: GraphStore, entry: CohortEntry) -> File:
    frozen = load_cohort(store, entry.id)
    with tempfile.TemporaryDirectory(prefix="lesionkg-") as folder:
        path = Path(folder) / "cohort.parquet"
        frozen.write_parquet(path)
        content = path.read_bytes()
    return File(content, f"{entry.id}.parquet", _PARQUET, entry.id, {"X-Revision": str(entry.revision)})
