"""``/api/lesions``: all that the graph knows of one lesion."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from lesionkg.api.context import Place, Reader
from lesionkg.api.problems import found_or_404, problems
from lesionkg.server.audit import Action
from queries.lesion_facts import LesionView
from queries.lesion_view import lesion_view

router = APIRouter(prefix="/api", tags=["lesions"])


@router.get("/lesions/{key}", responses=problems(404))
def lesion(
    place: Place,
    user: Reader,
    key: Annotated[
        str, Path(description="Id, or row in DL_info.csv, from 0.", examples=["DL:00042", "42"], max_length=200)
    ],
) -> LesionView:
    """A lesion: where it is, its labels by origin, what models predict, its relatives in other studies.

    Sentences go by id and place; report texts never leave through here.
    """
    place.audit.record(user, Action.LESION, key)
    with found_or_404():
        return lesion_view(place.store, key)
