"""``/api/lesions/{key}/patch`` and ``/thumbnail``: the pixels of a lesion, where they are at hand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from lesionkg.api.context import Place, Reader
from lesionkg.api.problems import found_or_404, problems
from lesionkg.server.audit import Action
from queries.lesion_images import LesionPatch, lesion_patch, thumbnail
from queries.lesion_view import lesion_id

router = APIRouter(prefix="/api", tags=["lesions"])

Key = Annotated[str, Path(description="Id, or row in DL_info.csv, from 0.", examples=["DL:00042"], max_length=200)]
Level = Annotated[float, Query(ge=-1024, le=3071, description="Middle of the window, Hounsfield units.")]
Width = Annotated[float, Query(ge=1, le=4096, description="Width of the window.")]

_RAW, _PNG = "application/octet-stream", "image/png"


@router.get(
    "/lesions/{key}/patch",
    response_class=Response,
    responses=problems(404)
    | {
        200: {
            "description": "3 x P x P little-endian 16-bit integers, Hounsfield units: the slice towards the head, the "
            "key slice, the one towards the feet. P is in the header Patch-Size, millimetres of a pixel in "
            "Patch-Spacing.",
            "content": {_RAW: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def patch(place: Place, user: Reader, key: Key) -> Response:
    """The CT patch around a lesion, 120 mm a side."""
    found = _patch(place, user, key, "patch")
    headers = {"Patch-Size": str(found.size), "Patch-Spacing": f"{found.spacing_mm:g}"}
    return Response(found.hu.astype("<i2").tobytes(), media_type=_RAW, headers=headers)


@router.get(
    "/lesions/{key}/thumbnail",
    response_class=Response,
    responses=problems(404) | {200: {"description": "A small picture of the lesion.", "content": {_PNG: {}}}},
)
def picture(place: Place, user: Reader, key: Key, level: Level = 50, width: Width = 400) -> Response:
    """A PNG of the lesion's key slice, cut close around it."""
    found = _patch(place, user, key, "thumbnail")
    return Response(thumbnail(found, (level - width / 2, level + width / 2)), media_type=_PNG)


def _patch(place: Place, user: Reader, key: str, image: str) -> LesionPatch:
    with found_or_404():
        lesion = lesion_id(place.store, key)
    found = lesion_patch(place.store, place.settings.home, lesion)
    place.audit.record(user, Action.LESION, lesion, image=image)
    return found
