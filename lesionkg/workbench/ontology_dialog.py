"""A dialog with a few fields: how the page /ontology asks for what an edit needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from nicegui import ui

from lesionkg.workbench.frame import calm

Values = Mapping[str, str]
"""What the fields hold, by name, without space around."""

_FORM = "dense outlined"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a dialog.

    Attributes:
        name: key of its value.
        title: what people read.
        value: what it holds at first.
        options: what can be chosen, by value; None for a text.
        long: whether it has several lines.
    """

    name: str
    title: str
    value: str = ""
    options: Mapping[str, str] | None = None
    long: bool = False


def ask(
    title: str, fields: Sequence[Field], done: Callable[[Values], Awaitable[None]], optional: Collection[str] = ()
) -> None:
    """Open a dialog.

    Args:
        title: what is asked.
        fields: what is asked for.
        done: called with what was given; the dialog stays open when it raises one of the project's errors.
        optional: names of fields that may stay empty.
    """
    inputs: dict[str, ui.input | ui.select | ui.textarea] = {}
    with ui.dialog() as dialog, ui.card().classes("lk-onto-dialog").props('data-mark="edit-dialog"'):
        with ui.element("h2").classes("lk-heading"):
            ui.label(title)
        for field in fields:
            inputs[field.name] = _input(field)
        problem = ui.label().classes("lk-bad").props("role=alert")

        async def add() -> None:
            values = {name: str(one.value or "").strip() for name, one in inputs.items()}
            missing = next((f.title for f in fields if not values[f.name] and f.name not in optional), "")
            problem.set_text(f"{missing}: is missing" if missing else "")
            if not missing:
                await done(values)
                dialog.close()

        with ui.row().classes("lk-onto-actions"):
            ui.button("Cancel", on_click=dialog.close).props("flat no-caps")
            ui.button("Add to my changes", on_click=calm(add)).props('unelevated no-caps data-mark="add-change"')
    dialog.on("hide", dialog.delete)
    dialog.open()


def _input(field: Field) -> ui.input | ui.select | ui.textarea:
    name = f'data-mark="field-{field.name}"'
    if field.options is not None:
        many = len(field.options) > 8
        chosen = ui.select(dict(field.options), value=field.value or None, label=field.title, with_input=many)
        return chosen.props(f"{_FORM} options-dense {name}").classes("w-full")
    if field.long:
        return ui.textarea(field.title, value=field.value).props(f"{_FORM} autogrow {name}").classes("w-full")
    return ui.input(field.title, value=field.value).props(f"{_FORM} {name}").classes("w-full")
