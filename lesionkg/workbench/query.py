"""The page /query: named queries with forms, free Cypher, and their results."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping

from nicegui import ui

from kg.errors import LesionKGError, QueryCancelledError
from lesionkg.server.people import Role
from lesionkg.workbench import parts
from lesionkg.workbench.frame import calm, confirm, in_thread, page, place, user
from lesionkg.workbench.query_desk import (
    history_of,
    prepare,
    read_schema_once,
    remember,
    remove,
    resolved,
    said_of,
    saved_queries,
)
from lesionkg.workbench.query_editor import EXAMPLE, CypherEditor
from lesionkg.workbench.query_form import ParameterForm
from lesionkg.workbench.query_links import QueryLink
from lesionkg.workbench.query_results import ResultView, answered
from lesionkg.workbench.query_save import save_dialog
from lesionkg.workbench.query_side import SidePanel
from lesionkg.workbench.review_kept import kept
from queries.catalogue import NamedQuery, catalogue, named
from queries.choices import Choices, read_choices
from queries.history import Asked
from queries.saved import SavedQuery


@page("/query", "Query")
async def show() -> None:
    """Build the page."""
    here = QueryLink.of(ui.context.client.request.query_params)
    parts.title("Query")
    choices = await in_thread(lambda: kept().get("choices", lambda: read_choices(place().store)))
    shown = QueryPage(here, choices)
    await shown.build()
    await ui.context.client.connected()
    await shown.begin()


class QueryPage:
    """One query, named or free, with its result, and the lists beside it.

    Args:
        here: what the address names.
        choices: what parameters may be.
    """

    def __init__(self, here: QueryLink, choices: Choices) -> None:
        self._here, self._choices = here, choices
        self._query: NamedQuery | None = None
        self._editor: CypherEditor | None = None
        self._form: ParameterForm | None = None
        self._running: threading.Event | None = None

    async def build(self) -> None:
        """Show the page, without what takes time."""
        with ui.element("div").classes("lk-q-shell"):
            with parts.panel(mark="side") as side:
                side.classes("lk-q-side")
                self._side = SidePanel(list(catalogue().values()), self._here, self._again, self._insert, self._remove)
            with ui.element("div").classes("lk-q-main"):
                with parts.panel(mark="query") as self._main:
                    pass
                with parts.panel(mark="result") as self._result:
                    pass
        self._result.set_visibility(False)
        ui.context.client.on_delete(self._cancel)
        if self._here.name:
            self._show_named(named(self._here.name), self._here.given)
        elif self._here.saved:
            found = await in_thread(saved_queries().read, self._here.saved)
            self._show_free(found.text, self._here.given, found.title)
        else:
            self._show_free(self._here.cypher or EXAMPLE, self._here.given)

    async def begin(self) -> None:
        """What takes time: the lists beside the query, and a named query whose parameters are all given."""
        await self._list_saved()
        await self._list_history()
        query = self._query
        if query and all(p.default is not None or self._here.given.get(p.name) for p in query.parameters):
            await self._run()
        view = await in_thread(read_schema_once)
        if not ui.context.client.is_deleted:
            self._side.schema(view)
        place().desk.warm()

    def _show_named(self, query: NamedQuery, given: Mapping[str, str]) -> None:
        self._query, self._editor = query, None
        self._main.clear()
        with self._main:
            ui.label(query.title).classes("lk-q-title")
            ui.label(query.question)
            self._form = ParameterForm(query.parameters, self._choices, given)
            with ui.row().classes("lk-q-actions"):
                self._run_buttons()
                ui.button("Edit as Cypher", icon="edit", on_click=self._edit).props(
                    'flat dense no-caps data-mark="edit"'
                )
                self._link_button()

    def _show_free(self, text: str, given: Mapping[str, str], title: str = "") -> None:
        self._query, self._form = None, None
        self._main.clear()
        with self._main:
            if title:
                ui.label(title).classes("lk-q-title")
            self._editor = CypherEditor(text, given, self._choices, self._run)
            with ui.row().classes("lk-q-actions"):
                self._run_buttons()
                ui.button("Save", icon="save", on_click=self._save).props('flat dense no-caps data-mark="save"')
                self._link_button()
                ui.space()
                ui.label("Reads only. Ctrl+Enter runs.").classes("lk-quiet lk-small")

    def _run_buttons(self) -> None:
        self._run_button = ui.button("Run", icon="play_arrow", on_click=self._run).props(
            'unelevated dense no-caps padding="4px 14px" data-mark="run"'
        )
        self._cancel_button = ui.button("Cancel", icon="stop", on_click=self._cancel).props(
            'outline dense no-caps padding="4px 14px" data-mark="cancel"'
        )
        self._cancel_button.set_visibility(False)

    def _link_button(self) -> None:
        ui.button("Copy link", icon="link", on_click=self._copy_link).props('flat dense no-caps data-mark="copy-link"')

    @property
    def _link(self) -> QueryLink:
        """The address of what the page shows now."""
        if self._query and self._form:
            return QueryLink(name=self._query.name, given=self._form.values)
        editor = self._editor
        return QueryLink(cypher=editor.text, given=editor.given) if editor else QueryLink()

    # Running ---------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        if self._running is not None:
            return
        link, cancelled = self._link, threading.Event()
        self._running = cancelled
        self._busy(True)
        try:
            await self._ask(link, cancelled)
        except LesionKGError as error:
            self._failed(error)
            await in_thread(remember, user(), link, said_of(error))
        finally:
            self._running = None
            self._busy(False)
        await self._list_history()

    async def _ask(self, link: QueryLink, cancelled: threading.Event) -> None:
        if self._editor:
            self._editor.calm()
        who = user()
        request = await in_thread(prepare, who, link)
        result = await place().desk.answered(request, None, cancelled)
        answer = await in_thread(answered, request, result)
        rows = f"{len(result.rows):,}{' and more' if result.truncated else ''} rows, {result.seconds:.2f} s"
        await in_thread(remember, who, link, rows)
        self._result.clear()
        self._result.set_visibility(True)
        with self._result:
            ResultView(answer, place().desk.limits)
        if link.fits:
            ui.navigate.history.replace(link.path)

    def _busy(self, busy: bool) -> None:
        self._run_button.set_visibility(not busy)
        self._cancel_button.set_visibility(busy)
        if busy:
            self._result.clear()
            self._result.set_visibility(True)
            with self._result, ui.row().classes("items-center").props('data-mark="busy"'):
                ui.spinner(size="sm")
                ui.label(f"Asking the graph; ended after {place().desk.limits.seconds:g} s").classes("lk-quiet")

    def _failed(self, error: LesionKGError) -> None:
        self._result.clear()
        if self._editor and not isinstance(error, QueryCancelledError):
            self._result.set_visibility(False)
            self._editor.complain(error)
            return
        with self._result:
            ui.label(str(error)).classes("lk-note" if isinstance(error, QueryCancelledError) else "lk-problem").props(
                'role=alert data-mark="problem"'
            )

    def _cancel(self) -> None:
        if self._running is not None:
            self._running.set()

    # What stands beside it -------------------------------------------------------------------------------------------

    async def _list_saved(self) -> None:
        who = user()
        self._side.saved(
            await in_thread(saved_queries().all), lambda query: query.author == who.name or who.role >= Role.CURATOR
        )

    async def _list_history(self) -> None:
        self._side.history(await in_thread(history_of, user()))

    async def _again(self, asked: Asked) -> None:
        if asked.name in catalogue():
            self._show_named(named(asked.name), asked.given)
        else:
            self._show_free(asked.cypher, asked.given)
        await self._run()

    async def _insert(self, text: str) -> None:
        if self._editor is None:
            self._show_free("", {})
        if self._editor:
            self._editor.insert(text)

    @calm
    async def _edit(self) -> None:
        if self._query and self._form:
            given = await in_thread(resolved, self._query, self._form.values)
            self._show_free(self._query.text, given, f"{self._query.title}, a copy")

    @calm
    async def _save(self) -> None:
        if self._editor is None:
            return
        saved = await save_dialog(self._editor.text, saved_queries(), user())
        if saved is not None:
            confirm(f"Saved as {saved.name}")
            ui.navigate.history.replace(QueryLink(saved=saved.name).path)
            await self._list_saved()

    @calm
    async def _remove(self, query: SavedQuery) -> None:
        who = user()
        if query.author != who.name:
            who.require(Role.CURATOR)
        await in_thread(remove, who, query.name)
        confirm(f"Removed {query.name}")
        await self._list_saved()

    async def _copy_link(self) -> None:
        link = self._link
        if not link.fits:
            ui.notify("The text is too long for a link: save the query and pass its address on", type="warning")
            return
        ui.run_javascript(f"navigator.clipboard.writeText(location.origin + {json.dumps(link.path)})")
        confirm("The link is in the clipboard" if link.name else "The link is in the clipboard; it fills the editor")
