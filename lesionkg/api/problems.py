"""Errors as answers: one JSON object with one line, and the status that fits."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from kg.errors import (
    ChangeRefusedError,
    CohortError,
    ConflictError,
    InputError,
    LesionKGError,
    QueryTimeoutError,
    StoreBusyError,
    StoreError,
    UsageError,
)
from lesionkg.server.people import NotAllowedError

_STATUS: tuple[tuple[type[LesionKGError], int], ...] = (
    (NotAllowedError, 403),
    (ConflictError, 409),
    (ChangeRefusedError, 422),
    (QueryTimeoutError, 408),
    (StoreBusyError, 503),
    (StoreError, 503),
    (CohortError, 404),
    (InputError, 422),
    (UsageError, 422),
)


def status_of(error: LesionKGError) -> int:
    """The HTTP status of an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 400)


def add_problems(app: FastAPI) -> None:
    """Answer the project's errors as ``{"error": kind, "message": line}``."""

    @app.exception_handler(LesionKGError)
    def answer(request: Request, error: LesionKGError) -> JSONResponse:
        return JSONResponse({"error": type(error).__name__, "message": str(error)}, status_of(error))
