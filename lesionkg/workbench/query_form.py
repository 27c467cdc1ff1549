"""Fields for the parameters of a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.value_element import ValueElement

from queries.choices import Choices
from queries.parameters import Parameter, ParameterKind, Value

_SEVERAL = (ParameterKind.LABELS,)
_NAMED = (*_SEVERAL, ParameterKind.LABEL, ParameterKind.MODEL, ParameterKind.COHORT, ParameterKind.LABEL_SET)


class ParameterForm:
    """One field for each parameter; built where it is made.

    Args:
        parameters: the parameters.
        choices: what they may be.
        given: values to begin with, as typed; others begin with their default.
    """

    def __init__(self, parameters: Sequence[Parameter], choices: Choices, given: Mapping[str, str]) -> None:
        self._fields: dict[str, ValueElement[Any]] = {}
        with ui.element("div").classes("lk-q-form"):
            for parameter in parameters:
                begin = given.get(parameter.name) or typed(parameter.default)
                field = _field(parameter, choices, begin)
                field.props(f'dense outlined data-mark="p-{parameter.name}"').classes("lk-q-field")
                self._fields[parameter.name] = field

    @property
    def values(self) -> dict[str, str]:
        """What stands in the fields, as a person types it."""
        return {name: typed(field.value) for name, field in self._fields.items()}


def typed(value: Value | None) -> str:
    """A value as a person types it."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _field(parameter: Parameter, choices: Choices, begin: str) -> ValueElement[Any]:
    label = parameter.name if parameter.default is not None else f"{parameter.name} (must be given)"
    options = list(choices.of(parameter.kind))
    hint = {"label": label, "with_input": parameter.kind in _NAMED}
    field: ValueElement[Any]
    if parameter.kind in _SEVERAL:
        values = [part.strip() for part in begin.split(",") if part.strip()]
        known = list(dict.fromkeys((*values, *options)))
        field = ui.select(known, value=values, multiple=True, new_value_mode="add-unique", **hint).props("use-chips")  # type: ignore[arg-type]
    elif options:
        known = list(dict.fromkeys((*([begin] if begin else []), *options)))
        free = "add-unique" if parameter.kind in _NAMED else None
        field = ui.select(known, value=begin or None, new_value_mode=free, **hint)  # type: ignore[arg-type]
        field.props("input-debounce=0 fill-input hide-selected" if parameter.kind in _NAMED else "")
    else:
        field = ui.input(label, value=begin)
    field.props("bottom-slots")
    with field.add_slot("hint"):
        ui.label(parameter.description)
    return field
