"""Shapes of the pages for review and conflicts: small tables, chains of relations, counted choices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nicegui import ui

from kg.ontology import Ontology
from lesionkg.workbench import parts


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], mark: str = "", text_columns: int = 1) -> None:
    """A small table of plain text.

    Args:
        headings: of the columns.
        rows: values; numbers get thousands separators, None stays empty.
        mark: names it for tests.
        text_columns: so many columns from the left are aligned left, the others right.
    """
    with ui.element("table").classes("lk-rv-table") as box:
        if mark:
            box.props(f'data-mark="{mark}"')
        with ui.element("thead"), ui.element("tr"):
            for place, heading in enumerate(headings):
                with ui.element("th").props("scope=col").classes("" if place < text_columns else "lk-rv-right"):
                    ui.label(heading)
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    for place, value in enumerate(row):
                        with ui.element("td").classes("" if place < text_columns else "lk-rv-right"):
                            ui.label(shown(value))


def shown(value: object) -> str:
    """A value as it stands in a cell."""
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return str(value)


def chain(steps: Sequence[str]) -> None:
    """Relations that follow from each other, one line each."""
    with ui.element("ol").classes("lk-rv-chain"):
        for step in steps:
            with ui.element("li"):
                ui.label(step.replace("_", " ").lower() if step.isupper() else readable(step))


def readable(step: str) -> str:
    """A step of a chain with the relation in small letters: ``liver mass located in liver``."""
    return " ".join(
        word.replace("_", " ").lower() if word.isupper() and len(word) > 3 else word for word in step.split()
    )


def chips(ontology: Ontology, ids: Iterable[str]) -> None:
    """Labels that lead to their cards; an id that is no label stands as it is."""
    for label_id in ids:
        label = ontology.by_id.get(label_id)
        if label is None:
            ui.label(label_id).classes("lk-mono")
        else:
            parts.label_chip(label.id, label.name, label.label_class.value)


def lesions(ids: Iterable[str]) -> None:
    """Lesions that lead to their pages, in a row."""
    with ui.element("div").classes("lk-chips"):
        for lesion in ids:
            parts.lesion_link(lesion)


def select(name: str, options: Mapping[str, str] | Sequence[str], value: str, mark: str = "") -> ui.select:
    """A choice with a small caption."""
    chosen: ui.select = ui.select(
        dict(options) if isinstance(options, Mapping) else list(options), value=value, label=name
    )
    chosen.props(f'dense outlined options-dense data-mark="{mark}"' if mark else "dense outlined options-dense")
    return chosen.classes("lk-rv-select")
