"""The page /models: trained models, what they are worth, and whether the ontology went on without them."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from nicegui import ui

from lesionkg.workbench import parts
from lesionkg.workbench.frame import in_thread, page, place
from lesionkg.workbench.models_compare import comparison
from lesionkg.workbench.models_curves import Curves
from lesionkg.workbench.models_figures import ablations, figures, groups, labels, settings
from lesionkg.workbench.models_parts import badges, changed
from queries.ablations import read_ablations
from queries.model_view import ABLATION, Currency, ModelPage, ModelSummary, list_models, read_model, since


@page("/models", "Models")
async def show(run: str = "", other: str = "") -> None:
    """Build the page.

    Args:
        run: id of the model to show; the newest when empty.
        other: id of a model to compare it with.
    """
    store, home = place().store, place().settings.home
    models = await in_thread(list_models, store, home)
    parts.title("Models")
    if not models and not run:
        with parts.panel(mark="models"):
            parts.empty("No model yet. `lesionkg train` trains one, `lesionkg publish RUN` brings it into the graph.")
        return
    chosen = run or models[0].id
    with ui.element("div").classes("lk-m-shell"):
        with parts.panel("Runs and published models", mark="models"):
            _list(models, chosen)
        with ui.element("div").classes("lk-o-column") as main:
            pass
    with main:
        found = await in_thread(read_model, store, home, chosen)
        against = await in_thread(read_model, store, home, other) if other else None
        await _model(found, models, against)
    await ui.context.client.connected()
    with main:
        tables = await in_thread(read_ablations, home / ABLATION)
        if tables:
            ablations(tables)


def _list(models: Sequence[ModelSummary], chosen: str) -> None:
    for model in models:
        here = model.id == chosen
        with ui.link(target=f"/models?run={quote(model.id)}").classes(
            "lk-m-row" + (" lk-m-here" if here else "")
        ) as link:
            if here:
                link.props("aria-current=true")
            with ui.row().classes("w-full items-baseline justify-between no-wrap").style("gap: 8px"):
                ui.label(model.id).classes("lk-mono")
                if model.auc is not None:
                    ui.label(f"{model.auc:.4f}").classes("lk-o-auc")
            ui.label(f"{model.created[:16].replace('T', ' ')} · revision {model.revision}").classes("lk-quiet lk-small")
            badges(model)
    parts.empty("The number is the macro AUC on test lesions.")


async def _model(found: ModelPage, models: Sequence[ModelSummary], against: ModelPage | None) -> None:
    model = found.summary
    with parts.panel(mark="model"):
        with ui.row().classes("items-center").style("gap: 12px"):
            ui.label(model.id).classes("lk-q-title lk-mono")
            badges(model)
        interval = "" if model.auc_interval is None else " ({:.4f} to {:.4f})".format(*model.auc_interval)
        parts.facts(
            {
                "Macro AUC on test": "" if model.auc is None else f"{model.auc:.4f}{interval}",
                "Features": f"{model.features}: it {model.sight}",
                "Lesions": "synthetic: no patient stands behind them" if model.synthetic else "",
                "Cohort": model.cohort,
                "Label set": model.label_set,
                "Trained on revision": model.revision,
                "Matrix hash": model.matrix_hash[:16],
                "Trained": f"{model.created[:16].replace('T', ' ')} UTC",
                "Seeds": ", ".join(map(str, model.seeds)),
            }
        )
        if model.currency is Currency.BEHIND:
            with ui.element("div").props('data-mark="behind"') as box:
                ui.label("The relations of its label set changed since it was trained.").classes("lk-note")
            passed = await in_thread(since, place().store, model)
            with box:
                changed(passed)
    if found.figures:
        with parts.panel("Figures", mark="figures-panel"):
            figures(found)
        with parts.panel("Compare", mark="compare"):
            comparison(found, models, against)
        with parts.panel("Labels on test lesions", mark="labels"):
            labels(found)
        with parts.panel("Curves", mark="curves"):
            Curves(model).build()
        if found.groups:
            with parts.panel("For whom it works how well, on test lesions", mark="groups"):
                groups(found)
        with parts.panel("Model card"):
            ui.label(found.card).classes("lk-m-card lk-mono").props('tabindex=0 data-mark="card"')
        with parts.panel("Settings of the training"):
            settings(found)
    else:
        with parts.panel():
            parts.empty(
                "Its run's folder is not in this data folder, so there is nothing more to tell: figures and curves lie "
                "where it was trained."
            )
