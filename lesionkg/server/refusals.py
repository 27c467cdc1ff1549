"""Answers of the gate itself, in the shape of the API's errors."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.responses import Response

ERRORS = {
    400: "UsageError",
    401: "NotSignedInError",
    403: "NotAllowedError",
    408: "TooSlowError",
    413: "TooLargeError",
    421: "UnknownHostError",
    429: "TooManyAttemptsError",
    500: "InternalError",
    503: "StoreError",
}
"""Name of the error by status."""


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """``{"error", "message"}`` with a status."""
    body = json.dumps({"error": ERRORS[status], "message": message})
    return Response(body, status, headers, media_type="application/json")
