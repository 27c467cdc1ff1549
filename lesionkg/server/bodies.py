"""Bodies of requests: capped while they stream in, and given up when they come too slowly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.types import Message, Receive

SMALL_BYTES = 8 << 20
"""Largest body of a request that uploads no file."""

UPLOADS = ("/api/runs",)
"""Paths, with all below them, where bodies may be as large as the server's settings say."""

_GRACE_S = 30.0
_SLOWEST = 1024
"""Bytes a second, on average, after the grace."""


def largest_body(path: str, upload_bytes: int) -> int:
    """Most bytes of a body sent to a path."""
    is_upload = any(path == start or path.startswith(f"{start}/") for start in UPLOADS)
    return upload_bytes if is_upload else min(SMALL_BYTES, upload_bytes)


class Body:
    """The body of one request, watched while the application reads it.

    Args:
        receive: where it comes from.
        most: bytes.
        refuse: answers the request; called once, with the status and the reason.
    """

    def __init__(self, receive: Receive, most: int, refuse: Callable[[int, str], Coroutine[Any, Any, None]]) -> None:
        self._receive = receive
        self._most = most
        self._refuse = refuse
        self._began = time.monotonic()
        self._bytes = 0
        self._complete = False
        self._ended = False

    async def receive(self) -> Message:
        """The next piece; after a refusal, that the client is gone."""
        if self._ended:
            return {"type": "http.disconnect"}
        if self._complete:
            return await self._receive()
        left = self._began + _GRACE_S + self._bytes / _SLOWEST - time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), max(left, 0.001))
        except TimeoutError:
            return await self._end(408, "the body came too slowly; send it again")
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._bytes > self._most:
                return await self._end(413, too_large(self._most))
        return message

    async def _end(self, status: int, reason: str) -> Message:
        self._ended = True
        await self._refuse(status, reason)
        return {"type": "http.disconnect"}


def too_large(most: int) -> str:
    """Why a body was refused."""
    return f"the body is larger than the {most} bytes taken here; send less"
