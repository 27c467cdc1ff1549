"""The page /review: the ranked queues, decided by one key each, and the correlation heat map."""

from __future__ import annotations

from nicegui import ui

from lesionkg.workbench import parts
from lesionkg.workbench.frame import in_thread, page, place
from lesionkg.workbench.review_item import address
from lesionkg.workbench.review_map import MapView
from lesionkg.workbench.review_parts import select
from lesionkg.workbench.review_queue import ReviewPage
from queries.heat_map_graph import models_with_correlations


@page("/review", "Review")
async def show(
    queue: str = "", item: str = "", view: str = "", model: str = "", label: str = "", near: str = ""
) -> None:
    """Build the page."""
    models = await in_thread(models_with_correlations, place().store)
    chosen = model if model in models else ""
    with ui.element("div").classes("lk-rv-top"):
        parts.title("Review")
        with ui.element("nav").classes("lk-rv-views").props('aria-label="Views"'):
            for name, key in (("Queues", ""), ("Heat map", "map")):
                link = ui.link(name, address(queue if not key else "", model=chosen, view=key))
                link.classes("lk-rv-view" + (" lk-rv-on" if view == key else ""))
        ui.space()
        if len(models) > 1:
            picked = select("Model", list(models), chosen or next(iter(models)), mark="model")
            picked.on_value_change(lambda e: ui.navigate.to(address(queue, "", e.value, view)))
    for note in {models[one] for one in ([chosen] if chosen else list(models)[:1]) if models[one]}:
        ui.label(note).classes("lk-note lk-small")
    waiting = ui.row().classes("items-center")
    with waiting:
        ui.spinner(size="sm")
        ui.label("Reading the graph").classes("lk-quiet")
    body = ui.element("div").classes("lk-rv-body")
    await ui.context.client.connected()
    try:
        if view == "map":
            with body:
                await MapView(chosen or next(iter(models), ""), label, near).build()
        else:
            await ReviewPage(body, chosen, queue, item).build()
    finally:
        waiting.delete()
