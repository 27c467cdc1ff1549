"""The pages /lesions and /lesions/{lesion}: this module is the one that the server imports for both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from kg.correction_rules import Statement
from kg.errors import InputError, NotFoundError
from kg.label_correction import Correction, history
from lesionkg.server.audit import Action
from lesionkg.server.people import Role
from lesionkg.workbench import lesion_list, parts
from lesionkg.workbench.frame import calm, confirm, in_thread, page, place, user
from lesionkg.workbench.lesion_correct import CorrectionDialog, undo_correction
from lesionkg.workbench.lesion_labels import history_panel, labels_panel
from lesionkg.workbench.lesion_models import predictions, similar_lesions, size_text
from lesionkg.workbench.lesion_patch import PatchViewer, find_image
from lesionkg.workbench.lesion_text import text_panel
from lesionkg.workbench.lesion_time import over_time
from queries.lesion_facts import LesionView
from queries.lesion_images import LesionPatch, with_images
from queries.lesion_view import lesion_view

__all__ = ["lesion_list"]


@page("/lesions/{lesion}", "Lesion")
async def show(lesion: str) -> None:
    """Build the page of one lesion."""
    where, who = place(), user()

    def read() -> LesionView:
        found = lesion_view(where.store, lesion)
        where.audit.record(who, Action.LESION, found.id)
        return found

    await LesionPage(await in_thread(read)).build()


class LesionPage:
    """One lesion's page; its labels and predictions are drawn anew after a correction."""

    def __init__(self, view: LesionView) -> None:
        self._view = view
        self._model = view.models[0].model if view.models else ""
        self._with_image: set[str] = set()
        self._history: tuple[Correction, ...] = ()
        self._labels: ui.element
        self._models: ui.element
        self._names: dict[str, str] = {}
        self._options: dict[str, str] = {}

    async def build(self) -> None:
        """Draw everything."""
        view, where = self._view, place()
        similar = [one.lesion for model in view.models for one in model.similar]
        self._with_image = await in_thread(with_images, where.store, where.settings.home, similar)
        patch, told = await in_thread(_image, view.id)
        ontology = await in_thread(where.ontology)
        self._names = {one.id: one.name for one in sorted(ontology.labels, key=lambda one: one.name.casefold())}
        self._options = {one.id: one.name for one in ontology.labels if not one.deprecated}
        self._history = await in_thread(history, where.store, view.id)
        _heading(view)
        with ui.element("div").classes("lk-ls-split"):
            with ui.element("div").classes("lk-ls-col"):
                _image_panel(view, patch, told)
                _facts(view)
            with ui.element("div").classes("lk-ls-col"):
                self._labels = ui.element("div").classes("lk-ls-col")
                if view.sentences:
                    text_panel(view)
                self._models = ui.element("div").classes("lk-ls-col")
                over_time(view)
                _cohorts(view)
        self._draw()

    def _draw(self) -> None:
        may = user().role >= Role.CURATOR
        self._labels.clear()
        with self._labels:
            labels_panel(self._view, self._options if may else {}, self._propose if may else None)
            if self._history or may:
                history_panel(self._history, self._undo if may else None)
        self._draw_models()

    def _draw_models(self) -> None:
        self._models.clear()
        models = {one.model: one for one in self._view.models}
        with self._models:
            with parts.panel("Predictions", mark="model"):
                if not models:
                    parts.empty("No model says anything of this lesion.")
                    return
                if len(models) > 1:
                    ui.select(list(models), value=self._model, label="Model", on_change=self._chosen).props(
                        "dense outlined"
                    ).classes("w-full")
                else:
                    with ui.element("div").classes("lk-ls-tools"):
                        ui.link(self._model, f"/models?{urlencode({'run': self._model})}").classes("lk-mono")
                predictions(models[self._model])
            with parts.panel("Similar lesions of other patients", mark="similar-panel"):
                similar_lesions(models[self._model], self._with_image)

    def _chosen(self, event: ValueChangeEventArguments[Any]) -> None:
        self._model = str(event.value)
        self._draw_models()

    async def _propose(self, statements: Sequence[Statement]) -> None:
        async def ask() -> None:
            user().require(Role.CURATOR)
            with self._labels:
                await CorrectionDialog(self._view.id, self._names, statements, self._again).open()

        await calm(ask)()

    async def _undo(self, correction: Correction) -> None:
        async def work() -> None:
            await undo_correction(correction, "")
            confirm("The correction was undone.")
            await self._again()

        await calm(work)()

    async def _again(self) -> None:
        self._view = await in_thread(lesion_view, place().store, self._view.id)
        self._history = await in_thread(history, place().store, self._view.id)
        self._draw()


def _image(lesion: str) -> tuple[LesionPatch | None, str]:
    try:
        return find_image(lesion), ""
    except (NotFoundError, InputError) as error:
        return None, str(error)


def _heading(view: LesionView) -> None:
    with ui.element("div").classes("lk-ls-top"):
        parts.title(f"Lesion {view.id}")
        for tag in (view.source, view.split or "", _person(view)):
            if tag:
                ui.label(tag).classes("lk-ls-tag")
        ui.label(size_text(view.geometry.long_mm, view.geometry.short_mm)).classes("lk-quiet")
        ui.space()
        if view.patient:
            ui.link("All lesions of this patient", f"/lesions?{urlencode({'patient': view.patient})}")


def _person(view: LesionView) -> str:
    sex = {"F": "female", "M": "male"}.get(view.sex or "", view.sex or "")
    return ", ".join(filter(None, (sex, "" if view.age is None else f"{view.age:.0f} years")))


def _image_panel(view: LesionView, patch: LesionPatch | None, told: str) -> None:
    geometry = view.geometry
    with parts.panel("Image", mark="image"):
        if patch is None:
            ui.label(told[:1].upper() + told[1:] + ".").classes("lk-note").props('data-mark="no-image"')
        if patch is None and geometry.box is None:
            parts.empty("Nobody marked this lesion on an image.")
            return
        PatchViewer(view.id, geometry, patch)
        with ui.element("div").classes("lk-ls-legend"):
            ui.label("yellow: box; blue: long diameter; pink: short diameter")
            if patch is not None:
                ui.label(f"from {'the image files' if patch.origin == 'images' else 'a patch cache'}")


def _facts(view: LesionView) -> None:
    geometry = view.geometry

    def number(value: float | None, unit: str, digits: int = 1) -> str:
        return "" if value is None else f"{value:.{digits}f} {unit}"

    def both(mm: float | None, px: float | None) -> str:
        return ", ".join(filter(None, (number(mm, "mm"), number(px, "pixels"))))

    window, position = geometry.window, geometry.position
    with parts.panel("Facts", mark="facts"):
        parts.facts(
            {
                "Row in DL_info.csv": "" if view.index is None else str(view.index),
                "Patient": view.patient,
                "Study": view.study,
                "Series": view.series,
                "Key slice": "" if geometry.key_slice is None else str(geometry.key_slice),
                "Long diameter": both(geometry.long_mm, geometry.long_px),
                "Short diameter": both(geometry.short_mm, geometry.short_px),
                "Box, pixels": "" if geometry.box is None else ", ".join(f"{value:.0f}" for value in geometry.box),
                "Pixel": number(geometry.spacing_mm, "mm", 3),
                "Slice interval": number(geometry.slice_mm, "mm"),
                "Marked in window": "" if window is None else f"{window[0]:.0f} to {window[1]:.0f} HU",
                "Position x, y, z": "" if position is None else ", ".join(f"{value:.2f}" for value in position),
                "Marks in doubt": "yes" if geometry.noisy else "",
            }
        )


def _cohorts(view: LesionView) -> None:
    if not view.cohorts:
        return
    with parts.panel("In cohorts", mark="cohorts"):
        for one in view.cohorts:
            with ui.expansion(f"{one.cohort}: {one.split}").classes("w-full").props("dense"):
                parts.facts(
                    {
                        "Relevant, as listed": ", ".join(one.relevant),
                        "Uncertain, as listed": ", ".join(one.uncertain),
                        "Irrelevant, as listed": ", ".join(one.irrelevant),
                    }
                )
