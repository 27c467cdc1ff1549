"""The HTTP server: its limits, its time limits, TLS, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import suppress
from socket import socket
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from lesionkg.server.settings import Settings

HEAD_BYTES = 32 << 10
"""Largest head of a request: its URL and headers."""

HEAD_S = 10.0
"""Longest time in which the head of a request may come."""

MESSAGE_BYTES = 1 << 20
"""Largest message of a web socket; the page framework sends no larger ones."""

CONNECTIONS = 1000
"""Most connections at a time; more are told to come back."""

ENDING_S = 2
"""How long answers in progress may take once the server is told to end."""

CLOSING_S = 2.5
"""How long closing the graph and waiting for threads may take after that."""


class ImpatientProtocol(H11Protocol):
    """HTTP that hangs up on a client which does not finish the head of its request in time."""

    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take a piece; go on waiting while the head is not complete."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._done()
        elif self._due is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._done()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._due = asyncio.get_running_loop().call_later(HEAD_S, self._hang_up)

    def _done(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _hang_up(self) -> None:
        self._due = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()


def http_server(app: ASGIApp, settings: Settings) -> uvicorn.Server:
    """The server of an application; :func:`run` runs it."""
    tls: dict[str, Any] = {}
    if settings.certificate is not None:
        tls = {"ssl_certfile": str(settings.certificate), "ssl_keyfile": str(settings.key or settings.certificate)}
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=ImpatientProtocol,
            ws="websockets-sansio",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=HEAD_BYTES,
            ws_max_size=MESSAGE_BYTES,
            ws_per_message_deflate=False,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=ENDING_S,
            **tls,
        )
    )


def run(server: uvicorn.Server, listening: socket) -> None:
    """Serve until Ctrl-C or SIGTERM, and come back."""
    # The server handles both, then raises them once more: by default SIGTERM would end the process with the graph open.
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        signal.signal(signal.SIGTERM, before)
        _end_soon()


def _end_soon() -> None:
    """End the process even when answers still run that nobody waits for; the graph takes that as a crash."""
    last = threading.Timer(CLOSING_S, os._exit, (0,))
    last.daemon = True
    last.start()
