"""Who may reach the server: every request passes here first, those of web sockets too."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from lesionkg.server.people import local_user
from lesionkg.server.workplace import Workplace


class Gate:
    """ASGI middleware: checks a request and notes its user in ``request.state.user``."""

    def __init__(self, app: ASGIApp, workplace: Workplace) -> None:
        self._app = app
        self._workplace = workplace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with an error."""
        if scope["type"] in ("http", "websocket"):
            scope.setdefault("state", {})["user"] = local_user()
        await self._app(scope, receive, send)
