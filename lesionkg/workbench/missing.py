"""What is shown where no page is, and in the place of one that failed."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from nicegui import Client, app, ui
from nicegui.page import page
from starlette.exceptions import HTTPException

from lesionkg.workbench import parts
from lesionkg.workbench.frame import draw_frame


@app.exception_handler(404)
async def missing(request: Request, error: Exception) -> Response:
    """A page that says so, inside the frame; files and the page framework's own addresses get JSON."""
    if _is_program(request):
        detail = error.detail if isinstance(error, HTTPException) else "not found"
        return JSONResponse({"error": "NotFoundError", "message": detail}, 404)
    return await _said(
        request, 404, "There is no such page", "The address names nothing here. The bar above leads to all pages."
    )


@app.exception_handler(Exception)
async def failed(request: Request, error: Exception) -> Response:
    """A page in the place of one that failed; messages of errors may hold data, so that it tells nothing of them."""
    if _is_program(request):
        return JSONResponse({"error": "ServerError", "message": "the server failed; its log tells where"}, 500)
    return await _said(
        request, 500, "This page failed", "Load it again. If it fails once more, tell an admin: the log says where."
    )


def _is_program(request: Request) -> bool:
    """Whether no person reads the answer."""
    return request.url.path.startswith("/_nicegui") or request.method not in ("GET", "HEAD")


async def _said(request: Request, status: int, title: str, text: str) -> Response:
    with Client(page("", title=f"{title} - lesionkg"), request=request) as client:
        await draw_frame("")
        with ui.column().classes("lk-page"):
            parts.title(title)
            parts.empty(text)
    return client.build_response(request, status)
