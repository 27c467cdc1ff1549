"""A result on the page: as table, graph and JSON, with its figures and its exports."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nicegui import events, ui

from lesionkg.cli.context import RESEARCH_USE_ONLY
from lesionkg.server.audit import Action
from lesionkg.workbench import parts
from lesionkg.workbench.frame import calm, in_thread, place, user
from queries.disclosure import disclosable
from queries.limits import Limits
from queries.request import Request
from queries.result_graph import CellKind, Named, ResultGraph, draw, find_named
from queries.results import Format, Result, as_json, write

MOST_SHOWN = 5000
"""Rows that the table shows; exports hold all."""

_MOST_AS_JSON = 100
_LARGEST_EXACT = 2**53
_MEDIA = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON: "application/json",
    Format.PARQUET: "application/vnd.apache.parquet",
}

# Evaluated in the browser; constant, so that nothing of a result is ever code. The element holds text only.
_LINK = """params => {
  const text = params.value === null || params.value === undefined ? '' : String(params.value);
  const target = params.data['h' + params.column.getColId().slice(1)];
  const shown = document.createElement(target ? 'a' : 'span');
  shown.textContent = text;
  if (target) shown.href = target;
  return shown;
}"""
_NUMBER = "params => typeof params.value === 'number' ? String(+params.value.toPrecision(6)) : params.value"

_COLOURS = {"lesion": "#0b8a96", "bodypart": "#4f7fcf", "type": "#c97a3d", "attribute": "#8d6cba"}
_GREY = "#8494a3"


@dataclass(frozen=True)
class Answer:
    """A result with what it was asked by.

    Attributes:
        request: what was asked.
        result: the rows.
        named: the lesions and labels in it.
    """

    request: Request
    result: Result
    named: Named

    @property
    def title(self) -> str:
        """Names it in exports."""
        return self.request.name or "query"


def answered(request: Request, result: Result) -> Answer:
    """Look up the lesions and labels of a result; runs in a thread."""
    return Answer(request, result, find_named(place().store, result))


class ResultView:
    """Shows one answer; built where it is made.

    Args:
        answer: what to show.
        limits: what the query was allowed.
    """

    def __init__(self, answer: Answer, limits: Limits) -> None:
        self._answer, self._limits = answer, limits
        self._drawn = False
        result = answer.result
        with ui.element("div").classes("lk-q-top"):
            with ui.tabs().props("dense no-caps inline-label align=left").classes("lk-q-tabs") as tabs:
                table = ui.tab("Table", icon="table_rows")
                graph = ui.tab("Graph", icon="hub").props('data-mark="graph-tab"')
                document = ui.tab("JSON", icon="data_object")
            ui.space()
            for form in (Format.CSV, Format.JSON, Format.PARQUET):
                ui.button(form.value if form is Format.PARQUET else form.value.upper(), icon="download").props(
                    f'flat dense no-caps aria-label="Export {form.value}" data-mark="export-{form.value}"'
                ).on_click(lambda form=form: self._export(form))
        self._figures()
        for note in result.notes:
            ui.label(note).classes("lk-note")
        tabs.on_value_change(lambda e: self._open(str(e.value)))
        with ui.tab_panels(tabs, value=table, animated=False).classes("w-full lk-q-panels"):
            with ui.tab_panel(table):
                self._table()
            with ui.tab_panel(graph) as self._graph:
                pass
            with ui.tab_panel(document):
                self._document()

    def _figures(self) -> None:
        result, limits = self._answer.result, self._limits
        rows = len(result.rows)
        said = [f"{rows:,} row{'' if rows == 1 else 's'}", f"{result.seconds:.2f} s"]
        if result.memory_mb:
            said.append(f"{result.memory_mb:,.0f} MB")
        with ui.row().classes("items-center lk-q-figures"):
            ui.label(" · ".join(said)).props('data-mark="figures"')
            if result.truncated:
                ui.label(f"truncated: there are more than {rows:,} rows").classes("lk-q-cut").props(
                    'data-mark="truncated"'
                )
            ui.label(
                f"at most {limits.rows:,} rows, {limits.seconds:g} s, {limits.memory_mb:,} MB for free Cypher"
            ).classes("lk-quiet lk-small")

    def _table(self) -> None:
        result, named = self._answer.result, self._answer.named
        if not result.rows:
            parts.empty("No rows: the question was understood, and nothing answers it.")
            return
        columns = [_column(place, name, result, named) for place, name in enumerate(result.columns)]
        rows = [
            {key: value for place, cell in enumerate(row) for key, value in _cells(place, cell, named).items()}
            for row in result.rows[:MOST_SHOWN]
        ]
        height = min(560, 60 + 42 * max(len(rows), 2))
        grid = parts.grid(columns, rows, f"{height}px").props('data-mark="rows"')
        grid.options["autoSizeStrategy"] = {"type": "fitCellContents"}
        if len(result.rows) > MOST_SHOWN:
            parts.empty(f"The table shows the first {MOST_SHOWN:,} rows; exports hold all {len(result.rows):,}.")

    def _document(self) -> None:
        result = self._answer.result
        first = replace(result, rows=result.rows[:_MOST_AS_JSON])
        if len(result.rows) > _MOST_AS_JSON:
            parts.empty(f"The first {_MOST_AS_JSON} of {len(result.rows):,} rows; the export holds all.")
        text = json.dumps(as_json(first), ensure_ascii=False, indent=1)
        ui.label(text).classes("lk-q-json lk-mono").props('tabindex=0 data-mark="json" aria-label="Result as JSON"')

    async def _open(self, tab: str) -> None:
        if tab != "Graph" or self._drawn:
            return
        self._drawn = True
        with self._graph:
            if not self._answer.named.nodes:
                parts.empty(
                    "No column holds only ids of lesions, or only ids or names of labels, so there is nothing to draw."
                )
                return
            found = await in_thread(draw, place().store, self._answer.named)
            _graph(found)

    async def _export(self, form: Format) -> None:
        await _exported(self._answer, form)


@calm
async def _exported(answer: Answer, form: Format) -> None:
    smallest = place().settings.smallest_group
    allowed = await in_thread(disclosable, answer.result, answer.request, smallest, place().store)
    result = replace(allowed, notes=(*allowed.notes, RESEARCH_USE_ONLY))
    content = await in_thread(_written, result, form)
    who = user()
    await in_thread(
        lambda: place().audit.record(
            who, Action.EXPORT, answer.title, form=form.value, rows=len(result.rows), columns=list(result.columns)
        )
    )
    name = f"{answer.title}-research-use-only.{form.value}"
    ui.download.content(content, name, _MEDIA[form])
    for note in allowed.notes[len(answer.result.notes) :]:
        ui.notify(note, type="warning", timeout=0, close_button="Close")


def _written(result: Result, form: Format) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"result.{form.value}"
        write(result, form, path)
        return path.read_bytes()


def _column(place: int, name: str, result: Result, named: Named) -> dict[str, Any]:
    column: dict[str, Any] = {"field": f"c{place}", "headerName": name, "minWidth": 90}
    cells = [row[place] for row in result.rows if row[place] is not None]
    if cells and all(isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in cells):
        return {**column, "type": "rightAligned", "filter": "agNumberColumnFilter", ":valueFormatter": _NUMBER}
    if place in named.columns:
        return {**column, ":cellRenderer": _LINK}
    return column


def _cells(place: int, cell: Any, named: Named) -> dict[str, Any]:
    """A cell as text or number under a key of our own, and where it leads; names of columns are never keys."""
    kind = named.columns.get(place)
    shown = {f"c{place}": _shown(cell)}
    if kind is None or not isinstance(cell, str):
        return shown
    key = named.ids[cell]
    return {**shown, f"h{place}": _page_of(key, kind is CellKind.LESION)}


def _page_of(key: str, is_lesion: bool) -> str:
    return f"/lesions/{quote(key, safe=':')}" if is_lesion else f"/ontology?label={quote(key)}"


def _shown(value: Any) -> str | int | float | None:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and _is_exact(value)):
        return value
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)


def _is_exact(value: float) -> bool:
    return abs(value) <= _LARGEST_EXACT  # also false for what is not a number


def _graph(found: ResultGraph) -> None:
    counts = {"nodes": found.nodes_left_out, "relations": found.edges_left_out}
    left_out = [f"{count:,} more {what}" for what, count in counts.items() if count]
    said = f"{len(found.nodes):,} nodes and {len(found.edges):,} relations among them"
    ui.label(said + (f"; {' and '.join(left_out)} are not drawn" if left_out else "")).classes(
        "lk-quiet lk-small"
    ).props('data-mark="graph-says"')
    kinds = [kind for kind in _COLOURS if any(node.kind == kind for node in found.nodes)]
    degree = {node.id: 0 for node in found.nodes}
    for start, _, stop in found.edges:
        degree[start] += 1
        degree[stop] += 1
    named = len(found.nodes) <= 60
    tight = min(1.0, (60 / max(len(found.nodes), 1)) ** 0.5)  # many nodes stand closer, so that all fit
    options = {
        "color": [_COLOURS[kind] for kind in kinds],
        "tooltip": {"renderMode": "richText"},
        "legend": {"data": kinds, "top": 10, "left": 12, "textStyle": {"color": _GREY}},
        "series": [
            {
                "type": "graph",
                "layout": "force",
                "roam": True,
                "draggable": True,
                "categories": [{"name": kind} for kind in kinds],
                "data": [
                    {
                        "id": node.id,
                        "name": node.name,
                        "value": degree[node.id],
                        "category": kinds.index(node.kind),
                        "symbolSize": (8 + min(22, 4 * degree[node.id] ** 0.5)) * tight**0.5,
                        "label": {"show": named or degree[node.id] > 8},
                    }
                    for node in found.nodes
                ],
                "links": [{"source": start, "target": stop, "value": kind} for start, kind, stop in found.edges],
                "label": {"position": "right", "color": _GREY, "fontSize": 11},
                "lineStyle": {"color": _GREY, "opacity": 0.55, "curveness": 0.05},
                "edgeSymbol": ["none", "arrow"],
                "edgeSymbolSize": 5,
                "force": {"repulsion": 90 * tight**2, "edgeLength": 70 * tight, "gravity": 0.08 / tight},
                "emphasis": {"focus": "adjacency"},
            }
        ],
    }

    def lead(event: events.EChartPointClickEventArguments) -> None:
        if event.data_type == "node":
            node = found.nodes[event.data_index]
            ui.navigate.to(_page_of(node.id, node.kind == CellKind.LESION))

    ui.echart(options, on_point_click=lead).classes("lk-q-graph").props('data-mark="graph"')
