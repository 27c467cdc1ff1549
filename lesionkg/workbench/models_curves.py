"""Curves of a model: its training where a log was kept, and precision, recall and calibration on test lesions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from lesionkg.workbench import parts
from lesionkg.workbench.frame import calm, in_thread, place
from lesionkg.workbench.review_kept import kept
from queries.model_view import ModelSummary
from queries.run_curves import Curve, read_curves
from queries.run_files import RunFiles

_GREY = "#8494a3"
_COLOURS = ["#0b8a96", "#c97a3d", "#8d6cba", "#4f7fcf", "#2f9e5f", "#c2557a"]
_LOSSES = ("loss", "classification", "refined", "mining", "triplet", "semantic")
_JUDGED = {"val_f1": "F1 on validation", "val_auc": "macro AUC on validation"}


class Curves:
    """The curves of one model.

    Args:
        model: whose; its run's folder is there.
    """

    def __init__(self, model: ModelSummary) -> None:
        self._model = model

    def build(self) -> None:
        """Show the training's log, and a button for the curves that must be computed."""
        files = self._files()
        log = files.log()
        if log:
            with ui.element("div").classes("lk-m-cols"):
                _log(log, {name: name for name in _LOSSES}, "training loss", "step")
                _log(log, _JUDGED, "validation", "step")
        else:
            parts.empty("This run kept no log of its training.")
        self._box = ui.element("div")
        with self._box:
            ui.button("Draw precision, recall and calibration", icon="show_chart", on_click=self._draw).props(
                'outline dense no-caps padding="4px 12px" data-mark="draw-curves"'
            )
            parts.empty("From the stored predictions and the labels of the cohort; takes some seconds.")

    def _files(self) -> RunFiles:
        assert self._model.folder is not None
        return RunFiles(self._model.folder)

    @calm
    async def _draw(self) -> None:
        self._box.clear()
        with self._box, ui.row().classes("items-center") as busy:
            ui.spinner(size="sm")
            ui.label("Reading the cohort and the predictions").classes("lk-quiet")
        try:
            files = self._files()
            key = ("curves", self._model.id)
            found = await in_thread(lambda: kept().get(key, lambda: read_curves(place().store, files)))
        finally:
            busy.delete()
        with self._box:
            with ui.element("div").classes("lk-m-cols"):
                _chart(found.precision_recall, "recall", "precision", diagonal=False)
                _chart(found.reliability, "mean score or probability", "share of positives", diagonal=True)
            parts.empty(
                f"{found.lesions:,} labelled test lesions. Precision at a level of recall is the best at or above it."
            )


def _log(rows: Sequence[dict[str, float]], names: dict[str, str], title: str, x: str) -> None:
    curves = [
        Curve(said, tuple((row[x], row[name]) for row in rows if x in row and name in row))
        for name, said in names.items()
        if any(row.get(name) for row in rows)
    ]
    if curves:
        _chart(curves, x, title, diagonal=False, unit_axes=False)


def _chart(curves: Sequence[Curve], x: str, y: str, diagonal: bool, unit_axes: bool = True) -> None:
    bounds = {"min": 0, "max": 1} if unit_axes else {"scale": True}
    axis = {
        "type": "value",
        "nameLocation": "middle",
        "nameTextStyle": {"color": _GREY},
        "axisLabel": {"color": _GREY},
        "splitLine": {"lineStyle": {"color": _GREY, "opacity": 0.2}},
        **bounds,
    }
    series: list[dict[str, Any]] = [
        {"type": "line", "name": curve.name, "data": [list(point) for point in curve.points], "symbolSize": 4}
        for curve in curves
    ]
    if diagonal:
        line = {"type": "dashed", "color": _GREY}
        series.append({"type": "line", "data": [[0, 0], [1, 1]], "symbol": "none", "lineStyle": line, "silent": True})
    options = {
        "color": _COLOURS,
        "animation": False,
        "grid": {"left": 54, "right": 16, "top": 40, "bottom": 44},
        "legend": {"data": [curve.name for curve in curves], "top": 4, "textStyle": {"color": _GREY}},
        "tooltip": {"trigger": "axis", "renderMode": "richText"},
        "xAxis": {**axis, "name": x, "nameGap": 26},
        "yAxis": {**axis, "name": y, "nameGap": 38},
        "series": series,
    }
    ui.echart(options).classes("lk-m-chart").props('data-mark="chart"')
