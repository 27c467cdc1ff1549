"""The page /ontology: labels on the left, and on the right one label's card, graph, history, and what is to change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from nicegui import ui

from kg.errors import LesionKGError, UsageError
from kg.graph_cohort import OFFICIAL
from kg.ontology import Label, Ontology
from kg.revision import head
from lesionkg.server.people import Role
from lesionkg.workbench import ontology_decisions, ontology_work, parts
from lesionkg.workbench.frame import calm, in_thread, page, place, user
from lesionkg.workbench.ontology_card import draw_card, draw_facts
from lesionkg.workbench.ontology_drawing import GraphView
from lesionkg.workbench.ontology_edits import Editor
from lesionkg.workbench.ontology_history import HistoryView
from lesionkg.workbench.ontology_pending import PendingView
from lesionkg.workbench.ontology_proposals import ProposalsView
from lesionkg.workbench.ontology_tree import TreePanel
from queries.label_facts import label_facts, run_figures
from queries.label_view import label_view

_VIEWS = {"card": "Card", "graph": "Graph", "history": "History", "proposals": "Proposals", "changes": "Your changes"}
_POLL_S = 5.0


@page("/ontology", "Ontology")
async def show(label: str = "", view: str = "card", label_set: str = "", kind: str = "") -> None:
    """Build the page.

    Args:
        label: id or preferred name of the label that is shown; the first by name when empty.
        view: ``card``, ``graph``, ``history``, ``proposals`` or ``changes``.
        label_set: name of the label set that the tree is limited to.
        kind: the class that the tree is limited to.
    """
    ontology = await in_thread(place().ontology)
    revision = (await in_thread(head, place().store)).sequence
    await _OntologyPage(ontology, revision, view if view in _VIEWS else "card").build(label, label_set, kind)


class _OntologyPage:
    """What one visitor sees; every visit has its own."""

    def __init__(self, ontology: Ontology, revision: int, view: str) -> None:
        self._ontology, self._revision, self._view = ontology, revision, view

    async def build(self, label: str, label_set: str, label_class: str) -> None:
        """Draw everything."""
        chosen = self._ontology.label(label) if label else self._first(label_set)
        cohorts = await in_thread(ontology_work.previews(place()).cohorts)
        self._cohort = cohorts[0] if cohorts else OFFICIAL
        with ui.element("div").classes("lk-onto") as self._root:
            self._tree = TreePanel(self._ontology, label_set, label_class, self.choose)
            with ui.element("div").classes("lk-onto-main"):
                self._news = ui.element("div")
                self._head = ui.element("div").classes("lk-onto-head")
                self._tabs = ui.element("div").classes("lk-onto-tabs").props('role=tablist aria-label="Views"')
                self._content = ui.element("div").classes("lk-onto-content").props("role=tabpanel tabindex=-1")
        ui.run_javascript(
            "if (!window.lkBack) { window.lkBack = true; addEventListener('popstate', () => location.reload()); }"
        )
        ui.timer(_POLL_S, calm(self._poll))
        self._label = chosen
        await self._draw()

    async def choose(self, label_id: str) -> None:
        """Show another label."""
        if label_id not in self._ontology.by_id:
            raise UsageError(f"label {label_id}: this revision has none; reload the page")
        self._label = self._ontology.by_id[label_id]
        if self._view in ("proposals", "changes"):
            self._view = "card"
        self._push()
        await self._draw()

    async def changed(self) -> None:
        """Show that the pending changes are others."""
        with self._root:
            if self._view == "changes":
                await self._draw()
            else:
                await self._draw_tabs()

    async def saved(self, view: str) -> None:
        """Show the newest revision, and another view."""
        with self._root:
            await self._renew()
            self._view = view
            self._push()
            await self._draw()

    async def _renew(self) -> None:
        self._ontology = await in_thread(place().ontology)
        self._revision = (await in_thread(head, place().store)).sequence
        self._label = self._ontology.by_id.get(self._label.id) or self._first("")
        self._news.clear()
        self._tree.renew(self._ontology)

    async def _poll(self) -> None:
        """Say that somebody made another revision."""
        newest = (await in_thread(head, place().store)).sequence
        if newest == self._revision or self._news.is_deleted or list(self._news):
            return

        async def reload() -> None:
            await self.saved(self._view)

        with self._news, ui.element("div").classes("lk-note lk-onto-line").props('role=status data-mark="news"'):
            ui.label(f"Revision {newest} is here; you see revision {self._revision}.")
            ui.button("Show it", on_click=calm(reload)).props("flat dense no-caps")

    def _first(self, label_set: str) -> Label:
        labels = self._ontology.labels
        if label_set:
            members = set(self._ontology.label_set(label_set).members)
            labels = tuple(k for k in labels if k.id in members)
        if not labels:
            raise UsageError("ontology: has no labels; `lesionkg ontology import` loads some")
        return min(labels, key=lambda k: (k.deprecated, k.name))

    def _push(self) -> None:
        ui.navigate.history.push(f"/ontology?{urlencode({'label': self._label.id, 'view': self._view})}")

    async def _draw(self) -> None:
        self._tree.choose(self._label.id)
        self._draw_head()
        await self._draw_tabs()
        self._content.clear()
        with self._content:
            await self._draw_view()

    def _draw_head(self) -> None:
        label, editor = self._label, Editor(self, self._ontology, self._label)
        self._head.clear()
        with self._head:
            with ui.element("div").classes("lk-onto-line"):
                parts.title(label.name)
                ui.label(label.label_class.value).classes(f"lk-chip lk-{label.label_class.value}")
                ui.label(label.id).classes("lk-mono lk-quiet")
                ui.space()
                if editor.allowed:
                    ui.button("Rename", on_click=calm(_soon(editor.rename))).props("flat dense no-caps")
                    with ui.button("More", icon="expand_more").props('flat dense no-caps data-mark="more"'), ui.menu():
                        ui.menu_item("Another class", calm(_soon(editor.reclassify)))
                        if label.deprecated:
                            ui.menu_item("Use it again", calm(editor.revive))
                        else:
                            ui.menu_item("Deprecate", calm(_soon(editor.deprecate)))
                            ui.menu_item("Merge into another", calm(_soon(editor.merge)))
                        ui.menu_item("New label", calm(_soon(editor.new_label)))
            if label.deprecated:
                with ui.element("div").classes("lk-note lk-onto-line").props('data-mark="deprecated"'):
                    ui.label("Deprecated." if not label.replaced_by else "Deprecated; replaced by")
                    other = self._ontology.by_id.get(label.replaced_by)
                    if other:
                        parts.label_chip(other.id, other.name, other.label_class.value)

    async def _draw_tabs(self) -> None:
        pending = await in_thread(ontology_work.count_entries, place(), user())
        waiting = len(await in_thread(ontology_decisions.open_proposals, place()))
        self._tabs.clear()
        with self._tabs:
            for view, title in _VIEWS.items():
                if view == "changes" and user().role < Role.CURATOR:
                    continue
                number = {"changes": pending, "proposals": waiting}.get(view, 0)
                here = view == self._view
                tab = ui.button(on_click=calm(self._switcher(view))).props(
                    f'flat dense no-caps role=tab data-mark="view-{view}" aria-selected={"true" if here else "false"}'
                )
                tab.classes("lk-onto-tab" + (" lk-onto-here" if here else ""))
                with tab:
                    ui.label(title)
                    if number:
                        ui.label(str(number)).classes("lk-onto-badge")

    def _switcher(self, view: str) -> Callable[[], Awaitable[None]]:
        async def switch() -> None:
            self._view = view
            self._push()
            with self._root:
                await self._draw()

        return switch

    async def _draw_view(self) -> None:
        names = {k.id: k.name for k in self._ontology.labels}
        match self._view:
            case "graph":
                GraphView(self._ontology, self._label.id, self.choose).draw()
            case "history":
                await HistoryView(self, self._ontology, self._label.id, self._cohort).draw()
            case "proposals":
                await ProposalsView(self, names, self._cohort).draw()
            case "changes":
                await PendingView(self, self._cohort, "").draw()
            case _:
                self._draw_card()

    def _draw_card(self) -> None:
        label_id = self._label.id
        shown = label_view(self._ontology, label_id)
        facts = draw_card(shown, Editor(self, self._ontology, self._label), self.choose)

        async def fill() -> None:
            found = await in_thread(label_facts, place().store, label_id)
            try:
                figures, told = await in_thread(run_figures, place().runs, label_id, found.models), ""
            except LesionKGError as error:
                figures, told = (), str(error)
            if facts.is_deleted:
                return
            facts.clear()
            with facts:
                draw_facts(found, figures, label_id, self.choose)
                if told:
                    ui.label(told).classes("lk-note")

        ui.timer(0.01, calm(fill), once=True)


def _soon(open_: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    """A dialog's opening as the handler of an event."""

    async def opened() -> None:
        open_()

    return opened
