"""The labels of a lesion on its page: by origin, and what curators change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui

from kg.correction_rules import Statement
from kg.label_correction import Correction
from lesionkg.workbench import parts
from queries.lesion_facts import Inferred, LabelRef, LesionView, Said

Propose = Callable[[Sequence[Statement]], Awaitable[None]]
Undo = Callable[[Correction], Awaitable[None]]


def labels_panel(view: LesionView, options: dict[str, str], propose: Propose | None) -> None:
    """Labels by origin.

    Args:
        view: the lesion.
        options: names of all labels that can be added, by id.
        propose: begins a correction; None for people who may not.
    """
    with parts.panel("Labels", mark="labels"):
        if propose is not None:
            _adding(options, propose)
        _said("Said of it", view.asserted, propose, "said", can_confirm=True)
        _inferred(view.inferred)
        _said("Uncertain", view.uncertain, propose, "uncertain", can_confirm=True)
        _said("Mentioned, not about this lesion", view.not_about, None, "not-about")
        _said("Taken away by a curator", view.removed, None, "removed")
        if view.superseded:
            with ui.expansion("What stood there before a curator's statement").classes("w-full").props("dense"):
                _rows(view.superseded, None, "superseded")
        if not (view.asserted or view.uncertain or view.not_about or view.removed):
            parts.empty("Nothing is said of this lesion.")
        for clash in view.clashes:
            with ui.element("div").classes("lk-note").props('data-mark="clash"'):
                stated = (
                    ""
                    if {clash.first.name, clash.second.name} == set(clash.listed)
                    else f" ({' excludes '.join(clash.listed)})"
                )
                ui.label(f"{clash.first.name} and {clash.second.name} exclude each other{stated}.")


def history_panel(history: Sequence[Correction], undo: Undo | None) -> None:
    """What curators changed, newest first."""
    with parts.panel("Corrections", mark="history"):
        if not history:
            parts.empty("No curator changed a label of this lesion.")
        for one in history:
            with ui.element("div").classes("lk-ls-row").props('data-mark="correction"'):
                with ui.element("div").classes("lk-chips"):
                    for statement, name in zip(one.statements, one.names, strict=True):
                        ui.label(f"{'+' if statement.has else '−'} {name}").classes("lk-chip")
                with ui.element("div"):
                    ui.label(one.reason)
                    ui.label(f"{one.author}, {_moment(one.created)}{_state(one)}").classes("lk-quiet lk-small")
                if undo is not None and one.standing:
                    ui.button("Undo", on_click=lambda one=one: undo(one)).props("flat dense no-caps").props(
                        'aria-label="Undo this correction"'
                    )


def _state(one: Correction) -> str:
    if one.undone:
        reason = f": {one.undo_reason}" if one.undo_reason else ""
        return f"; undone by {one.undone_by}, {_moment(one.undone)}{reason}"
    return "" if one.standing else "; replaced by a later one"


def _moment(text: str) -> str:
    return text[:16].replace("T", " ")


def _adding(options: dict[str, str], propose: Propose) -> None:
    async def chosen(event: ui.select) -> None:
        label = event.value
        if label:
            event.value = None
            await propose([Statement(label, True)])

    with ui.element("div").classes("lk-ls-tools"):
        box = ui.select(options, label="Add a label", with_input=True).props("dense outlined options-dense clearable")
        box.classes("w-64").props('data-mark="add-label"')
        box.on_value_change(lambda: chosen(box))


def _said(heading: str, said: Sequence[Said], propose: Propose | None, mark: str, can_confirm: bool = False) -> None:
    if not said:
        return
    ui.label(heading).classes("lk-ls-group-head")
    _rows(said, propose, mark, can_confirm)


def _rows(said: Sequence[Said], propose: Propose | None, mark: str, can_confirm: bool = False) -> None:
    with ui.element("div").classes("lk-ls-rows").props(f'data-mark="{mark}"'):
        for one in said:
            with ui.element("div").classes("lk-ls-row"):
                with ui.element("div"):
                    parts.label_chip(one.label.id, one.label.name, one.label.kind)
                ui.label(_origin(one)).classes("lk-quiet lk-small")
                if propose is not None:
                    _actions(one, propose, can_confirm and one.source != "curator")


def _origin(one: Said) -> str:
    if one.author:
        return f"{one.source}: {one.author}, {_moment(one.created)}. {one.reason}"
    return f"{one.source}{', verified' if one.verified else ''}"


def _actions(one: Said, propose: Propose, can_confirm: bool) -> None:
    label = one.label
    with ui.element("div").classes("lk-ls-acts"):
        if can_confirm:
            _action("check", f"Confirm {label.name}", lambda: propose([Statement(label.id, True)]))
        _action("close", f"Take {label.name} away", lambda: propose([Statement(label.id, False)]))


def _action(icon: str, name: str, act: Callable[[], Awaitable[None]]) -> None:
    button = ui.button(icon=icon, on_click=act).props("flat round dense size=sm")
    button._props["aria-label"] = name
    with button:
        ui.tooltip(name)


def _inferred(inferred: Sequence[Inferred]) -> None:
    if not inferred:
        return
    ui.label("Inferred from them").classes("lk-ls-group-head")
    with ui.element("div").classes("lk-ls-rows").props('data-mark="inferred"'):
        for one in inferred:
            with ui.element("div").classes("lk-ls-row"):
                with ui.element("div"):
                    _chip(one.label)
                ui.label(chain_text(one)).classes("lk-quiet lk-small")


def _chip(label: LabelRef) -> None:
    parts.label_chip(label.id, label.name, label.kind)


def chain_text(one: Inferred) -> str:
    """The chain in words: ``left kidney part of kidney located in upper abdomen``."""
    words = [one.chain[0]]
    for kind, name in zip(one.kinds, one.chain[1:], strict=True):
        words += [kind.replace("_", " ").lower(), name]
    return " ".join(words)
