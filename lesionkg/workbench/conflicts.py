"""The page /conflicts: contradictory labels and predictions, grouped by the relation that they break."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from nicegui import ui

from kg.ontology import Ontology
from lesionkg.server.audit import Action
from lesionkg.workbench import parts
from lesionkg.workbench.conflicts_group import GroupView
from lesionkg.workbench.frame import calm, in_thread, page, place, user
from lesionkg.workbench.review_kept import kept
from lesionkg.workbench.review_parts import select
from queries.conflict_data import (
    Origin,
    cohorts,
    conflicts_of_labels,
    conflicts_of_model,
    models_with_predictions,
    origins_of_labels,
)
from queries.conflict_view import ALL, ConflictGroup, ConflictView, exported
from queries.results import write_csv

_ORIGINS = {
    Origin.ANY: "Labels of every source",
    Origin.RELEASED: "Labels as released, unverified",
    Origin.HAND: "Labels verified by hand",
    Origin.MINED: "Labels mined from reports",
    Origin.CURATOR: "Labels corrected by curators",
}
_MODEL = "model:"
_FIRST = 25
"""Groups shown at first."""


@dataclass(frozen=True)
class _Read:
    cohort: str
    cohorts: list[str]
    choices: dict[str, str]
    of: str
    view: ConflictView
    ontology: Ontology


def _read(of: str, cohort: str) -> _Read:
    """What the page shows; runs in a thread."""
    known = cohorts(kept())
    chosen = cohort or known[0]
    origins, models = origins_of_labels(kept(), chosen), models_with_predictions(kept())
    choices = {one.value: _ORIGINS[one] for one in origins}
    choices |= {_MODEL + one: f"Predictions of {one}" for one in models}
    picked = of if of in choices else Origin.ANY.value
    if picked.startswith(_MODEL):
        view = conflicts_of_model(kept(), chosen, picked.removeprefix(_MODEL))
    else:
        view = conflicts_of_labels(kept(), chosen, Origin(picked))
    return _Read(chosen, known, choices, picked, view, place().ontology())


@page("/conflicts", "Conflicts")
async def show(of: str = Origin.ANY.value, cohort: str = "", group: str = "", find: str = "") -> None:
    """Build the page."""
    parts.title("Conflicts")
    waiting = ui.row().classes("items-center")
    with waiting:
        ui.spinner(size="sm")
        ui.label("Reading the graph").classes("lk-quiet")
    await ui.context.client.connected()
    try:
        found = await in_thread(_read, of, cohort)
    finally:
        waiting.delete()
    ConflictPage(found, group, find).build()


class ConflictPage:
    """The groups of one set of labels or predictions.

    Args:
        found: what was read.
        group: id of the group to open.
        find: text that a label's name must hold.
    """

    def __init__(self, found: _Read, group: str, find: str) -> None:
        self._found, self._opened, self._text = found, group, find
        self._most = _FIRST

    def build(self) -> None:
        """Show the choices, the numbers and the groups."""
        found = self._found
        with ui.element("div").classes("lk-rv-top"):
            of = select("Conflicts among", found.choices, found.of, mark="of")
            cohort = select("Lesions and split", found.cohorts, found.cohort, mark="cohort")
            text = ui.input("Label", value=self._text).props('dense outlined clearable data-mark="find"')
            ui.space()
            ui.button("Export the list", icon="download", on_click=self._export_all).props(
                'outline no-caps dense padding="4px 12px" data-mark="export"'
            )
        of.on_value_change(lambda e: ui.navigate.to(_address(e.value, found.cohort)))
        cohort.on_value_change(lambda e: ui.navigate.to(_address(found.of, e.value)))
        text.on_value_change(lambda e: self._search(e.value or ""))
        with parts.panel(mark="numbers"):
            self._numbers()
        with parts.panel("Broken relations, most lesions first", mark="groups"):
            self._groups = ui.element("div").classes("lk-rv-block").style("gap: 0")
        self._list()

    def _numbers(self) -> None:
        view = self._found.view
        with ui.element("div").classes("lk-rv-numbers"):
            for one in view.splits:
                name = "all splits" if one.split == ALL else one.split
                with ui.element("div").props(f'data-mark="split-{one.split}"'):
                    ui.label(f"{one.lesions:,}").classes("lk-number")
                    ui.label(f"{name}, {one.patients:,} patients").classes("lk-quiet lk-small")
        if self._found.of.startswith(_MODEL):
            said = (
                f"Of {view.looked_at:,} lesions with predictions. A prediction breaks a relation when two labels "
                "exclude each other, or a label stands without its parent; the decoder of this program makes none, "
                "but the relations may have changed since."
            )
        else:
            said = (
                f"Of {view.looked_at:,} lesions. Contradictory: two exclusive labels, ancestors included; in train "
                "uncertain labels count too, as in training. A lesion may break several relations."
            )
        ui.label(said).classes("lk-quiet lk-small")

    def _search(self, text: str) -> None:
        self._text, self._most = text, _FIRST
        self._list()

    def _wanted(self) -> Sequence[ConflictGroup]:
        wanted = self._text.strip().casefold()
        groups = self._found.view.groups
        return [one for one in groups if any(wanted in name.casefold() for name in one.names)]

    def _list(self) -> None:
        wanted = list(self._wanted())
        opened = self._found.view.find(self._opened) or self._reversed()
        if opened is not None and opened in wanted:
            wanted.remove(opened)
            wanted.insert(0, opened)
        self._groups.clear()
        with self._groups:
            if not wanted:
                parts.empty("No relation is broken." if not self._text else "No broken relation has such a label.")
            for one in wanted[: self._most]:
                GroupView(one, self._found.ontology, self._export, one is opened).build()
            if len(wanted) > self._most:
                ui.button(f"Show all {len(wanted):,} relations", on_click=self._more).props("flat no-caps")

    def _reversed(self) -> ConflictGroup | None:
        """The group to open when its labels stand in the other order in the address."""
        kind, *labels = self._opened.split("/")
        return self._found.view.find("/".join((kind, *reversed(labels))))

    def _more(self) -> None:
        self._most = 1_000_000
        self._list()

    @calm
    async def _export_all(self) -> None:
        await self._export(self._wanted())

    async def _export(self, groups: Sequence[ConflictGroup]) -> None:
        """Hand the lesions of groups over as CSV."""
        names = {label.id: label.name for label in self._found.ontology.labels}
        smallest = place().settings.smallest_group
        found = await in_thread(exported, place().store, groups, names, smallest)
        place().audit.record(
            user(), Action.EXPORT, f"conflicts of {self._found.of}", cohort=self._found.cohort, rows=len(found.rows)
        )
        text = io.StringIO(newline="")
        write_csv(found, text)
        name = self._found.of.replace(":", "-")
        ui.download.content(text.getvalue().encode(), f"conflicts-{name}.csv", "text/csv")
        for note in found.notes:
            ui.notification(note, type="warning", position="bottom")


def _address(of: str, cohort: str) -> str:
    return "/conflicts?" + urlencode({"of": of, "cohort": cohort})
