"""``/api/health`` and ``/api/version``."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from kg.revision import head
from lesionkg import __version__
from lesionkg.api.context import Place, Reader
from lesionkg.api.problems import found_or_404, problems
from lesionkg.cli.context import RESEARCH_USE_ONLY

router = APIRouter(prefix="/api", tags=["server"])


class Health(BaseModel):
    """That the server works, and on what."""

    status: str
    revision: int
    ontology: str


class Version(BaseModel):
    """Which program answers."""

    version: str
    notice: str


@router.get("/health", responses=problems(404))
def health(place: Place, user: Reader) -> Health:
    """Read the newest revision of the graph: an answer means that the graph can be read."""
    with found_or_404():
        found = head(place.store)
    return Health(status="ok", revision=found.sequence, ontology=found.ontology)


@router.get("/version", responses=problems())
def version(user: Reader) -> Version:
    """Version of the program, and the notice that every answer stands under."""
    return Version(version=__version__, notice=RESEARCH_USE_ONLY)
