"""The panel beside a query: named and saved queries, what was asked before, and the schema."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui

from lesionkg.workbench import parts
from lesionkg.workbench.query_links import QueryLink
from queries.catalogue import NamedQuery
from queries.history import Asked
from queries.saved import SavedQuery
from queries.schema_view import SchemaView


class SidePanel:
    """Four lists on tabs; built where it is made.

    Args:
        named: the named queries.
        here: the query that the page shows.
        rerun: called with what was asked before, to ask it again.
        insert: called with a text to put into the editor.
        remove: called with a saved query that is to be removed.
    """

    def __init__(
        self,
        named: Sequence[NamedQuery],
        here: QueryLink,
        rerun: Callable[[Asked], Awaitable[None]],
        insert: Callable[[str], Awaitable[None]],
        remove: Callable[[SavedQuery], Awaitable[None]],
    ) -> None:
        self._here, self._rerun, self._insert, self._remove = here, rerun, insert, remove
        with ui.tabs().props("dense no-caps align=justify").classes("lk-q-sidetabs") as tabs:
            pages = [ui.tab(name).props(f'data-mark="side-{name}"') for name in ("Named", "Saved", "History", "Schema")]
        begin = pages[1] if here.saved else pages[0] if here.name else pages[3] if here.cypher else pages[0]
        with ui.tab_panels(tabs, value=begin, animated=False).props("keep-alive").classes("lk-q-sidepanels"):
            with ui.tab_panel(pages[0]):
                self._named(named)
            with ui.tab_panel(pages[1]):
                self._saved_list = ui.column().classes("lk-q-list").props('data-mark="saved"')
            with ui.tab_panel(pages[2]):
                self._history_list = ui.column().classes("lk-q-list").props('data-mark="history"')
            with ui.tab_panel(pages[3]):
                self._schema_list = ui.column().classes("lk-q-list").props('data-mark="schema"')
        with self._schema_list:
            parts.empty("Counting...")

    def _named(self, named: Sequence[NamedQuery]) -> None:
        find = ui.input(placeholder="Find a question").props('dense outlined clearable aria-label="Find a question"')
        find.classes("w-full")
        entries: list[tuple[str, ui.link]] = []
        with ui.column().classes("lk-q-list"):
            for query in named:
                here = query.name == self._here.name
                link = _entry(QueryLink(name=query.name).path, query.title, query.question, here)
                entries.append((f"{query.name} {query.title} {query.question}".lower(), link))

        def narrow() -> None:
            wanted = (find.value or "").lower().split()
            for text, link in entries:
                link.set_visibility(all(word in text for word in wanted))

        find.on_value_change(narrow)

    def saved(self, queries: Sequence[SavedQuery], may_remove: Callable[[SavedQuery], bool]) -> None:
        """Show the saved queries."""
        self._saved_list.clear()
        with self._saved_list:
            if not queries:
                parts.empty("None yet: write a query and save it; everybody who uses this data folder sees it.")
            for query in queries:
                with ui.row().classes("lk-q-saved"):
                    said = query.problem or query.question or (f"saved by {query.author}" if query.author else "")
                    _entry(QueryLink(saved=query.name).path, query.title, said, query.name == self._here.saved)
                    if may_remove(query):
                        ui.button(icon="delete", on_click=lambda query=query: self._remove(query)).props(
                            f'flat round dense size=sm aria-label="Remove {query.name}"'
                        ).classes("lk-icon")

    def history(self, asked: Sequence[Asked]) -> None:
        """Show what was asked before, newest first."""
        self._history_list.clear()
        with self._history_list:
            if not asked:
                parts.empty("What you ask is listed here, for you alone: the last 100 queries.")
            for one in asked:
                given = ", ".join(f"{name}: {value}" for name, value in one.given.items() if value)
                text = " ".join((one.name or one.cypher).split())
                with ui.element("button").classes("lk-q-asked").on("click", lambda one=one: self._rerun(one)) as button:
                    button.props('type=button aria-label="Run again"')
                    ui.label(text[:140] + ("..." if len(text) > 140 else "")).classes("" if one.name else "lk-mono")
                    ui.label(" · ".join(filter(None, (given, one.outcome, one.moment[:16].replace("T", " "))))).classes(
                        "lk-quiet lk-small"
                    )

    def schema(self, view: SchemaView) -> None:
        """Show the kinds of nodes and relationships."""
        self._schema_list.clear()
        with self._schema_list:
            ui.label("A click puts it into the query").classes("lk-quiet lk-small")
            ui.label("Nodes").classes("lk-q-kindhead")
            for node in view.nodes:
                with ui.element("div").classes("lk-q-kind"):
                    variable = node.name[0].lower()
                    self._insertion(node.name, f"({variable}:{node.name})", "lk-q-node")
                    ui.label(f"{node.count:,}").classes("lk-quiet lk-q-right")
                    with ui.element("div").classes("lk-q-properties"):
                        for name in node.properties:
                            self._insertion(name, name, "lk-q-property")
            ui.label("Relationships").classes("lk-q-kindhead")
            for kind in view.relationships:
                with ui.element("div").classes("lk-q-kind"):
                    start, stop = kind.ends[0] if kind.ends else ("", "")
                    ends = f"({':' if start else ''}{start})", f"({':' if stop else ''}{stop})"
                    self._insertion(kind.name, f"{ends[0]}-[:{kind.name}]->{ends[1]}", "lk-q-node")
                    ui.label(f"{kind.count:,}").classes("lk-quiet lk-q-right")
                    with ui.element("div").classes("lk-q-properties"):
                        said = "; ".join(f"{a} to {b}" for a, b in kind.ends)
                        ui.label(said or "none in this graph").classes("lk-quiet lk-small")
                        for name in kind.properties:
                            self._insertion(name, name, "lk-q-property")

    def _insertion(self, shown: str, text: str, style: str) -> None:
        with ui.element("button").props("type=button").classes(style).on("click", lambda: self._insert(text)):
            ui.label(shown)


def _entry(path: str, title: str, said: str, here: bool) -> ui.link:
    with ui.link(target=path).classes("lk-q-entry" + (" lk-q-here" if here else "")) as link:
        if here:
            link.props("aria-current=true")
        ui.label(title).classes("lk-q-entrytitle")
        if said:
            ui.label(said).classes("lk-quiet lk-small")
    return link
