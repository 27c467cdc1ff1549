"""The correlation heat map beside the relations, and the same weights as a table."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from nicegui import events, ui

from kg.ontology import LabelClass, Ontology
from kg.store import GraphStore
from lesionkg.workbench import parts, review_item
from lesionkg.workbench.frame import calm, in_thread, place
from lesionkg.workbench.review_kept import kept
from lesionkg.workbench.review_parts import chips, lesions, select
from queries.heat_map import Agreement, Cell, HeatMap, heat_map
from queries.heat_map_graph import read_weights
from queries.pair_evidence import PairEvidence
from queries.review_board import evidence_of_pair, gather

WORDS = {
    Agreement.AGREES: "agrees with the ontology",
    Agreement.CONTRADICTS: "contradicts it",
    Agreement.NEW: "new: no relation says it",
}
_MARKS = {
    Agreement.AGREES: ("circle", "#1d7f4c"),
    Agreement.CONTRADICTS: ("diamond", "#c22f25"),
    Agreement.NEW: ("triangle", "#8a5a00"),
}
_BRIGHT = {Agreement.AGREES: "#7fcf9d", Agreement.CONTRADICTS: "#ff9a92", Agreement.NEW: "#f0c469"}
_SCALE = ("#b5540f", "rgba(128,128,128,0.06)", "#0b7f8a")
_CLASSES = {
    "": "strongest of all classes",
    LabelClass.BODYPART.value: "body parts",
    LabelClass.TYPE.value: "types",
    LabelClass.ATTRIBUTE.value: "attributes",
}


class MapView:
    """The heat map with its choices.

    Args:
        model: id of the model; empty where none has correlations.
        label_class: class to begin with; empty for all.
        near: id of the label whose neighbourhood to show; empty for none.
    """

    def __init__(self, model: str, label_class: str, near: str) -> None:
        self._model = model
        self._class = label_class if label_class in _CLASSES else ""
        self._near = near
        self._only: Agreement | None = None
        self._map: HeatMap
        self._shown: list[Cell] = []

    async def build(self) -> None:
        """Read the weights and show them."""
        if not self._model:
            parts.empty("No model in this graph has correlations; `lesionkg publish` brings them.")
            return
        self._ontology: Ontology = await in_thread(place().ontology)
        self._dark = bool(await ui.run_javascript("document.body.classList.contains('body--dark')", timeout=10))
        names = {label.id: label.name for label in self._ontology.labels if not label.deprecated}
        self._near = self._near if self._near in names else ""
        with ui.element("div").classes("lk-rv-top"):
            by_class = select("Labels", _CLASSES, self._class, mark="class")
            near = ui.select(
                {"": "any label", **dict(sorted(names.items(), key=lambda each: each[1]))},
                value=self._near,
                label="Around a label",
                with_input=True,
            )
            near.props('dense outlined options-dense data-mark="near"').classes("lk-rv-select")
            ui.space()
            self._counts = ui.element("div").classes("lk-rv-legend").props('data-mark="legend"')
        with ui.element("div").classes("lk-rv-map"):
            with parts.panel("Learned weights", mark="map"):
                self._picture = ui.element("div").classes("w-full")
            with parts.panel("The pair", mark="pair"):
                self._pair = ui.element("div").classes("lk-rv-block").style("gap: 14px")
                with self._pair:
                    parts.empty("Choose a cell of the map or a row of the table to see the evidence for the pair.")
        with parts.panel("The same weights as a table, largest first", mark="table"):
            views = {"": "all", **{str(int(one)): one.name.lower() for one in WORDS}}
            only = (
                ui.toggle(views, value="")
                .props('dense no-caps unelevated toggle-color=primary data-mark="only"')
                .classes("lk-rv-which")
            )
            self._table = ui.element("div").classes("w-full")

        @calm
        async def changed() -> None:
            self._class, self._near = by_class.value or "", near.value or ""
            values = {"view": "map", "model": self._model, "label": self._class, "near": self._near}
            ui.navigate.history.replace("/review?" + urlencode({k: v for k, v in values.items() if v}))
            await self._draw()

        def filtered(change: events.ValueChangeEventArguments[str]) -> None:
            self._only = Agreement(int(change.value)) if change.value else None
            self._fill_table()

        by_class.on_value_change(changed)
        near.on_value_change(changed)
        only.on_value_change(filtered)
        await self._draw()

    async def _draw(self) -> None:
        self._map = await in_thread(_read, place().store, self._model, self._ontology, self._class, self._near)
        self._legend()
        self._picture.clear()
        with self._picture:
            _described(self._map, self._ontology)
            size = max(len(self._map.names), 1)
            height = 150 + size * max(12, min(28, 420 // size))
            chart = ui.echart(_options(self._map, self._dark), on_point_click=self._picked)
            chart.style(f"height: {height}px; width: 100%").props(
                'role=img aria-label="Heat map of learned weights; the table below has the same"'
            )
        self._fill_table()

    def _legend(self) -> None:
        self._counts.clear()
        with self._counts:
            for one, words in WORDS.items():
                with ui.element("span").props(f'data-mark="legend-{one.name.lower()}"'):
                    ui.element("i").classes(f"lk-rv-swatch lk-rv-{one.name.lower()}").props("aria-hidden=true")
                    ui.label(f"{words}: {self._map.count(one):,}")
            with ui.element("span"):
                ui.label("against")
                ui.element("i").classes("lk-rv-bar").props("aria-hidden=true")
                ui.label("for")

    def _fill_table(self) -> None:
        names = dict(zip(self._map.label_ids, self._map.names, strict=True))
        self._shown = [cell for cell in self._map.cells() if self._only in (None, cell.agreement)]
        rows = [
            {
                "number": number,
                "evidence for": names[cell.source],
                "counts for": names[cell.target],
                "weight": round(cell.weight, 3),
                "stability": round(cell.stability, 2),
                "reading": cell.reading,
                "ontology": cell.agreement.name.lower(),
            }
            for number, cell in enumerate(self._shown, 1)
        ]
        columns: list[dict[str, Any]] = [
            {"field": "number", "headerName": "#", "width": 70},
            {"field": "evidence for", "flex": 2},
            {"field": "counts for", "flex": 2},
            {"field": "weight", "width": 110, "type": "rightAligned"},
            {"field": "stability", "width": 110, "type": "rightAligned"},
            {"field": "reading", "flex": 1},
            {"field": "ontology", "flex": 1},
        ]
        self._table.clear()
        with self._table:
            grid = parts.grid(columns, rows, "360px").props('data-mark="weights"')
            grid.on("cellClicked", self._row, ["data"])

    @calm
    async def _row(self, event: events.GenericEventArguments) -> None:
        number = (event.args.get("data") or {}).get("number")
        if isinstance(number, int) and 0 < number <= len(self._shown):
            cell = self._shown[number - 1]
            await self._show_pair(cell.source, cell.target)

    @calm
    async def _picked(self, event: events.EChartPointClickEventArguments) -> None:
        at = event.value if isinstance(event.value, list) else []
        size = len(self._map.label_ids)
        if len(at) >= 2 and all(isinstance(i, int) and 0 <= i < size for i in at[:2]) and at[0] != at[1]:
            await self._show_pair(self._map.label_ids[at[0]], self._map.label_ids[at[1]])

    async def _show_pair(self, source: str, target: str) -> None:
        found: PairEvidence = await in_thread(_evidence, self._model, source, target)
        self._pair.clear()
        with self._pair:
            with ui.element("div").classes("lk-chips").props('data-mark="pair-labels"'):
                chips(self._ontology, (source, target))
            review_item.learned(found)
            review_item.relations(found)
            review_item.lesion_counts(found)
            if found.examples:
                lesions(found.examples)
            items = await in_thread(_items, self._model, source, target)
            for item in items:
                ui.link("Decide in the queue", "/review?" + urlencode({"item": item, "model": self._model}))


def _read(store: GraphStore, model: str, ontology: Ontology, label_class: str, near: str) -> HeatMap:
    weights = kept().get(("weights", model), lambda: read_weights(store, model, place().runs))
    return heat_map(ontology, weights, LabelClass(label_class) if label_class else None, near)


def _evidence(model: str, source: str, target: str) -> PairEvidence:
    return evidence_of_pair(kept(), gather(kept(), model), source, target)


def _items(model: str, source: str, target: str) -> list[str]:
    """Ids of the items of the queues that are about a pair."""
    items = gather(kept(), model).items.values()
    return [one.id for rows in items for one in rows if set(one.labels) == {source, target}]


def _described(found: HeatMap, ontology: Ontology) -> None:
    said = f"{found.model}: {len(found.names)} labels; evidence for the label of a column counts for that of a row."
    if found.left_out:
        said += f" {found.left_out} labels with smaller weights are left out."
    if not found.complete:
        said += " Weights that do not stand out are not at hand and stay blank."
    ui.label(said).classes("lk-quiet lk-small")


def _options(found: HeatMap, dark: bool) -> dict[str, Any]:
    """What ECharts draws: cells by weight, with one series of marks for each kind of agreement."""
    ink, line = ("#9fb0bf", "#303c48") if dark else ("#52606d", "#d9dfe4")
    size = len(found.names)
    top = float(abs(found.weight[found.agreement > 0]).max()) if found.cells() else 1.0
    cells: list[dict[str, Any]] = []
    marks: dict[Agreement, list[dict[str, Any]]] = {one: [] for one in WORDS}
    for i in range(size):
        for j in range(size):
            if i == j or (not found.complete and not found.agreement[i, j]):
                continue
            agreement = Agreement(int(found.agreement[i, j]))
            text = f"{found.names[j]} → {found.names[i]}\n{found.weight[i, j]:+.3f}"
            if agreement is not Agreement.WEAK:
                text += f", stability {found.stability[i, j]:.2f}\n{found.reading[i, j]}; {WORDS[agreement]}"
                marks[agreement].append({"name": text, "value": [j, i]})
            cells.append({"name": text, "value": [j, i, round(float(found.weight[i, j]), 3)]})
    mark = max(5, min(10, 400 // max(size, 1)))
    axis = {
        "type": "category",
        "data": list(found.names),
        "axisLine": {"lineStyle": {"color": line}},
        "axisTick": {"show": False},
        "splitLine": {"show": True, "lineStyle": {"color": line, "width": 0.5}},
    }
    names = {"color": ink, "fontSize": 10, "interval": 0, "width": 130, "overflow": "truncate"}
    series = [
        {
            "type": "heatmap",
            "name": "weight",
            "data": cells,
            "progressive": 0,
            "animation": False,
            "emphasis": {"itemStyle": {"borderColor": ink, "borderWidth": 1}},
        },
        *(
            {
                "type": "scatter",
                "name": one.name.lower(),
                "symbol": _MARKS[one][0],
                "symbolSize": mark,
                "animation": False,
                "data": marks[one],
                "itemStyle": {
                    "color": _BRIGHT[one] if dark else _MARKS[one][1],
                    "borderColor": "#11171d" if dark else "#ffffff",
                    "borderWidth": 1,
                },
            }
            for one in WORDS
        ),
    ]
    return {
        "backgroundColor": "transparent",
        "tooltip": {
            "renderMode": "richText",
            "formatter": "{b}",
            "confine": True,
            "backgroundColor": "#11171d" if dark else "#ffffff",
            "borderColor": line,
            "textStyle": {"color": "#e6ebf0" if dark else "#17212b", "fontSize": 12},
        },
        "grid": {"left": 140, "right": 8, "top": 8, "bottom": 140},
        "xAxis": {**axis, "axisLabel": {**names, "rotate": 90}},
        "yAxis": {**axis, "inverse": True, "axisLabel": names},
        "visualMap": {
            "show": False,
            "min": -top,
            "max": top,
            "seriesIndex": 0,
            "inRange": {"color": list(_SCALE)},
        },
        "series": series,
    }
