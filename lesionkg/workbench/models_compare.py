"""Two models side by side."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from nicegui import ui

from lesionkg.workbench import parts
from lesionkg.workbench.models_figures import SPLITS, said
from lesionkg.workbench.models_parts import table
from queries.model_view import ModelPage, ModelSummary, differences


def comparison(found: ModelPage, models: Sequence[ModelSummary], against: ModelPage | None) -> None:
    """Choose another model, and set its figures beside those of this one.

    Args:
        found: the model.
        models: all that are listed.
        against: the other one; None for none yet.
    """
    mine = found.summary.id
    others = [model.id for model in models if model.id != mine and model.folder is not None and not model.problem]
    if not others and against is None:
        parts.empty("There is no other run to compare it with.")
        return
    chosen = against.summary.id if against else None
    options = list(dict.fromkeys((*([chosen] if chosen else []), *others)))
    ui.select(options, value=chosen, label="Compare with").props('dense outlined data-mark="compare-with"').classes(
        "lk-q-field"
    ).style("max-width: 320px").on_value_change(
        lambda e: ui.navigate.to(f"/models?run={quote(mine)}&other={quote(str(e.value))}")
    )
    if against is None:
        return
    if found.summary.cohort != against.summary.cohort:
        ui.label(
            f"They were judged on other lesions ({found.summary.cohort} and {against.summary.cohort}): a difference "
            "says nothing about the models."
        ).classes("lk-note")
    for split in found.figures:
        rows = [
            (one.name, said(one), said(other), f"{difference:+.4f}")
            for one, other, difference in differences(found, against, split)
        ]
        if rows:
            table((f"{SPLITS[split]} lesions", mine, against.summary.id, "difference"), rows, f"difference-{split}")
    parts.empty(
        "Runs store no interval of a difference, so only values are compared. Intervals that overlap do not show that "
        "two models are alike."
    )
