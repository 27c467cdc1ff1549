"""The gate before a small application, with real users and a real audit log, but no graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from fastapi import FastAPI, Request, WebSocket
from starlette.responses import HTMLResponse
from websockets.sync.client import ClientConnection, connect

from lesionkg.server import sign_in
from lesionkg.server.attempts import Attempts
from lesionkg.server.audit import Audit
from lesionkg.server.security import Gate
from lesionkg.server.settings import Settings
from lesionkg.server.users import Users


@dataclass
class SmallWorkplace:
    """As much of a workplace as the gate asks for."""

    settings: Settings
    users: Users
    audit: Audit


def small_app(workplace: SmallWorkplace) -> FastAPI:
    """Says who asks, takes bodies, fails, and echoes on a web socket."""
    app = FastAPI()
    app.state.workplace, app.state.attempts = workplace, Attempts()

    @app.get("/page")
    def page() -> HTMLResponse:
        return HTMLResponse("<p>hello</p>")

    @app.get("/api/who")
    def who(request: Request) -> dict[str, str]:
        return {"name": request.state.user.name, "role": str(request.state.user.role)}

    @app.post("/api/size")
    @app.post("/api/runs")
    async def size(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.get("/api/fail")
    def fail() -> None:
        raise RuntimeError("a report text")

    @app.websocket("/_nicegui_ws/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            await socket.send_text(await socket.receive_text())

    app.include_router(sign_in.router)
    app.add_middleware(Gate, workplace=workplace, attempts=app.state.attempts)
    return app


class Client(httpx.Client):
    """A client of a server that runs in a thread of this process, over real connections."""

    def __init__(self, address: str, port: int) -> None:
        super().__init__(base_url=address, follow_redirects=False, timeout=20, verify=False)
        self.port = port

    @contextmanager
    def socket(self, headers: dict[str, str] | None = None) -> Iterator[ClientConnection]:
        """A web socket with this client's cookies."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {**({"Cookie": cookies} if cookies else {}), **(headers or {})}
        with connect(f"ws://127.0.0.1:{self.port}/_nicegui_ws/echo", additional_headers=headers) as found:
            yield found


Served = Callable[..., Client]
