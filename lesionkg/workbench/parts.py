"""Small shapes that several pages are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from nicegui import ui


def title(text: str) -> None:
    """The heading of a page."""
    with ui.element("h1").classes("lk-title"):
        ui.label(text)


@contextmanager
def panel(heading: str = "", mark: str = "") -> Iterator[ui.element]:
    """A bordered box with a small heading; ``mark`` names it for tests."""
    with ui.element("section").classes("lk-panel") as box:
        if mark:
            box.props(f'data-mark="{mark}"')
        if heading:
            with ui.element("h2").classes("lk-heading"):
                ui.label(heading)
        yield box


def facts(pairs: Mapping[str, object]) -> None:
    """Names with values, one pair a line; empty values are left out."""
    with ui.element("dl").classes("lk-facts"):
        for name, value in pairs.items():
            if value in ("", None):
                continue
            with ui.element("dt"):
                ui.label(name)
            with ui.element("dd"):
                ui.label(f"{value:,}" if isinstance(value, int) else str(value))


def label_chip(label_id: str, name: str, kind: str) -> None:
    """A label that leads to its card.

    Args:
        label_id: its id.
        name: its preferred name.
        kind: its class: ``bodypart``, ``type`` or ``attribute``.
    """
    ui.link(name, f"/ontology?label={quote(label_id)}").classes(f"lk-chip lk-{kind}")


def lesion_link(lesion: str) -> None:
    """A lesion that leads to its page."""
    ui.link(lesion, f"/lesions/{quote(lesion, safe=':')}").classes("lk-mono")


def empty(text: str) -> None:
    """What stands where nothing is."""
    ui.label(text).classes("lk-quiet")


def grid(columns: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], height: str = "420px") -> ui.aggrid:
    """A table with sorting and filters; cells show their values as text, never as HTML.

    Args:
        columns: AG Grid's column definitions: at least ``field``.
        rows: values by field.
        height: CSS height.
    """
    options = {
        "columnDefs": [{"headerName": str(column["field"]), **column} for column in columns],
        "rowData": list(rows),
        "defaultColDef": {"sortable": True, "resizable": True, "filter": True},
        "enableCellTextSelection": True,
        "suppressFieldDotNotation": True,
    }
    return ui.aggrid(options, auto_size_columns=False).style(f"height: {height}").classes("w-full")
