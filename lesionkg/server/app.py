"""The web application: the API, and the pages on top."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

from fastapi import FastAPI

from lesionkg import __version__
from lesionkg.api.notice import Notice
from lesionkg.api.problems import add_problems
from lesionkg.cli.context import RESEARCH_USE_ONLY
from lesionkg.server import sign_in
from lesionkg.server.attempts import Attempts
from lesionkg.server.security import Gate
from lesionkg.server.workplace import Workplace

ROUTES = (
    "health",
    "matrices",
    "labels",
    "cohorts",
    "query",
    "lesions",
    "changes",
    "runs",
    "patches",
    "audit",
    "unknown",
)
"""Modules of :mod:`lesionkg.api` with a ``router``."""

PAGES = ("overview", "ontology", "review", "lesion", "query", "conflicts", "models", "missing")
"""Modules of :mod:`lesionkg.workbench` whose import registers a page."""


def create_api(workplace: Workplace) -> FastAPI:
    """The API alone, behind the gate."""
    app = FastAPI(
        title="lesionkg",
        version=__version__,
        description=f"Lesion labels, CT lesions and the models that label them. {RESEARCH_USE_ONLY}",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.workplace = workplace
    app.state.attempts = Attempts()
    add_problems(app)
    for name in ROUTES:
        app.include_router(import_module(f"lesionkg.api.{name}").router)
    app.include_router(sign_in.router)
    app.add_middleware(Gate, workplace=workplace, attempts=app.state.attempts)
    app.add_middleware(Notice)
    return app


def load_pages(home: Path) -> None:
    """Import the page framework and the pages, which takes a second: it needs no graph, so do it while one opens.

    Args:
        home: the data folder; the framework must leave nothing in the current one.
    """
    os.environ["NICEGUI_STORAGE_PATH"] = str(home / "workbench")  # read when it is imported
    for name in PAGES:
        import_module(f"lesionkg.workbench.{name}")
    for name in ROUTES:
        import_module(f"lesionkg.api.{name}")


def create_app(workplace: Workplace) -> FastAPI:
    """The API and the workbench. The page framework keeps one application in a process, so call this once."""
    load_pages(workplace.settings.home)
    from nicegui import ui

    from lesionkg.server.logs import set_up_logs
    from lesionkg.server.nonces import add_nonces
    from lesionkg.workbench import frame

    set_up_logs()
    add_nonces()
    app = create_api(workplace)
    frame.serve(workplace)
    ui.run_with(app, title="lesionkg", favicon=frame.FAVICON, dark=None, show_welcome_message=False, language="en-US")
    return app
