"""The history of the ontology on the page /ontology: revisions, undo with preview, and the difference of two."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from nicegui import ui

from kg.curation.describe import describe
from kg.curation.diff import diff
from kg.curation.diff_text import diff_text
from kg.curation.history import RevisionEntry, as_of, revisions
from kg.curation.payload import RevisionKind
from kg.ontology import Ontology
from lesionkg.server.people import Role
from lesionkg.workbench import ontology_decisions, parts
from lesionkg.workbench.frame import calm, confirm, in_thread, place, user
from lesionkg.workbench.ontology_impact import draw_preview

_MOST = 6
"""Changes of a revision that are told before the rest is only counted."""

_REVISIONS = 100
"""Revisions that are listed."""


class Page(Protocol):
    """What this view needs of its page."""

    async def saved(self, view: str) -> None:
        """Show the newest revision, and another view."""


class HistoryView:
    """Revisions, newest first.

    Args:
        page: the page.
        ontology: of the newest revision.
        label: id of the label that is shown.
        cohort: lesions on which an undo is measured.
    """

    def __init__(self, page: Page, ontology: Ontology, label: str, cohort: str) -> None:
        self._page, self._ontology, self._label, self._cohort = page, ontology, label, cohort
        self._names = {k.id: k.name for k in ontology.labels}

    async def draw(self) -> None:
        """Draw the view into the open element."""
        name = self._names.get(self._label, "")
        everything = await in_thread(revisions, place().store, "", "", "", "", _REVISIONS)
        choices = {"": "All labels", **({self._label: f"Only {name}"} if name else {})}
        with parts.panel(mark="history"):
            with ui.row().classes("lk-onto-actions"):
                chosen = ui.select(choices, value="", label="Revisions about").props(
                    'dense outlined options-dense data-mark="history-of"'
                )
                ui.space()
                self._draw_diff([entry.sequence for entry in everything])
            self._list = ui.element("div").classes("lk-onto-column")
        self._draw_list(everything, "")

        async def filter_() -> None:
            found = await in_thread(revisions, place().store, chosen.value or "", "", "", "", _REVISIONS)
            self._draw_list(found, chosen.value or "")

        chosen.on_value_change(calm(filter_))

    def _draw_list(self, found: list[RevisionEntry], label: str) -> None:
        self._list.clear()
        with self._list:
            if not found:
                parts.empty("No revision touched this label since it was loaded.")
            for entry in found:
                self._draw_entry(entry, label)

    def _draw_entry(self, entry: RevisionEntry, label: str) -> None:
        with ui.element("article").classes("lk-onto-revision").props(f'data-mark="revision-{entry.sequence}"'):
            with ui.element("div").classes("lk-onto-line"):
                ui.label(f"Revision {entry.sequence}").classes("lk-onto-strong")
                ui.label(entry.kind or "older").classes("lk-chip")
                ui.label(f"{entry.author or 'somebody'} · {entry.created[:16].replace('T', ' ')} UTC").classes(
                    "lk-quiet"
                )
                if entry.undone_by:
                    ui.label(f"taken back by revision {entry.undone_by}").classes("lk-warn lk-small")
                if entry.undoes:
                    ui.label(f"takes revision {entry.undoes} back").classes("lk-warn lk-small")
                ui.space()
                changes = entry.kind in (RevisionKind.CHANGE, RevisionKind.UNDO)
                if changes and not entry.undone_by and user().role >= Role.CURATOR:
                    ui.button("Undo", icon="undo", on_click=calm(self._undoer(entry))).props(
                        f'flat dense no-caps data-mark="undo-{entry.sequence}"'
                    )
            for title, text in self._told(entry).items():
                if text:
                    ui.label(f"{title}: {text}").classes("lk-small" if title != "Reason" else "")
            self._draw_changes(entry, label)

    def _told(self, entry: RevisionEntry) -> Mapping[str, str]:
        made = entry.change_set
        return {
            "Reason": entry.reason,
            "Source": entry.source,
            "Impact": made.impact if made else "",
            "Review": made.review if made else "",
            "Warnings overridden": "; ".join(f"{rule}: {why}" for rule, why in entry.overrides.items()),
        }

    def _draw_changes(self, entry: RevisionEntry, label: str) -> None:
        if entry.change_set is None:
            parts.empty("Its changes were not kept.")
            return
        changes = [c for c in entry.change_set.changes if not label or _about(c, label)]
        for change in changes[:_MOST]:
            ui.label(f"· {describe(change, self._names)}").classes("lk-onto-change")
        if len(changes) > _MOST:
            ui.label(f"+ {len(changes) - _MOST:,} more changes").classes("lk-quiet lk-small")

    def _undoer(self, entry: RevisionEntry) -> Callable[[], Awaitable[None]]:
        async def ask() -> None:
            user().require(Role.CURATOR)
            change_set, found = await in_thread(ontology_decisions.undo_preview, place(), entry.sequence, self._cohort)
            with ui.dialog() as dialog, ui.card().classes("lk-onto-dialog").props('data-mark="undo-dialog"'):
                with ui.element("h2").classes("lk-heading"):
                    ui.label(f"Take revision {entry.sequence} back")
                for change in change_set.changes[:_MOST]:
                    ui.label(f"· {describe(change, self._names)}")
                if len(change_set.changes) > _MOST:
                    ui.label(f"+ {len(change_set.changes) - _MOST:,} more changes").classes("lk-quiet")
                draw_preview(found, self._names)
                reason = (
                    ui.textarea("Reason").props('dense outlined autogrow data-mark="undo-reason"').classes("w-full")
                )

                async def undo() -> None:
                    done = await in_thread(
                        ontology_decisions.undo, place(), user(), entry.sequence, str(reason.value or "")
                    )
                    dialog.close()
                    confirm(f"Revision {entry.sequence} was taken back by revision {done}")
                    await self._page.saved("history")

                with ui.row().classes("lk-onto-actions"):
                    ui.button("Cancel", on_click=dialog.close).props("flat no-caps")
                    ui.button("Undo", on_click=calm(undo)).props('unelevated no-caps data-mark="undo"')
            dialog.open()

        return ask

    def _draw_diff(self, numbers: list[int]) -> None:
        if len(numbers) < 2:
            return
        form = "dense outlined options-dense"
        first = ui.select(numbers, value=numbers[1], label="From").props(f'{form} data-mark="diff-from"')
        second = ui.select(numbers, value=numbers[0], label="To").props(f'{form} data-mark="diff-to"')

        async def compare() -> None:
            text = await in_thread(_difference, int(first.value), int(second.value))
            with ui.dialog() as dialog, ui.card().classes("lk-onto-dialog").props('data-mark="diff-dialog"'):
                with ui.element("h2").classes("lk-heading"):
                    ui.label(f"Revision {first.value} → {second.value}")
                ui.label(text).classes("lk-mono lk-onto-text")
                ui.button("Close", on_click=dialog.close).props("flat no-caps")
            dialog.open()

        ui.button("Compare", on_click=calm(compare)).props('outline dense no-caps data-mark="compare"')


def _difference(first: int, second: int) -> str:
    store = place().store
    return diff_text(diff(as_of(store, first), as_of(store, second)))


def _about(change: object, label: str) -> bool:
    from kg.curation.change_set import ChangeSet

    return label in ChangeSet((change,)).labels  # type: ignore[arg-type]
