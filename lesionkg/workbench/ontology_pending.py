"""The view of the changes that somebody works on: read, edit as text, preview, explain, save."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from nicegui import ui

from kg.curation.describe import describe
from kg.curation.policy import read_policy
from kg.curation.preview import Preview
from kg.errors import LesionKGError
from lesionkg.server.people import Role
from lesionkg.workbench import ontology_work, parts
from lesionkg.workbench.frame import calm, complain, confirm, in_thread, place, user
from lesionkg.workbench.ontology_impact import draw_preview
from lesionkg.workbench.ontology_work import Worked


class Page(Protocol):
    """What this view needs of its page."""

    async def changed(self) -> None:
        """Show that the pending changes are others."""

    async def saved(self, view: str) -> None:
        """Show the newest revision, and another view."""


class PendingView:
    """The pending changes of the user.

    Args:
        page: the page.
        cohort: lesions on which the impact is measured.
        label_set: whose columns are counted.
    """

    def __init__(self, page: Page, cohort: str, label_set: str) -> None:
        self._page, self._cohort, self._set = page, cohort, label_set
        self._answers: dict[str, ui.input] = {}

    async def draw(self) -> None:
        """Draw the view into the open element."""
        if user().role < Role.CURATOR:
            parts.empty("Only curators change the ontology.")
            return
        worked = await in_thread(ontology_work.worked, place(), user())
        if not worked.pending.entries:
            with parts.panel("Your changes", mark="pending"):
                parts.empty("None yet. Edit a label on its card, or write changes below.")
                self._draw_text(worked)
            return
        with ui.element("div").classes("lk-onto-card"):
            with ui.element("div").classes("lk-onto-column"):
                self._draw_list(worked)
                await self._draw_save(worked)
            with (
                ui.element("div").classes("lk-onto-column"),
                parts.panel("What they do", mark="impact") as self._impact,
            ):
                parts.empty("Measuring…")
        ui.timer(0.01, calm(self._measure), once=True)

    def _draw_list(self, worked: Worked) -> None:
        with parts.panel(f"Your changes ({len(worked.pending.entries)})", mark="pending"):
            told = f"Made on revision {worked.pending.base}; nothing is saved yet. They stay when you leave the page."
            ui.label(told).classes("lk-quiet lk-small")
            if worked.problem:
                with ui.element("div").classes("lk-problem").props("role=alert"):
                    ui.label(f"{worked.problem}. Correct the text below, or remove the change.")
            for number, entry in enumerate(worked.pending.entries):
                with ui.element("div").classes("lk-onto-line lk-onto-pending").props('data-mark="pending-change"'):
                    with ui.element("div"):
                        if worked.changes:
                            ui.label(describe(worked.changes[number], worked.names))
                        ui.label(entry).classes("lk-mono lk-quiet")
                    says = f"Remove change {number + 1}"
                    button = ui.button(icon="close", on_click=calm(self._remover(number)))
                    button.props(f'flat round dense size=xs aria-label="{says}"').classes("lk-icon")
            with ui.expansion("Edit as text (KGCL)").props("dense dense-toggle").classes("lk-onto-why"):
                self._draw_text(worked)
            ui.button("Discard all", icon="delete", on_click=calm(self._discard)).props("flat dense no-caps")

    def _draw_text(self, worked: Worked) -> None:
        area = ui.textarea(value=worked.pending.text).props('outlined autogrow data-mark="kgcl"')
        area.props["aria-label"] = "Changes as text"
        area.classes("w-full lk-onto-kgcl")
        ui.label("One change a line, e.g.: create edge 'liver mass' exclusive_with 'lung mass'").classes(
            "lk-quiet lk-small"
        )

        async def take() -> None:
            await in_thread(ontology_work.write, place(), user(), str(area.value or ""))
            await self._page.changed()

        ui.button("Take the text", on_click=calm(take)).props(
            'outline dense no-caps padding="4px 14px" data-mark="take-text"'
        ).classes("self-start")

    async def _draw_save(self, worked: Worked) -> None:
        differs = await in_thread(read_policy, place().database)
        with parts.panel("Save", mark="save"):
            form = "dense outlined"
            self._reason = ui.textarea("Reason: why", value=worked.pending.reason)
            self._reason.props(f'{form} autogrow data-mark="reason"').classes("w-full").on("blur", calm(self._explain))
            self._source = ui.input("Source: what they rest on, e.g. RadLex 4.2", value=worked.pending.source)
            self._source.props(f'{form} data-mark="source"').classes("w-full").on("blur", calm(self._explain))
            self._overrides = ui.element("div").classes("lk-onto-column")
            with ui.row().classes("lk-onto-actions"):
                ui.button("Save as proposal", on_click=calm(self._saver(apply=False))).props(
                    'outline no-caps data-mark="propose"'
                )
                apply = ui.button("Apply", on_click=calm(self._saver(apply=True)))
                apply.props('unelevated no-caps data-mark="apply"').set_enabled(not differs)
            if differs:
                ui.label("The policy says that another one reviews: save as a proposal.").classes("lk-quiet lk-small")

    async def _measure(self) -> None:
        panel = self._impact
        worked = await in_thread(ontology_work.worked, place(), user())
        try:
            found = await in_thread(ontology_work.preview, place(), user(), self._cohort, self._set)
        except LesionKGError as error:
            told = str(error)
            if not panel.is_deleted:
                _show(panel, lambda: ui.label(told).classes("lk-problem"))
            return
        if panel.is_deleted:
            return
        _show(panel, lambda: draw_preview(found, worked.names))
        self._ask_overrides(found, worked)

    def _ask_overrides(self, found: Preview, worked: Worked) -> None:
        if found.faster or found.conflict:
            with self._overrides:
                ui.button("Make them on the newest revision", on_click=calm(self._again)).props(
                    'outline dense no-caps data-mark="again"'
                )
        rules = sorted({finding.rule for finding in found.assessment.warnings}) if found.assessment else []
        with self._overrides:
            for rule in rules:
                answer = ui.input(f"Reason to go against {rule}", value=worked.pending.overrides.get(rule, ""))
                answer.props("dense outlined").props["data-mark"] = f"override-{rule}"
                answer.classes("w-full").on("blur", calm(self._explain))
                self._answers[rule] = answer

    async def _again(self) -> None:
        worked = await in_thread(ontology_work.worked, place(), user())
        await in_thread(ontology_work.write, place(), user(), worked.pending.text)
        await self._page.changed()

    async def _explain(self) -> None:
        overrides = {rule: str(answer.value or "") for rule, answer in self._answers.items()}
        reason, source = str(self._reason.value or ""), str(self._source.value or "")
        await in_thread(ontology_work.explain, place(), user(), reason, source, overrides)

    def _remover(self, number: int) -> Callable[[], Awaitable[None]]:
        async def remove() -> None:
            await in_thread(ontology_work.remove, place(), user(), number)
            await self._page.changed()

        return remove

    async def _discard(self) -> None:
        await in_thread(ontology_work.discard, place(), user())
        await self._page.changed()

    def _saver(self, apply: bool) -> Callable[[], Awaitable[None]]:
        async def save() -> None:
            await self._explain()
            try:
                kept = await in_thread(ontology_work.save, place(), user(), apply, self._cohort, self._set)
            except LesionKGError as error:
                complain(str(error))
                await self._measure()
                return
            done = f"applied as revision {kept.revision}" if kept.revision else "waits for a review"
            confirm(f"Proposal {kept.number}: {done}")
            await self._page.saved("card" if apply else "proposals")

        return save


def _show(panel: ui.element, draw: Callable[[], object]) -> None:
    """Put something in place of what a panel holds below its heading."""
    for child in list(panel)[1:]:
        child.delete()
    with panel:
        draw()
