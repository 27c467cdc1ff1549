"""The keys of the page for review."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

KEYS = {
    "p": "promote into a proposal",
    "d": "defer until a day",
    "r": "reject for good",
    "u": "undo your last decision",
    "j or ↓": "next item",
    "k or ↑": "previous item",
    "?": "these keys",
}
"""What each key does."""


def show_keys(closed: Callable[[], None]) -> None:
    """Show what each key does; ``closed`` is called when the reviewer has seen it."""
    with ui.dialog(value=True) as dialog, ui.card().classes("lk-rv-dialog"):
        ui.label("Keys").classes("lk-rv-says")
        with ui.element("div").classes("lk-rv-keys").props('data-mark="keys"'):
            for key, what in KEYS.items():
                ui.label(key).classes("lk-mono")
                ui.label(what)
        ui.button("Close", on_click=dialog.close).props("flat no-caps autofocus").classes("self-end")

    def done() -> None:
        dialog.delete()
        closed()

    dialog.on("hide", done)
