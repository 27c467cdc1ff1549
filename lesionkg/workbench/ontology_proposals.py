"""Proposals on the page /ontology: what they change and do, and what reviewers decide."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from nicegui import ui

from kg.curation.describe import describe
from kg.curation.proposal import Proposal, Status
from lesionkg.server.people import Role
from lesionkg.workbench import ontology_decisions, parts
from lesionkg.workbench.frame import calm, confirm, in_thread, place, user
from lesionkg.workbench.ontology_impact import draw_preview

_MOST = 8
"""Changes of a proposal that are told before the rest is only counted."""


class Page(Protocol):
    """What this view needs of its page."""

    async def saved(self, view: str) -> None:
        """Show the newest revision, and another view."""


class ProposalsView:
    """Proposals, newest first.

    Args:
        page: the page.
        names: preferred names by label id.
        cohort: lesions on which the impact is measured.
    """

    def __init__(self, page: Page, names: Mapping[str, str], cohort: str) -> None:
        self._page, self._names, self._cohort = page, names, cohort

    async def draw(self) -> None:
        """Draw the view into the open element."""
        with parts.panel(mark="proposals"):
            every = ui.switch("Closed ones too")
            self._list = ui.element("div").classes("lk-onto-column")

        async def list_() -> None:
            found = await in_thread(ontology_decisions.open_proposals, place(), bool(every.value))
            self._list.clear()
            with self._list:
                if not found:
                    parts.empty("No proposal waits.")
                for one in found:
                    self._draw_one(one)

        every.on_value_change(calm(list_))
        await list_()

    def _draw_one(self, one: Proposal) -> None:
        with ui.element("article").classes("lk-onto-revision").props(f'data-mark="proposal-{one.number}"'):
            with ui.element("div").classes("lk-onto-line"):
                ui.label(f"Proposal {one.number}").classes("lk-onto-strong")
                ui.label(one.status.value).classes("lk-chip")
                ui.label(f"{one.author} · {one.created[:16].replace('T', ' ')} UTC · on revision {one.base}").classes(
                    "lk-quiet"
                )
            change_set = one.change_set
            for title, text in (
                ("Reason", change_set.reason),
                ("Source", change_set.source),
                ("Impact", change_set.impact),
            ):
                if text:
                    ui.label(f"{title}: {text}").classes("lk-small" if title != "Reason" else "")
            for change in change_set.changes[:_MOST]:
                ui.label(f"· {describe(change, self._names)}").classes("lk-onto-change")
            if len(change_set.changes) > _MOST:
                ui.label(f"+ {len(change_set.changes) - _MOST:,} more changes").classes("lk-quiet lk-small")
            for event in one.events[1:]:
                said = f": {event.comment}" if event.comment else ""
                ui.label(f"{event.kind} by {event.actor}, {event.created[:16].replace('T', ' ')}{said}").classes(
                    "lk-quiet lk-small"
                )
            if one.status in ontology_decisions.OPEN:
                self._draw_actions(one)

    def _draw_actions(self, one: Proposal) -> None:
        number = str(one.number)
        place_for = ui.element("div").classes("lk-onto-column")

        async def preview() -> None:
            found = await in_thread(ontology_decisions.proposal_preview, place(), number, self._cohort)
            place_for.clear()
            with place_for:
                draw_preview(found, self._names)

        with ui.row().classes("lk-onto-actions"):
            ui.button("What it does now", on_click=calm(preview)).props("flat dense no-caps")
            if user().role < Role.CURATOR:
                return
            comment = ui.input("Comment").props("dense outlined").props(f'data-mark="comment-{number}"').classes("grow")

            def deciding(what: str, work: Callable[[str], Awaitable[Proposal]]) -> None:
                async def decide() -> None:
                    done = await work(str(comment.value or ""))
                    confirm(f"Proposal {done.number} is {done.status}")
                    await self._page.saved("proposals")

                ui.button(what, on_click=calm(decide)).props(
                    f'outline dense no-caps data-mark="{what.lower()}-{number}"'
                )

            seen = len(one.events)
            if one.status is Status.PROPOSED:
                deciding(
                    "Accept", lambda c: in_thread(ontology_decisions.judge, place(), user(), number, True, c, seen)
                )
            if one.status is Status.ACCEPTED:
                deciding("Apply", lambda _: in_thread(ontology_decisions.carry_out, place(), user(), number))
            if one.status is not Status.DRAFT:
                deciding(
                    "Reject", lambda c: in_thread(ontology_decisions.judge, place(), user(), number, False, c, seen)
                )
            deciding("Withdraw", lambda c: in_thread(ontology_decisions.take_back, place(), user(), number, c))
