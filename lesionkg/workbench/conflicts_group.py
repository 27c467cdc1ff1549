"""One broken relation: counts, why it is broken, its lesions a page at a time, and where to mend it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from urllib.parse import urlencode

from nicegui import ui

from kg.curation.change_set import Change
from kg.curation.edits import Provenance, add_exception, remove_exclusive
from kg.ontology import Ontology
from lesionkg.server.people import Role
from lesionkg.workbench import ontology_work, parts
from lesionkg.workbench.frame import calm, in_thread, place, user
from lesionkg.workbench.review_parts import chain, chips
from queries.conflict_view import ALL, Broken, ConflictGroup, ConflictLesion
from queries.relations_between import exclusion_chain, relations_between

_PAGE = 20
_PAIRS = 6
"""Most specific pairs whose chain is shown."""


class GroupView:
    """One group; what lies below its head is built when it is opened.

    Args:
        group: the group.
        ontology: the relations.
        export: hands groups over as a file.
        opened: whether to open it at once.
    """

    def __init__(
        self,
        group: ConflictGroup,
        ontology: Ontology,
        export: Callable[[Sequence[ConflictGroup]], Awaitable[None]],
        opened: bool,
    ) -> None:
        self._group, self._ontology, self._export = group, ontology, export
        self._opened = opened
        self._start = 0

    def build(self) -> None:
        """Show the head."""
        group = self._group
        with ui.element("article").classes("lk-rv-group").props('data-mark="group"'):
            with ui.element("div").classes("lk-rv-head"):
                with ui.element("div").classes("lk-chips items-center"):
                    chips(self._ontology, group.labels[:1])
                    ui.label(_WORDS[group.kind]).classes("lk-quiet")
                    chips(self._ontology, group.labels[1:])
                with ui.element("div").classes("lk-rv-numbers").props('data-mark="counts"'):
                    for one in group.splits[:-1]:
                        ui.label(f"{one.split} {one.lesions:,}").classes("lk-quiet")
                    everything = group.splits[-1]
                    assert everything.split == ALL
                    ui.label(f"{everything.lesions:,} lesions, {everything.patients:,} patients").style(
                        "font-weight: 600"
                    )
                self._toggle = ui.button(icon="expand_more", on_click=self._turn).props(
                    "flat round dense aria-expanded=false"
                )
                self._toggle.props["aria-label"] = f"Lesions of {' and '.join(group.names)}"
            self._body = ui.element("div").classes("lk-rv-block").style("gap: 14px")
            self._body.visible = False
        if self._opened:
            ui.timer(0, self._turn, once=True)

    @calm
    async def _turn(self) -> None:
        self._body.visible = not self._body.visible
        self._toggle.props(f"aria-expanded={str(self._body.visible).lower()}")
        self._toggle.icon = "expand_less" if self._body.visible else "expand_more"
        if self._body.visible and not self._body.default_slot.children:
            chains = await in_thread(self._chains)
            with self._body:
                with ui.element("div").classes("lk-rv-cols"):
                    with ui.element("div").classes("lk-rv-block").props('data-mark="why"'):
                        self._why(chains)
                    with ui.element("div").classes("lk-rv-block"):
                        self._actions()
                self._lesions = ui.element("div").classes("lk-rv-block").props('data-mark="lesions"')
            self._page()

    def _chains(self) -> list[tuple[tuple[str, str], int, tuple[str, ...]]]:
        """The most frequent specific pairs with the chain of relations that they break; runs in a thread."""
        found = []
        for pair, lesions in self._group.clashes()[:_PAIRS]:
            if self._group.kind is Broken.EXCLUSIVE:
                steps = exclusion_chain(self._ontology, *pair)
            else:
                said = relations_between(self._ontology, *pair)
                steps = next((one.chain for one in said if one.kind == "hierarchical"), ())
            found.append((pair, lesions, steps))
        return found

    def _why(self, chains: list[tuple[tuple[str, str], int, tuple[str, ...]]]) -> None:
        with ui.element("h3").classes("lk-heading"):
            ui.label("Why: the most specific labels, and the chain between them")
        for pair, lesions, steps in chains:
            with ui.element("div").classes("lk-chips items-center"):
                chips(self._ontology, pair)
                ui.label(f"{lesions:,} lesions").classes("lk-quiet lk-small")
                if self._group.kind is Broken.EXCLUSIVE and user().role >= Role.CURATOR:
                    ui.space()
                    self._edit("Allow these two", partial(_exception, pair, lesions), "allow")
            chain(steps)
        more = len(self._group.clashes()) - len(chains)
        if more > 0:
            parts.empty(f"and {more:,} more pairs")

    def _actions(self) -> None:
        group = self._group
        with ui.element("h3").classes("lk-heading"):
            ui.label("What to do")
        if user().role >= Role.CURATOR:
            if group.kind is Broken.EXCLUSIVE:
                item = "contradicted/" + "/".join(sorted(group.labels))
                ui.link("Weigh it in the review queue", "/review?" + urlencode({"item": item}))
                if group.listed == "pair":
                    self._edit("Drop the exclusive pair", partial(_drop, group.labels), "drop")
            ui.label(
                "What you choose here joins your pending changes, where its impact shows before anything is saved. "
                "Or open a lesion below and correct its labels."
            ).classes("lk-quiet lk-small")
        ui.link("The relation in the ontology", "/ontology?" + urlencode({"label": group.labels[0]}))
        ui.button("Export these lesions", icon="download", on_click=self._hand_over).props(
            'outline no-caps dense padding="4px 12px"'
        ).classes("self-start")

    def _edit(self, text: str, edit: ontology_work.Edit, mark: str) -> None:
        """A button that puts a change to those that the curator works on, and leads there."""

        @calm
        async def put() -> None:
            await in_thread(ontology_work.add, place(), user_, edit)
            ui.navigate.to("/ontology?view=changes")

        user_ = user()
        ui.button(text, on_click=put).props(f'flat no-caps dense size=sm color=primary data-mark="{mark}"').classes(
            "self-start"
        )

    @calm
    async def _hand_over(self) -> None:
        await self._export([self._group])

    def _page(self) -> None:
        rows = self._group.lesions[self._start : self._start + _PAGE]
        self._lesions.clear()
        with self._lesions:
            with ui.element("table").classes("lk-rv-table"):
                with ui.element("thead"), ui.element("tr"):
                    for heading in ("Lesion", "Patient", "Split", "Most specific labels"):
                        with ui.element("th").props("scope=col"):
                            ui.label(heading)
                with ui.element("tbody"):
                    for one in rows:
                        self._row(one)
            self._pager()

    def _row(self, one: ConflictLesion) -> None:
        with ui.element("tr"):
            with ui.element("td"):
                parts.lesion_link(one.lesion)
            for text in (one.patient, one.split):
                with ui.element("td"):
                    ui.label(text)
            with ui.element("td"), ui.element("div").classes("lk-chips items-center"):
                for number, pair in enumerate(one.clashes):
                    if number:
                        ui.label("·").classes("lk-quiet")
                    chips(self._ontology, pair)

    def _pager(self) -> None:
        total = len(self._group.lesions)
        if total <= _PAGE:
            return
        last = min(self._start + _PAGE, total)
        with ui.element("div").classes("lk-rv-actions"):
            for icon, text, by in (
                ("chevron_left", "Lesions before", -_PAGE),
                ("chevron_right", "Next lesions", _PAGE),
            ):
                button = ui.button(icon=icon, on_click=lambda by=by: self._move(by))
                button.props(f'flat round dense aria-label="{text}"').set_enabled(0 <= self._start + by < total)
            ui.label(f"{self._start + 1:,} to {last:,} of {total:,}").classes("lk-quiet")

    def _move(self, by: int) -> None:
        self._start += by
        self._page()


_WORDS = {Broken.EXCLUSIVE: "never with", Broken.HIERARCHICAL: "predicted without its parent"}


def _exception(pair: tuple[str, str], lesions: int, ontology: Ontology) -> Change:
    return add_exception(ontology, *pair, Provenance(evidence=f"{lesions} lesions have both"))


def _drop(pair: tuple[str, str], ontology: Ontology) -> Change:
    return remove_exclusive(ontology, *pair)
