"""Addresses below ``/api`` that lead nowhere, or not by that method; comes after all other routes."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

router = APIRouter(prefix="/api", include_in_schema=False)

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


@router.api_route("/{path:path}", methods=_METHODS, response_class=Response)
def unknown(request: Request) -> Response:
    """Refuse, in the form of every error: 405 with what is allowed, or 404."""
    allowed = {
        method.upper()
        for template, methods in request.app.openapi()["paths"].items()
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), request.url.path)
        for method in methods
    }
    if allowed:
        raise HTTPException(405, "not by this method", {"Allow": ", ".join(sorted(allowed))})
    raise HTTPException(404, "there is nothing")
