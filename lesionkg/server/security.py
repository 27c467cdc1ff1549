"""Who may reach the server: every request passes here first, those of web sockets too."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
import traceback
from dataclasses import dataclass, field
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kg.errors import LesionKGError
from lesionkg.server.attempts import DELAY_S, WINDOW_S, Attempts
from lesionkg.server.audit import Action
from lesionkg.server.bodies import Body, largest_body, too_large
from lesionkg.server.headers import secured
from lesionkg.server.origin import is_known_host, is_own_page, known_names
from lesionkg.server.people import NOBODY, User, local_user
from lesionkg.server.refusals import refusal
from lesionkg.server.workplace import Workplace

log = logging.getLogger(__name__)

PUBLIC = ("/sign-in", "/favicon.ico")
"""Paths that need no token."""

SAFE = ("GET", "HEAD", "OPTIONS")
POLICY_VIOLATION = 1008
RECHECK_S = 1.0
"""Longest time in which a web socket goes on sending to somebody who was removed or signed out."""

_FORWARDED = (b"x-forwarded-prefix", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-for", b"forwarded")
"""Headers by which a proxy, or anybody, could change what pages link to; nothing here needs them."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request shows for itself: a token, the cookie of a session, or nothing."""

    token: str = field(default="", repr=False)
    session: str = field(default="", repr=False)


class Gate:
    """ASGI middleware: checks a request and notes its user in ``request.state.user``."""

    def __init__(self, app: ASGIApp, workplace: Workplace, attempts: Attempts) -> None:
        """Stand before an application.

        Args:
            app: what stands behind.
            workplace: whose users and settings count.
            attempts: wrong tokens, shared with the sign-in page.
        """
        self.app = app
        self._settings = workplace.settings
        self._users = workplace.users
        self._audit = workplace.audit
        self._attempts = attempts
        self._names = known_names(workplace.settings)
        self._local = local_user()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with an error."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name not in _FORWARDED]
        state = scope.setdefault("state", {})
        state["nonce"] = secrets.token_urlsafe(16)
        if scope["type"] == "http":
            send = _with_headers(send, scope["path"], state["nonce"])
        try:
            refused = await self._refusal(scope)
        except LesionKGError as error:
            refused = refusal(503, str(error))
        if refused is not None:
            await _answer(refused, scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._websocket(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        """Why a request goes no further; ``None`` after its user was noted."""
        connection = HTTPConnection(scope)
        hosts = connection.headers.getlist("host")
        arrived_at = (scope.get("server") or ("",))[0]
        if len(hosts) != 1 or not is_known_host(hosts[0], self._names, arrived_at):
            return refusal(421, "this server does not go by that name; `lesionkg serve --name NAME` adds one")
        is_page = scope["type"] == "http" and scope["method"] in SAFE and not _is_api(scope)
        if not is_own_page(connection.headers, bool(self._settings.certificate), is_page):
            return refusal(403, "asked for by a page of another site; open the workbench itself")
        credential = credential_of(connection)
        user = await self._user(credential)
        if user is None and credential.token:
            return await self._wrong_token(connection)
        if user is None and not (scope["type"] == "http" and scope["path"] in PUBLIC):
            return _unknown(scope)
        scope["state"]["user"] = user or NOBODY
        return None

    async def _user(self, credential: Credential) -> User | None:
        """Whom a credential belongs to; without any, who works on this machine where no token is needed."""
        if credential.token:
            return await run_in_threadpool(self._users.with_token, credential.token)
        if self._settings.is_open:
            return self._local
        if credential.session:
            return await run_in_threadpool(self._users.with_session, credential.session)
        return None

    async def _wrong_token(self, connection: HTTPConnection) -> Response:
        address = connection.client.host if connection.client else ""
        if self._attempts.note(address):
            return refusal(429, "too many wrong tokens; wait a minute", {"Retry-After": f"{WINDOW_S:.0f}"})
        await run_in_threadpool(self._audit.record, NOBODY, Action.REFUSED, "wrong token", address=address)
        await asyncio.sleep(DELAY_S)
        return refusal(401, "the token is none of this server; ask an admin for one", {"WWW-Authenticate": "Bearer"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = largest_body(scope["path"], self._settings.upload_bytes)
        length = HTTPConnection(scope).headers.get("content-length", "")
        if length.isdecimal() and int(length) > most:
            await _answer(refusal(413, too_large(most)), scope, receive, send)
            return
        answer = _Once(send)

        async def refuse(status: int, reason: str) -> None:
            await answer.instead(refusal(status, reason), scope, receive)

        body = Body(receive, most, refuse)
        try:
            await self.app(scope, body.receive, answer.send)
        except Exception as error:  # noqa: BLE001 - whatever it is, its message may hold data: neither shown nor logged
            log.error("%s %s", scope["method"], "\n".join(frames(error)))  # noqa: TRY400
            await answer.instead(refusal(500, "the server failed; its log tells where"), scope, receive)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a web socket on, and close it as soon as its user may no longer use it."""
        credential = credential_of(HTTPConnection(scope))
        user: User = scope["state"]["user"]
        checked = time.monotonic()
        is_closed = False

        async def holds() -> bool:
            nonlocal checked, is_closed
            if self._settings.is_open and not credential.token:
                return True
            if not is_closed:
                now = await self._user(credential)
                checked = time.monotonic()
                is_closed = now is None or now.name != user.name
                if is_closed:
                    await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return not is_closed

        async def checked_receive() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and not await holds():
                return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
            return message

        async def checked_send(message: Message) -> None:
            if is_closed or (time.monotonic() - checked > RECHECK_S and not await holds()):
                return
            await send(message)

        await self.app(scope, checked_receive, checked_send)


class _Once:
    """The way to the client: the application answers, or the gate in its place, never both."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._began = False
        self._taken = False

    async def send(self, message: Message) -> None:
        """Send a part of the application's answer; after a refusal it goes nowhere."""
        if self._taken:
            return
        self._began = True
        await self._send(message)

    async def instead(self, answer: Response, scope: Scope, receive: Receive) -> None:
        """Answer in place of the application, unless it began."""
        if self._began or self._taken:
            return
        self._taken = True
        answer.headers["Connection"] = "close"  # the rest of the body is not read
        await answer(scope, receive, self._send)


def credential_of(connection: HTTPConnection) -> Credential:
    """What a request shows for itself; a token counts before a cookie."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return Credential(token=token.strip())
    return Credential(session=connection.cookies.get(cookie_name(connection.scope), ""))


def cookie_name(scope: Scope) -> str:
    """Name of the session's cookie; with TLS a browser takes it from this very host and path only."""
    return "__Host-lesionkg" if scope["scheme"] in ("https", "wss") else "lesionkg-session"


def frames(error: BaseException) -> list[str]:
    """Kind of an error and where it was raised, without its message."""
    return [f"{type(error).__name__} at"] + [
        f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)[-12:]
    ]


def _unknown(scope: Scope) -> Response:
    """The answer to somebody without token: pages lead to where one is asked for."""
    if scope["type"] == "http" and scope["method"] == "GET" and not _is_api(scope):
        path = quote(scope["path"]) + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
        return RedirectResponse(f"/sign-in?next={quote(path, safe='')}", 303)
    return refusal(401, "needs a token; send `Authorization: Bearer TOKEN`", {"WWW-Authenticate": "Bearer"})


def _is_api(scope: Scope) -> bool:
    return str(scope["path"]).startswith("/api/") or str(scope["path"]).startswith("/_nicegui")


def _with_headers(send: Send, path: str, nonce: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": secured(list(message.get("headers", [])), path, nonce)}
        await send(message)

    return sending


async def _answer(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
    else:
        answer.headers["Connection"] = "close"
        await answer(scope, receive, send)
