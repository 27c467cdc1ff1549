"""The page /lesions: lesions found by id, label, size, split, conflict, or a model's error."""

from __future__ import annotations

from collections.abc import Set
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlencode

from nicegui import ui

from kg.errors import UsageError
from lesionkg.server.audit import Action
from lesionkg.workbench import parts
from lesionkg.workbench.frame import in_thread, page, place, user
from lesionkg.workbench.lesion_index import index
from lesionkg.workbench.lesion_patch import picture
from queries.lesion_facts import Outcome
from queries.lesion_images import with_images
from queries.lesion_list import How, LesionFilter, LesionPage, LesionRow, Sort, find_lesions

E = TypeVar("E", bound=StrEnum)

_MOST_LABELS = 8


@page("/lesions", "Lesions")
async def show(
    text: str = "",
    patient: str = "",
    label: str = "",
    how: str = How.IMPLIED.value,
    split: str = "",
    least: str = "",
    most: str = "",
    clashes: str = "",
    outcome: str = "",
    model: str = "",
    sort: str = Sort.LESION.value,
    down: str = "",
    number: str = "1",
) -> None:
    """Build the page; every filter is in its address."""
    where, who = place(), user()
    wanted = LesionFilter(
        text=text,
        patient=patient,
        label=label,
        how=_one_of(How, how),
        split=split,
        least_mm=_size(least),
        most_mm=_size(most),
        clashes=bool(clashes),
        outcome=outcome,
        model=model,
    )
    order = _one_of(Sort, sort)
    at = int(number) if number.isdecimal() and len(number) < 7 else 1
    parts.title("Lesions")
    ontology = await in_thread(where.ontology)
    names = {one.id: one.name for one in sorted(ontology.labels, key=lambda one: one.name.casefold())}
    models = await in_thread(index(where).models)
    address = Address(wanted, order, bool(down))
    _filters(address, names, models)
    with ui.element("div").classes("lk-ls-col") as box:
        waiting = ui.label("Looking...").classes("lk-quiet")

    def work() -> tuple[LesionPage, set[str]]:
        if label and label not in names:
            raise UsageError(f"label {label[:80]!r}: not in this ontology; choose one from the list")
        found = find_lesions(index(where), wanted, order, bool(down), at)
        where.audit.record(who, Action.LESION, "list", lesions=[row.lesion for row in found.rows])
        return found, with_images(where.store, where.settings.home, [row.lesion for row in found.rows])

    try:
        found, pictures = await in_thread(work)
    finally:
        waiting.delete()
    with box:
        _results(address, found, pictures)


class Address:
    """The address of the page with its filters; gives that of another page, order or filter."""

    def __init__(self, wanted: LesionFilter, sort: Sort, down: bool) -> None:
        self.values: dict[str, str] = {
            "text": wanted.text,
            "patient": wanted.patient,
            "label": wanted.label,
            "how": wanted.how.value if wanted.label else "",
            "split": wanted.split,
            "least": "" if wanted.least_mm is None else f"{wanted.least_mm:g}",
            "most": "" if wanted.most_mm is None else f"{wanted.most_mm:g}",
            "clashes": "1" if wanted.clashes else "",
            "outcome": wanted.outcome,
            "model": wanted.model,
            "sort": "" if sort is Sort.LESION else sort.value,
            "down": "1" if down else "",
        }

    def with_values(self, **values: str) -> str:
        """The address with some values changed; it goes to the first page unless ``number`` is given."""
        wanted = {name: value for name, value in {**self.values, **values}.items() if value}
        return f"/lesions?{urlencode(wanted)}" if wanted else "/lesions"


def _filters(address: Address, names: dict[str, str], models: tuple[str, ...]) -> None:
    values = address.values
    outcomes = {
        "": "any",
        Outcome.FALSE_POSITIVE.value: "false positive",
        Outcome.FALSE_NEGATIVE.value: "false negative",
    }
    with parts.panel(mark="filters"):
        with ui.element("div").classes("lk-ls-filters"):
            fields: dict[str, Any] = {
                "text": ui.input("Id or row", value=values["text"]),
                "label": ui.select(
                    names,
                    label="Label",
                    value=values["label"] if values["label"] in names else None,
                    with_input=True,
                    clearable=True,
                ),
                "how": ui.select(
                    [one.value for one in How], label="The label is", value=values["how"] or How.IMPLIED.value
                ),
                "split": ui.select(
                    {"": "any", "train": "train", "val": "val", "test": "test"},
                    label="Split",
                    value=values["split"] if values["split"] in ("train", "val", "test") else "",
                ),
                "least": ui.number("Size from, mm", value=_size(values["least"]), min=0),
                "most": ui.number("Size to, mm", value=_size(values["most"]), min=0),
                "outcome": ui.select(
                    outcomes, label="Model's error", value=values["outcome"] if values["outcome"] in outcomes else ""
                ),
            }
            if len(models) > 1:
                fields["model"] = ui.select(
                    list(models), label="Model", value=values["model"] if values["model"] in models else models[0]
                )
            clashes = ui.checkbox("Labels in conflict", value=bool(values["clashes"])).props("dense")

        def find() -> None:
            wanted = {name: _plain(field.value) for name, field in fields.items()}
            if not wanted["label"]:
                wanted["how"] = ""
            ui.navigate.to(address.with_values(**wanted, clashes="1" if clashes.value else ""))

        for name, field in fields.items():
            field.props("dense outlined options-dense")
            field._props["data-mark"] = f"filter-{name}"
            if name in ("text", "least", "most"):
                field.on("keydown.enter", find)
        with ui.element("div").classes("lk-ls-tools"):
            ui.button("Find", icon="search", on_click=find).props('unelevated dense no-caps data-mark="find"').classes(
                "px-3"
            )
            ui.link("Clear", "/lesions").classes("self-center")
            if values["patient"]:
                ui.label(f"patient {values['patient']}").classes("lk-ls-tag self-center")


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _results(address: Address, found: LesionPage, pictures: Set[str]) -> None:
    with parts.panel(mark="results"):
        with ui.element("div").classes("lk-ls-pages"):
            ui.label(_counted(found)).props('data-mark="total"')
            if found.model:
                ui.label(f"by model {found.model}").classes("lk-ls-tag")
            ui.space()
            _pages(address, found)
        if not found.rows:
            parts.empty("No lesion fits. Take a filter away, or look for a label with its descendants.")
            return
        wide = ui.element("div").classes("w-full").style("overflow-x: auto")
        with wide, ui.element("table").classes("lk-ls-table lk-ls-list").props('data-mark="lesions"'):
            _head(address, bool(pictures))
            with ui.element("tbody"):
                for row in found.rows:
                    _row(row, pictures)


def _counted(found: LesionPage) -> str:
    lesions = "lesion" if found.total == 1 else "lesions"
    patients = "patient" if found.patients == 1 else "patients"
    return f"{found.total:,} {lesions} of {found.patients:,} {patients}"


def _pages(address: Address, found: LesionPage) -> None:
    with ui.element("nav").props('aria-label="Pages of the list"').classes("lk-ls-pages"):
        if found.page > 1:
            ui.link("Previous", address.with_values(number=str(found.page - 1))).props("rel=prev")
        ui.label(f"page {found.page:,} of {found.pages:,}").classes("lk-quiet")
        if found.page < found.pages:
            ui.link("Next", address.with_values(number=str(found.page + 1))).props('rel=next data-mark="next"')


def _head(address: Address, pictures: bool) -> None:
    with ui.element("thead"), ui.element("tr"):
        if pictures:
            with ui.element("th"):
                ui.label("")
        _sorted_by(address, "Lesion", Sort.LESION)
        _sorted_by(address, "Patient", Sort.PATIENT)
        _sorted_by(address, "Size", Sort.SIZE)
        for name in ("Split", "Labels said of it"):
            with ui.element("th").props("scope=col"):
                ui.label(name)


def _sorted_by(address: Address, name: str, sort: Sort) -> None:
    here = (address.values["sort"] or Sort.LESION.value) == sort.value
    down = bool(address.values["down"])
    turned = "" if (here and down) or (not here and sort is not Sort.SIZE) else "1"
    with ui.element("th").props("scope=col") as cell:
        if here:
            cell._props["aria-sort"] = "descending" if down else "ascending"
        arrow = (" ↓" if down else " ↑") if here else ""
        ui.link(name + arrow, address.with_values(sort=sort.value, down=turned)).props(f'data-mark="sort-{sort.value}"')


def _row(row: LesionRow, pictures: Set[str]) -> None:
    with ui.element("tr"):
        if pictures:
            with ui.element("td"):
                if row.lesion in pictures:
                    picture(row.lesion, True, None, row.long_mm, side=44)
        with ui.element("td"):
            parts.lesion_link(row.lesion)
        with ui.element("td"):
            if row.patient:
                ui.link(row.patient, f"/lesions?{urlencode({'patient': row.patient})}").classes("lk-mono")
        with ui.element("td"):
            ui.label("" if row.long_mm is None else f"{row.long_mm:.1f} mm")
        with ui.element("td"):
            ui.label(row.split)
        with ui.element("td"), ui.element("div").classes("lk-chips"):
            for label in row.labels[:_MOST_LABELS]:
                parts.label_chip(label.id, label.name, label.kind)
            if len(row.labels) > _MOST_LABELS:
                ui.label(f"and {len(row.labels) - _MOST_LABELS} more").classes("lk-quiet lk-small")


def _size(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 10_000 else None


def _one_of(kind: type[E], value: str) -> E:
    return next((one for one in kind if one.value == value), next(iter(kind)))
