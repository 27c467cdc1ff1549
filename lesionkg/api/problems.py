"""Errors as answers: one JSON object with one line, and the status that fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from kg.errors import (
    ChangeRefusedError,
    CohortError,
    ConflictError,
    InputError,
    LesionKGError,
    NotFoundError,
    QueryTimeoutError,
    StaleRevisionError,
    StoreError,
    UsageError,
)
from lesionkg.server.people import NotAllowedError

_STATUS: tuple[tuple[type[LesionKGError], int], ...] = (
    (NotAllowedError, 403),
    (NotFoundError, 404),
    (CohortError, 404),
    (ConflictError, 409),
    (StaleRevisionError, 409),
    (ChangeRefusedError, 422),
    (QueryTimeoutError, 408),
    (StoreError, 503),
    (InputError, 422),
    (UsageError, 422),
)

_NAMES = {400: "InputError", 404: "NotFoundError", 405: "UsageError", 413: "TooLargeError"}

MEANINGS = {
    401: "No token, or one that this server does not know.",
    403: "The user's role does not allow it.",
    404: "There is no such thing.",
    408: "It took too long and was ended.",
    409: "It does not go with what is there now.",
    413: "The body is larger than the server takes.",
    416: "The range lies outside the file.",
    421: "The server does not go by that name.",
    422: "The request cannot be understood, or a rule forbids it.",
    429: "Too many wrong tokens.",
    503: "The graph or the curation store cannot be used now; ask again.",
}
_ALWAYS = (401, 403, 421, 422, 429, 503)


class Problem(BaseModel):
    """Why a request was not answered."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"error": "NotFoundError", "message": "label 'lnug': not in ontology lesanet"}}
    )

    error: str = Field(description="Kind of the error.")
    message: str = Field(description="One line: the thing, the reason, the next step.")


class TooLargeError(InputError):
    """A body is larger than the server takes."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented errors of a route: those of every route, and these."""
    return {status: {"model": Problem, "description": MEANINGS[status]} for status in sorted({*_ALWAYS, *statuses})}


def status_of(error: LesionKGError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, TooLargeError):
        return 413
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 422)


@contextmanager
def found_or_404() -> Iterator[None]:
    """Around looking up what the address of a request names: what there is not is answered with 404.

    Raises:
        NotFoundError: in place of a :class:`UsageError`.
    """
    try:
        yield
    except UsageError as error:
        raise NotFoundError(str(error)) from error


def answer(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error as an answer."""
    return JSONResponse({"error": kind, "message": message}, status, headers)


def add_problems(app: FastAPI) -> None:
    """Answer every error as ``{"error": kind, "message": line}``."""

    @app.exception_handler(LesionKGError)
    def ours(request: Request, error: LesionKGError) -> JSONResponse:
        return answer(status_of(error), type(error).__name__, str(error))

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first, more = error.errors()[0], len(error.errors()) - 1
        place = ".".join(str(part) for part in first["loc"])
        others = f" (and {more} more)" if more else ""
        return answer(422, "InputError", f"{place}: {first['msg']}{others}; /api/openapi.json says what fits")

    @app.exception_handler(HTTPException)
    def other(request: Request, error: HTTPException) -> JSONResponse:
        status = 422 if error.status_code == 400 else error.status_code
        kind = _NAMES.get(error.status_code, "UsageError")
        what = f"{request.method} {request.url.path}: {error.detail}; /api/openapi.json lists what there is"
        return answer(status, kind, what, error.headers)
