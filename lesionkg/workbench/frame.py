"""What all pages share: the bar above, the notice below, the user, and how slow work and errors are handled."""

from __future__ import annotations

import functools
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from nicegui import app, run, ui

from kg.errors import LesionKGError
from kg.revision import Head, head
from lesionkg import __version__
from lesionkg.cli.context import RESEARCH_USE_ONLY
from lesionkg.server.people import User
from lesionkg.server.workplace import Workplace

P = ParamSpec("P")
T = TypeVar("T")

_served: list[Workplace] = []

FAVICON = Path(__file__).with_name("favicon.svg")
_STYLE = Path(__file__).with_name("theme.css").read_text(encoding="utf-8")
_THEME_COOKIE = "lesionkg_theme"

TABS = (
    ("Overview", "/", "space_dashboard"),
    ("Ontology", "/ontology", "account_tree"),
    ("Review", "/review", "fact_check"),
    ("Lesions", "/lesions", "image_search"),
    ("Query", "/query", "terminal"),
    ("Conflicts", "/conflicts", "bolt"),
    ("Models", "/models", "query_stats"),
)
"""Name, path and icon of each page in the bar."""


def serve(workplace: Workplace) -> None:
    """Say which workplace the pages of this process show."""
    _served[:] = [workplace]


def place() -> Workplace:
    """The workplace that the pages show."""
    return _served[0]


def user() -> User:
    """Who looks at the page that is being built, or whose event is handled."""
    found: User = ui.context.client.request.state.user
    return place().users.latest(found)


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work (the graph, files) beside the pages of others.

    Raises:
        LesionKGError: what the work raised.
        CancelledError: the server ends.
    """
    found = await run.io_bound(work, *args, **kwargs)
    if found is None and not app.is_started:
        raise CancelledError
    return cast(T, found)


def calm(handler: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """Make an event handler show the project's errors as a notification that stays until it is closed."""

    @functools.wraps(handler)
    async def handled(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await handler(*args, **kwargs)
        except LesionKGError as error:
            complain(str(error))

    return handled


def complain(message: str) -> None:
    """Show an error until it is closed."""
    ui.notification(message, type="negative", timeout=0, close_button="Close", multi_line=True, position="bottom")


def confirm(message: str) -> None:
    """Say that something was done."""
    ui.notification(message, type="positive", timeout=4, position="bottom")


def page(path: str, title: str) -> Callable[[Callable[P, Awaitable[None]]], Callable[P, Awaitable[None]]]:
    """Register an async function that builds a page inside the frame.

    Its arguments come from the path (``/lesions/{lesion}``) and the query string, as in FastAPI.
    """

    def register(build: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
        @ui.page(path, title=f"{title} - lesionkg", response_timeout=30)
        @functools.wraps(build)
        async def shown(*args: P.args, **kwargs: P.kwargs) -> None:
            client = ui.context.client
            try:
                await framed(*args, **kwargs)
            except Exception:
                if not client.is_deleted:  # else nobody looks any more, and nothing can be drawn
                    raise

        async def framed(*args: P.args, **kwargs: P.kwargs) -> None:
            await draw_frame(path)
            with ui.column().classes("lk-page"):
                try:
                    await build(*args, **kwargs)
                except LesionKGError as error:
                    with ui.element("div").classes("lk-problem").props("role=alert"):
                        ui.label(str(error))

        return shown

    return register


def _head() -> Head | None:
    try:
        return head(place().store)
    except LesionKGError:
        return None


async def draw_frame(path: str) -> None:
    """Draw the bar and the notice around a page; ``path`` says which tab is the current one."""
    ui.add_head_html(f"<style>{_STYLE}</style>")  # ui.add_css would need a script, which the CSP refuses
    ui.colors(
        primary="#0b6e78",
        secondary="#41576a",
        accent="#a8571b",
        positive="#2c7a4b",
        negative="#b3261e",
        warning="#8a5a00",
    )
    chosen = ui.context.client.request.cookies.get(_THEME_COOKIE)
    dark = ui.dark_mode({"dark": True, "light": False}.get(chosen or ""))
    found = await in_thread(_head)
    with ui.header(elevated=False).classes("lk-bar"):
        ui.link("Skip to content", "#content").classes("lk-skip")
        ui.link("lesionkg", "/").classes("lk-brand")
        with ui.element("nav").props("aria-label=Pages").classes("lk-tabs"):
            for name, target, icon in TABS:
                here = path == target or (target != "/" and path.startswith(target))
                with ui.link(target=target).classes("lk-tab" + (" lk-here" if here else "")) as link:
                    if here:
                        link.props("aria-current=page")
                    ui.icon(icon).props("aria-hidden=true")
                    ui.label(name)
        ui.space()
        if found is not None:
            ui.label(f"{found.ontology} · revision {found.sequence}").classes("lk-revision").props("data-mark=revision")
        ui.label(f"{user().name} · {user().role}").classes("lk-user")

        def switch() -> None:
            dark.value = not dark.value
            ui.run_javascript(
                f"document.cookie = '{_THEME_COOKIE}=' + "
                f"'{'dark' if dark.value else 'light'}; path=/; max-age=31536000; samesite=strict'"
            )

        if not place().settings.is_open:
            with ui.element("form").props('method=post action="/sign-out"'):
                ui.button(icon="logout").props('flat round dense type=submit aria-label="Sign out"').classes("lk-icon")
        ui.button(icon="contrast", on_click=switch).props('flat round dense aria-label="Dark or light"').classes(
            "lk-icon"
        )
    with ui.footer(elevated=False).classes("lk-foot"):
        ui.label(f"{RESEARCH_USE_ONLY}  lesionkg {__version__}")
    ui.element("div").props("id=content tabindex=-1")
