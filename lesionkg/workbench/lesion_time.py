"""A patient's lesions over studies, on the page of one of them: sizes as a plot and a table."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from lesionkg.workbench import parts
from lesionkg.workbench.lesion_models import size_text
from queries.lesion_facts import LesionView, Relative

_GREY, _TEAL, _ORANGE = "#8a97a3", "#1b93a0", "#c9732f"


def over_time(view: LesionView) -> None:
    """The panel."""
    with parts.panel("Over time", mark="over-time"):
        others = [one for one in view.relatives if one.lesion != view.id]
        matched = [one for one in others if one.same]
        if not view.relatives:
            parts.empty("The patient of this lesion is not known.")
            return
        studies = len({one.study for one in view.relatives})
        ui.label(_summary(len(view.relatives), studies, len(matched))).classes("lk-quiet")
        drawn = [one for one in view.relatives if one.long_mm is not None and one.order is not None]
        if len({one.order for one in drawn}) > 1:
            ui.echart(_plot(view.id, drawn)).classes("w-full").style("height: 220px").props('data-mark="size-plot"')
        if others:
            _table(view.id, view.relatives)


def _summary(lesions: int, studies: int, matched: int) -> str:
    if lesions == 1:
        return "The only marked lesion of this patient."
    found = (
        f"a model holds {matched} of them to be this lesion in another study"
        if matched
        else "no model matched this lesion over studies"
    )
    return f"{lesions} marked lesions of the patient in {studies} {'study' if studies == 1 else 'studies'}; {found}."


def _plot(lesion: str, drawn: list[Relative]) -> dict[str, Any]:
    same = sorted((one for one in drawn if one.same), key=lambda one: (one.order or 0, one.lesion))
    axis = {"nameLocation": "middle", "nameTextStyle": {"color": _GREY}, "axisLabel": {"color": _GREY}}
    split = {"lineStyle": {"color": "rgba(138,151,163,0.25)"}}

    def points(found: list[Relative]) -> list[dict[str, Any]]:
        return [{"name": one.lesion, "value": [one.order, round(one.long_mm or 0, 1)]} for one in found]

    return {
        "animation": False,
        "grid": {"left": 48, "right": 16, "top": 32, "bottom": 40},
        "legend": {"top": 0, "textStyle": {"color": _GREY}},
        "tooltip": {"trigger": "item", "renderMode": "richText"},
        "xAxis": {
            **axis,
            "type": "value",
            "name": "study",
            "nameGap": 24,
            "minInterval": 1,
            "scale": True,
            "splitLine": split,
        },
        "yAxis": {**axis, "type": "value", "name": "long diameter, mm", "nameGap": 32, "splitLine": split},
        "series": [
            {
                "name": "other lesions",
                "type": "scatter",
                "symbolSize": 6,
                "itemStyle": {"color": _GREY, "opacity": 0.5},
                "data": points([one for one in drawn if not one.same]),
            },
            {
                "name": "this lesion",
                "type": "line",
                "symbolSize": 8,
                "color": _TEAL,
                "data": points(same),
            },
            {
                "name": "here",
                "type": "scatter",
                "symbolSize": 13,
                "itemStyle": {"color": _ORANGE},
                "data": points([one for one in same if one.lesion == lesion]),
            },
        ],
    }


def _table(lesion: str, relatives: tuple[Relative, ...]) -> None:
    box = ui.element("div").classes("lk-ls-scroll").props('tabindex=0 role=region aria-label="Lesions of this patient"')
    with box, ui.element("table").classes("lk-ls-table").props('data-mark="relatives"'):
        with ui.element("thead"), ui.element("tr"):
            for heading in ("Study", "Age", "Lesion", "Size", "Same lesion", "Labels"):
                with ui.element("th").props("scope=col"):
                    ui.label(heading)
        with ui.element("tbody"):
            for one in relatives:
                _row(one, one.lesion == lesion)


def _row(one: Relative, here: bool) -> None:
    with ui.element("tr").classes("lk-ls-here" if here else ""):
        with ui.element("td"):
            ui.label("" if one.order is None else str(one.order))
        with ui.element("td"):
            ui.label("" if one.age is None else f"{one.age:.0f}")
        with ui.element("td"):
            if here:
                ui.label(one.lesion).classes("lk-mono")
            else:
                parts.lesion_link(one.lesion)
        with ui.element("td"):
            ui.label(size_text(one.long_mm, one.short_mm))
        with ui.element("td"):
            ui.label("this one" if here else _same(one))
        with ui.element("td"):
            ui.label(", ".join(one.labels)).classes("lk-small")


def _same(one: Relative) -> str:
    return f"distance {one.distance:.2f} ({', '.join(one.models)})" if one.distance is not None else ""
