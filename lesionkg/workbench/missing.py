"""What is shown where no page is."""

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
    if request.url.path.startswith("/_nicegui") or request.method not in ("GET", "HEAD"):
        detail = error.detail if isinstance(error, HTTPException) else "not found"
        return JSONResponse({"error": "NotFoundError", "message": detail}, 404)
    with Client(page("", title="Not found - lesionkg"), request=request) as client:
        await draw_frame("")
        with ui.column().classes("lk-page"):
            parts.title("There is no such page")
            parts.empty("The address names nothing here. The bar above leads to all pages.")
    return client.build_response(request, 404)
