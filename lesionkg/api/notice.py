"""The research-use notice, in a header of every answer of the API."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lesionkg.cli.context import RESEARCH_USE_ONLY

HEADER = "X-Research-Use"


class Notice:
    """ASGI middleware: adds the header to whatever is answered under ``/api``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or not scope["path"].startswith("/api"):
            await self.app(scope, receive, send)
            return

        async def with_notice(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = RESEARCH_USE_ONLY
            await send(message)

        await self.app(scope, receive, with_notice)
