"""The left side of the page /ontology: labels to search, filter and walk, with the keyboard too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments, ValueChangeEventArguments

from kg.ontology import LabelClass, Ontology
from lesionkg.workbench import parts
from queries.label_tree import Branch, Hit, LabelTree

CLASS_NAMES = {LabelClass.BODYPART: "Body parts", LabelClass.TYPE: "Types", LabelClass.ATTRIBUTE: "Attributes"}
_EVERY = ""

_KEYS = """(e) => {
  const rows = [...e.currentTarget.querySelectorAll('[role=treeitem]')].filter((r) => r.offsetParent !== null);
  const row = e.target.closest('[role=treeitem]');
  const at = rows.indexOf(row);
  if (at < 0 || e.ctrlKey || e.metaKey || e.altKey) return;
  const go = (r) => { if (!r) return; rows.forEach((x) => { x.tabIndex = -1; }); r.tabIndex = 0; r.focus(); };
  const open = row.getAttribute('aria-expanded');
  const twist = () => row.querySelector('.lk-onto-twist').click();
  if (e.key === 'ArrowDown') go(rows[at + 1]);
  else if (e.key === 'ArrowUp') at ? go(rows[at - 1]) : document.querySelector('.lk-onto-search input').focus();
  else if (e.key === 'Home') go(rows[0]);
  else if (e.key === 'End') go(rows[rows.length - 1]);
  else if (e.key === 'ArrowRight') { if (open === 'false') twist(); else if (open === 'true') go(rows[at + 1]); }
  else if (e.key === 'ArrowLeft') {
    if (open === 'true') twist(); else go(row.parentElement.closest('[role=treeitem]'));
  }
  else if (e.key === 'Enter' || e.key === ' ') row.querySelector('.lk-onto-row').click();
  else return;
  e.preventDefault();
  e.stopPropagation();
}"""
"""Arrows walk the visible rows, Enter chooses; holds no data."""

_DOWN = """(e) => {
  if (e.key === 'ArrowDown') {
    const first = document.querySelector('.lk-onto-tree [role=treeitem]');
    if (first) { first.focus(); e.preventDefault(); }
  } else if (e.key === 'Enter') emit(e.target.value);
}"""
"""From the search field down to what was found; Enter takes the first."""

_SLASH = """
if (!window.lkOntologyKeys) {
  window.lkOntologyKeys = true;
  document.addEventListener('keydown', (e) => {
    const field = document.querySelector('.lk-onto-search input');
    const writing = e.target.closest('input, textarea, [contenteditable=true], .cm-editor');
    if (e.key === '/' && field && !writing && !e.ctrlKey && !e.metaKey) { field.focus(); e.preventDefault(); }
  });
}
"""
"""The key / goes to the search field."""


class TreePanel:
    """The tree with its search field.

    Args:
        ontology: whose labels.
        label_set: name of the label set that it is limited to; empty for all labels.
        label_class: the class that it is limited to; empty for all.
        choose: called with the id of a label that somebody chose.
    """

    def __init__(
        self, ontology: Ontology, label_set: str, label_class: str, choose: Callable[[str], Awaitable[None]]
    ) -> None:
        self._ontology, self._choose = ontology, choose
        self._set, self._class = label_set, label_class
        self._rows: dict[tuple[str, ...], _Row] = {}
        self._chosen = ""
        self._hits: tuple[Hit, ...] | None = None
        self._build()

    def renew(self, ontology: Ontology) -> None:
        """Show another revision."""
        self._ontology = ontology
        self._draw()

    def choose(self, label_id: str) -> None:
        """Mark a label as the one that is shown, and open the way to it."""
        self._chosen = label_id
        path = self._tree.path_to(label_id)
        if not self._words.value:
            for length in range(1, len(path)):
                row = self._rows.get(path[:length])
                if row is not None:
                    row.open()
        for key, row in self._rows.items():
            row.mark(key[-1] == label_id)
        shown = self._rows.get(path) or next((r for k, r in self._rows.items() if k[-1] == label_id), None)
        if shown is not None:
            ui.run_javascript(f"getHtmlElement({shown.item.id})?.scrollIntoView({{block: 'nearest'}})")

    def _build(self) -> None:
        with parts.panel(mark="ontology-tree") as panel:
            panel.classes("lk-onto-side")
            self._words = (
                ui.input(placeholder="Name, synonym, id or RID", on_change=self._search)
                .props('dense outlined clearable debounce=120 aria-label="Search labels"')
                .classes("lk-onto-search w-full")
                .on("keydown", self._first, js_handler=_DOWN)
            )
            with self._words.add_slot("append"):
                ui.label("/").classes("lk-onto-key").props("aria-hidden=true")
            with ui.row().classes("lk-onto-filters"):
                sets = {_EVERY: "All labels", **{s.name: s.name for s in self._ontology.label_sets}}
                ui.select(sets, value=self._set if self._set in sets else _EVERY, label="Label set").props(
                    "dense outlined options-dense"
                ).on_value_change(self._filter_set)
                classes = {_EVERY: "All classes", **{k.value: name for k, name in CLASS_NAMES.items()}}
                ui.select(classes, value=self._class if self._class in classes else _EVERY, label="Class").props(
                    "dense outlined options-dense"
                ).on_value_change(self._filter_class)
            self._told = ui.label().classes("lk-quiet lk-small").props('data-mark="tree-count" aria-live=polite')
            self._list = (
                ui.element("ul")
                .props('role=tree aria-label="Labels"')
                .classes("lk-onto-tree")
                .on("keydown", js_handler=_KEYS)
            )
        ui.run_javascript(_SLASH)
        self._draw()

    def _filter_set(self, event: ValueChangeEventArguments[Any]) -> None:
        self._set = event.value or ""
        self._draw()

    def _filter_class(self, event: ValueChangeEventArguments[Any]) -> None:
        self._class = event.value or ""
        self._draw()

    def _search(self) -> None:
        self._draw()

    async def _first(self, event: GenericEventArguments) -> None:
        """Take the best fit of what is written in the field."""
        found = self._tree.search(str(event.args or ""), 1)
        if found:
            await self._choose(found[0].branch.id)

    def _draw(self) -> None:
        chosen = LabelClass(self._class) if self._class else None
        known = {s.name for s in self._ontology.label_sets}
        self._tree = LabelTree(self._ontology, self._set if self._set in known else "", chosen)
        words = str(self._words.value or "").strip()
        hits = self._tree.search(words) if words else None
        if hits is not None and hits == self._hits:
            return  # drawing the same again would take the focus away
        self._hits = hits
        self._rows = {}
        self._list.clear()
        with self._list:
            if hits is not None:
                self._draw_hits(hits)
            else:
                self._draw_classes([chosen] if chosen else list(LabelClass))
        if self._chosen:
            self.choose(self._chosen)

    def _draw_hits(self, hits: Sequence[Hit]) -> None:
        self._told.set_text(f"{len(hits)} of {len(self._tree)} labels" if hits else "No label has these words.")
        for hit in hits:
            self._rows[(hit.branch.id,)] = _Row(self, hit.branch, (hit.branch.id,), 1, hit.because, flat=True)

    def _draw_classes(self, classes: Sequence[LabelClass]) -> None:
        self._told.set_text(f"{len(self._tree)} labels")
        own = self._ontology.by_id.get(self._chosen)
        first = own.label_class if own and own.label_class in classes else classes[0]
        for label_class in classes:
            top = self._tree.top(label_class)
            if not top:
                continue
            with ui.element("li").props("role=treeitem tabindex=-1 aria-level=1") as item:
                head = ui.element("div").classes("lk-onto-row lk-onto-class")
                with head:
                    ui.element("span").classes("lk-onto-twist")
                    ui.label(CLASS_NAMES[label_class])
                    ui.label(str(len(top))).classes("lk-onto-count")
            _Branches(self, item, head, top, (), 2, opened=label_class is first, whole_row=True)

    def fill(self, branches: Sequence[Branch], path: tuple[str, ...], level: int) -> None:
        """Draw labels below one another's parent, inside the list that is open."""
        for branch in branches:
            below = (*path, branch.id)
            self._rows[below] = _Row(self, branch, below, level)

    def children(self, label_id: str) -> tuple[Branch, ...]:
        """Labels directly below one."""
        return self._tree.children(label_id)

    async def select(self, label_id: str) -> None:
        """Tell that somebody chose a label."""
        await self._choose(label_id)


class _Branches:
    """A row that opens and closes; what is below it is drawn when it opens for the first time."""

    def __init__(
        self,
        panel: TreePanel,
        item: ui.element,
        head: ui.element,
        branches: Sequence[Branch] | None,
        path: tuple[str, ...],
        level: int,
        opened: bool = False,
        whole_row: bool = False,
    ) -> None:
        self._panel, self._item, self._path, self._level = panel, item, path, level
        self._branches = branches
        self._group: ui.element | None = None
        self._opened = False
        item.props["aria-expanded"] = "false"
        twist = head if whole_row else next(iter(head))
        twist.on("click.stop", self.toggle)
        if opened:
            self.open()

    def toggle(self) -> None:
        """Open or close."""
        if self._opened:
            self._set(False)
        else:
            self.open()

    def open(self) -> None:
        """Show what is below."""
        if self._group is None:
            branches = self._panel.children(self._path[-1]) if self._branches is None else self._branches
            with self._item, ui.element("ul").props("role=group") as self._group:
                self._panel.fill(branches, self._path, self._level)
        self._set(True)

    def _set(self, opened: bool) -> None:
        self._opened = opened
        self._item.props["aria-expanded"] = "true" if opened else "false"
        self._item.update()
        if self._group is not None:
            self._group.set_visibility(opened)


class _Row:
    """One label."""

    def __init__(
        self,
        panel: TreePanel,
        branch: Branch,
        path: tuple[str, ...],
        level: int,
        because: str = "",
        flat: bool = False,
    ) -> None:
        self._branches: _Branches | None = None
        with ui.element("li").props("role=treeitem tabindex=-1 aria-selected=false") as self.item:
            self.item.props["aria-level"] = str(level)
            self.item.props["data-label"] = branch.id
            with ui.element("div").classes("lk-onto-row") as row:
                ui.element("span").classes("lk-onto-twist")
                ui.label(branch.name).classes(f"lk-onto-name lk-onto-{branch.label_class.value}")
                if branch.deprecated:
                    row.classes("lk-onto-gone")
                    ui.label(f"→ {branch.replacement}" if branch.replacement else "out of use").classes("lk-onto-count")
                elif branch.children and not flat:
                    ui.label(str(branch.children)).classes("lk-onto-count")
                if because:
                    ui.label(because).classes("lk-onto-because")
            row.on("click", lambda: panel.select(branch.id))
        if branch.children and not flat:
            self._branches = _Branches(panel, self.item, row, None, path, level + 1)

    def open(self) -> None:
        """Show what is below it."""
        if self._branches is not None:
            self._branches.open()

    def mark(self, chosen: bool) -> None:
        """Show whether it is the label that is shown."""
        wanted = "true" if chosen else "false"
        if self.item.props.get("aria-selected") != wanted:
            self.item.props["aria-selected"] = wanted
            self.item.update()
