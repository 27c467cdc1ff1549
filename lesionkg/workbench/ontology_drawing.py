"""The graph view of the page /ontology: a label in the middle, its neighbours around it, more on a click."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments, ValueChangeEventArguments

from kg.ontology import LabelClass, Ontology
from lesionkg.workbench import parts
from lesionkg.workbench.frame import calm, in_thread, place
from queries.label_facts import correlations
from queries.ontology_graph import Edge, Hidden, Node, OntologyGraph, Side, ontology_graph

_COLUMN, _ROW = 250, 25
"""Distances of nodes, pixels at full size."""

_STYLES: Mapping[Side, tuple[str, str, Any, float]] = {
    Side.PARENT: ("hierarchy: from child to parent", "line", "solid", 1.6),
    Side.EXCLUSIVE: ("never together", "bad", [7, 5], 1.4),
    Side.SOFT: ("soft relation", "type", [2, 4], 2.0),
    Side.CORRELATION: ("learned correlation", "accent", [12, 4, 2, 4], 1.2),
}
"""Meaning, colour and line of each kind of edge."""

_LIGHT = {
    "ink": "#17212b", "quiet": "#52606d", "line": "#6b7a88", "bad": "#b3261e", "accent": "#0b6e78",
    "bodypart": "#2f5fa8", "type": "#a8571b", "attribute": "#6a4c93", "surface": "#ffffff",
}  # fmt: skip
_DARK = {
    "ink": "#e6ebf0", "quiet": "#9fb0bf", "line": "#8595a4", "bad": "#f2867e", "accent": "#58c3cd",
    "bodypart": "#8fb4ee", "type": "#e9a26b", "attribute": "#c3a5ea", "surface": "#19222b",
}  # fmt: skip
"""The colours of theme.css, for the canvas."""

_PLURAL = {
    Side.PARENT: "parents",
    Side.CHILD: "children",
    Side.EXCLUSIVE: "exclusive labels",
    Side.SOFT: "soft relations",
    Side.CORRELATION: "correlations",
}

_WATCH = """
if (!window.lkTheme) {
  window.lkTheme = true;
  new MutationObserver(() => emitEvent('lk_theme')).observe(document.body, {attributeFilter: ['class']});
}
"""
_IS_DARK = "document.body.classList.contains('body--dark')"


class GraphView:
    """The neighbours of a label.

    Args:
        ontology: of the newest revision.
        label: id of the label in the middle.
        choose: called with the id of a label whose card somebody wants.
    """

    def __init__(self, ontology: Ontology, label: str, choose: Callable[[str], Awaitable[None]]) -> None:
        self._ontology, self._label, self._choose = ontology, label, choose
        self._opened: list[str] = []
        self._unfolded: set[tuple[str, Side]] = set()
        self._learned: dict[str, Any] = {}
        self._dark: bool | None = None
        self._graph: OntologyGraph | None = None

    def draw(self) -> None:
        """Draw the view into the open element."""
        with parts.panel(mark="ontology-graph"):
            _draw_legend()
            self._told = ui.label().classes("lk-quiet").props('data-mark="graph-count" aria-live=polite')
            self._tools = ui.element("div").classes("lk-onto-column")
            self._canvas = ui.element("div").classes("lk-onto-canvas")
        ui.timer(0.01, calm(self._start), once=True)

    async def _start(self) -> None:
        ui.run_javascript(_WATCH)
        ui.on("lk_theme", calm(self._recolour))
        await self._redraw()

    async def _recolour(self) -> None:
        if self._canvas.is_deleted:
            return
        dark = bool(await ui.run_javascript(_IS_DARK))
        if dark != self._dark:
            await self._redraw()

    async def _redraw(self) -> None:
        if self._canvas.is_deleted:
            return
        self._dark = bool(await ui.run_javascript(_IS_DARK))
        missing = {self._label, *self._opened} - self._learned.keys()
        if missing:
            found = await in_thread(correlations, place().store, missing)
            self._learned |= {label_id: found.get(label_id, ()) for label_id in missing}
        graph = ontology_graph(self._ontology, self._label, self._opened, self._unfolded, self._learned)
        self._graph = graph
        options, height = chart(graph, _DARK if self._dark else _LIGHT)
        self._canvas.clear()
        with self._canvas:
            drawn = ui.echart(options).style(f"height: {height}px").classes("w-full")
            # NiceGUI's own on_point_click fails where a node or an edge has no value.
            drawn.on("componentClick", calm(self._clicked), ["dataType", "dataIndex"])
            drawn.props["aria-label"] = "Graph of the neighbours; the lists above and the card say the same"
            drawn.props('role=img data-mark="graph-canvas"')
        self._tell(graph)

    def _tell(self, graph: OntologyGraph) -> None:
        rest = f", + {graph.left_out:,} more not drawn" if graph.left_out else ""
        full = " (the most that can be read)" if graph.full else ""
        self._told.set_text(
            f"{len(graph.nodes)} labels drawn{full}, {len(graph.edges)} relations{rest}. Click one to open it."
        )
        names = {node.id: node.name for node in graph.nodes}
        self._tools.clear()
        with self._tools, ui.row().classes("lk-onto-actions"):
            closed = {n.id: n.name for n in graph.nodes if not n.opened}
            if closed:
                picked = ui.select(closed, label="Open a drawn label", with_input=True)
                picked.props('dense outlined options-dense data-mark="graph-open"')
                picked.on_value_change(self._picked)
            shown = ui.select(names, label="Show the card of", with_input=True).props("dense outlined options-dense")
            shown.on_value_change(self._card)
            for one in graph.hidden:
                text = f"+ {one.count} {_PLURAL[one.side]} of {names[one.label]}"
                ui.button(text, on_click=calm(self._unfolder(one))).props("outline dense no-caps")

    async def _clicked(self, event: GenericEventArguments) -> None:
        if event.args.get("dataType") != "node" or self._graph is None:
            return
        index = int(event.args["dataIndex"])
        nodes, hidden = self._graph.nodes, self._graph.hidden
        if index < len(nodes):
            await self._toggle(nodes[index].id)
        elif index < len(nodes) + len(hidden):
            await self._unfolder(hidden[index - len(nodes)])()

    async def _picked(self, event: ValueChangeEventArguments[Any]) -> None:
        if event.value:
            await self._toggle(event.value)

    async def _card(self, event: ValueChangeEventArguments[Any]) -> None:
        if event.value:
            await self._choose(event.value)

    async def _toggle(self, label_id: str) -> None:
        if label_id == self._label:
            return
        if label_id in self._opened:
            self._opened.remove(label_id)
        else:
            self._opened.append(label_id)
        await self._redraw()

    def _unfolder(self, one: Hidden) -> Callable[[], Awaitable[None]]:
        async def unfold() -> None:
            self._unfolded.add((one.label, one.side))
            await self._redraw()

        return unfold


def chart(graph: OntologyGraph, colours: Mapping[str, str]) -> tuple[dict[str, Any], int]:
    """ECharts' options and the height in pixels: nodes first, then those that stand for what is hidden.

    Args:
        graph: what is drawn.
        colours: by name, as hexadecimal numbers.
    """
    places = _places(graph)
    nodes = [_node(node, places[node.id], node.id == graph.centre, colours) for node in graph.nodes]
    more = [
        {
            "id": f"more {one.label} {one.side}",
            "name": f"+ {one.count} more",
            "x": places[f"more {one.label} {one.side}"][0],
            "y": places[f"more {one.label} {one.side}"][1],
            "symbol": "roundRect",
            "symbolSize": [14, 8],
            "itemStyle": {"color": colours["quiet"]},
            "label": {"position": "left" if one.column < 0 else "right", "color": colours["quiet"]},
        }
        for one in graph.hidden
    ]
    across, down = ([place[k] for place in places.values()] for k in (0, 1))
    wide = max(2 * _COLUMN, max(across) - min(across))
    high = max(14 * _ROW, max(down) - min(down))
    middle = (max(across) + min(across)) / 2, (max(down) + min(down)) / 2
    corners = [
        {
            "id": f"corner {sign}",
            "name": "",
            "x": middle[0] + sign * wide / 2,
            "y": middle[1] + sign * high / 2,
            "symbolSize": 0,
            "silent": True,
            "label": {"show": False},
        }
        for sign in (-1, 1)
    ]
    series = {
        "type": "graph",
        "layout": "none",
        "roam": True,
        "scaleLimit": {"min": 0.4, "max": 6},
        "left": 190,
        "right": 190,
        "top": 24,
        "bottom": 24,
        "data": [*nodes, *more, *corners],
        "links": [_link(edge, colours) for edge in graph.edges],
        "label": {"show": True, "fontSize": 12, "color": colours["ink"], "width": 180, "overflow": "truncate"},
        "emphasis": {"focus": "adjacency"},
        "edgeSymbolSize": 7,
    }
    tooltip = {"renderMode": "richText", "confine": True}
    return {"animation": False, "tooltip": tooltip, "series": [series]}, int(high + 48)


def _places(graph: OntologyGraph) -> dict[str, tuple[float, float]]:
    """Where nodes stand, in columns; the centre in the middle of its own."""
    columns: dict[int, list[str]] = defaultdict(list)
    for node in graph.nodes:
        columns[node.column].append(node.id)
    for one in graph.hidden:
        columns[one.column].append(f"more {one.label} {one.side}")
    own = columns[0]
    own.remove(graph.centre)
    own.insert(len(own) // 2, graph.centre)
    return {
        node: (column * _COLUMN, (row - (len(ids) - 1) / 2) * _ROW)
        for column, ids in columns.items()
        for row, node in enumerate(ids)
    }


def _node(node: Node, place_: tuple[float, float], centre: bool, colours: Mapping[str, str]) -> dict[str, Any]:
    colour = colours[LabelClass(node.label_class).value]
    position = "top" if centre else "left" if node.column < 0 else "right"
    return {
        "id": node.id,
        "name": node.name,
        "x": place_[0],
        "y": place_[1],
        "symbol": "circle",
        "symbolSize": 22 if centre else 13 if node.opened else 9,
        "itemStyle": {
            "color": colour,
            "borderColor": colours["ink"] if node.opened else colour,
            "borderWidth": 2 if node.opened else 0,
            "opacity": 0.5 if node.deprecated else 1,
        },
        "label": {
            "position": position,
            "color": colours["quiet"] if node.deprecated else colours["ink"],
            "fontWeight": "bold" if node.opened else "normal",
        },
    }


def _link(edge: Edge, colours: Mapping[str, str]) -> dict[str, Any]:
    _, colour, line, width = _STYLES[edge.side]
    if edge.side is Side.CORRELATION:
        width = 0.8 + 3 * min(abs(edge.weight), 1)
    return {
        "source": edge.start,
        "target": edge.end,
        "symbol": ["none", "arrow" if edge.side in (Side.PARENT, Side.CORRELATION) else "none"],
        "lineStyle": {"color": colours[colour], "type": line, "width": width, "opacity": 0.75, "curveness": 0.08},
    }


def _draw_legend() -> None:
    with ui.element("div").classes("lk-onto-legend").props('aria-label="Legend"'):
        for label_class in LabelClass:
            ui.label(label_class.value).classes(f"lk-chip lk-{label_class.value}")
        for side, (meaning, *_) in _STYLES.items():
            with ui.element("span").classes("lk-onto-key-line"):
                ui.element("span").classes(f"lk-onto-stroke lk-onto-stroke-{side.value}")
                ui.label(meaning)
