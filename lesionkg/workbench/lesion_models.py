"""What models say of a lesion, on its page: predictions, and similar lesions."""

from __future__ import annotations

from collections.abc import Set

from nicegui import ui

from lesionkg.workbench import parts
from lesionkg.workbench.lesion_patch import picture
from queries.lesion_facts import ModelView, Outcome, Prediction, Similar

_SHORT = {
    Outcome.TRUE_POSITIVE: "TP",
    Outcome.FALSE_POSITIVE: "FP",
    Outcome.FALSE_NEGATIVE: "FN",
    Outcome.TRUE_NEGATIVE: "TN",
    Outcome.UNKNOWN: "?",
}
_MEANING = {
    Outcome.TRUE_POSITIVE: "True positive: the lesion has it",
    Outcome.FALSE_POSITIVE: "False positive: it is excluded by a label of the lesion, or was taken away by a curator",
    Outcome.FALSE_NEGATIVE: "False negative: the lesion has it, and the model did not decide it",
    Outcome.TRUE_NEGATIVE: "True negative: not decided, and excluded",
    Outcome.UNKNOWN: "Unknown: nothing says whether the lesion has it",
}


def predictions(model: ModelView) -> None:
    """A table of what the model decided, missed, and held to be next best."""
    if model.note:
        ui.label(model.note).classes("lk-note").props('data-mark="model-note"')
    if model.behind:
        ui.label("This model was trained with other relations than the graph holds now.").classes("lk-note")
    if not model.predictions:
        parts.empty("The model did not judge this lesion.")
        return
    counts = {outcome: sum(1 for one in model.predictions if one.outcome is outcome) for outcome in Outcome}
    with ui.element("div").classes("lk-ls-legend"):
        for outcome, count in counts.items():
            if count:
                ui.label(f"{count} {outcome.value}")
    wide = ui.element("div").classes("w-full").style("overflow-x: auto")
    with wide, ui.element("table").classes("lk-ls-table").props('data-mark="predictions"'):
        with ui.element("thead"), ui.element("tr"):
            for heading in ("", "Label", "Score", "", "Threshold", "Probability", "Relations used"):
                with ui.element("th").props("scope=col"):
                    ui.label(heading)
        with ui.element("tbody"):
            for one in model.predictions:
                _prediction(one)


def _prediction(one: Prediction) -> None:
    with ui.element("tr") as row:
        row._props["data-outcome"] = one.outcome.value
        row._props["data-label"] = one.label.name
        with ui.element("td"):
            _outcome(one)
        with ui.element("td"):
            parts.label_chip(one.label.id, one.label.name, one.label.kind)
        with ui.element("td"):
            _bar(one)
        for value in (one.score, one.threshold, one.probability):
            with ui.element("td").classes("lk-ls-num"):
                ui.label("" if value is None else f"{value:.2f}")
        with ui.element("td"):
            ui.label(_relations(one)).classes("lk-quiet lk-small")


def _outcome(one: Prediction) -> None:
    short = _SHORT[one.outcome]
    kind = f" lk-ls-{short.lower()}" if one.outcome is not Outcome.UNKNOWN else ""
    with ui.label(short).classes(f"lk-ls-mark{kind}"):
        ui.tooltip(_MEANING[one.outcome] + (f" ({one.because})" if one.because else ""))


def _bar(one: Prediction) -> None:
    if one.score is None:
        return
    with ui.element("span").classes("lk-ls-score").props("aria-hidden=true"):
        ui.element("span").classes("lk-ls-fill").style(f"width: {100 * one.score:.1f}%")
        if one.threshold is not None:
            ui.element("span").classes("lk-ls-tick").style(f"left: {100 * one.threshold:.1f}%")


def _relations(one: Prediction) -> str:
    said = []
    if not one.decided:
        said.append("missed" if one.outcome is Outcome.FALSE_NEGATIVE else "next best")
    if one.expanded_from is not None:
        said.append(f"brought along by {one.expanded_from.name}")
    said += [
        f"{'supported' if found.weight > 0 else 'held down'} by {found.label.name} {found.weight:+.2f}"
        for found in one.evidence
    ]
    if one.because and one.outcome in (Outcome.FALSE_POSITIVE, Outcome.TRUE_NEGATIVE):
        said.append(f"ruled out by {one.because}")
    return "; ".join(said)


def similar_lesions(model: ModelView, with_image: Set[str]) -> None:
    """Cards of the lesions that the model holds to be alike.

    Args:
        model: its view of the lesion.
        with_image: ids of the lesions of which an image is at hand.
    """
    if not model.similar:
        parts.empty("The model has no similar lesions for this one; it keeps them for test lesions.")
        return
    with ui.element("div").classes("lk-ls-cards").props('data-mark="similar"'):
        for one in model.similar:
            _card(one, one.lesion in with_image)


def _card(one: Similar, has_image: bool) -> None:
    with ui.element("div").classes("lk-ls-card"):
        picture(one.lesion, has_image, one.position, one.long_mm)
        with ui.element("div"):
            parts.lesion_link(one.lesion)
            ui.label(f"{size_text(one.long_mm, one.short_mm)}, distance {one.distance:.2f}").classes(
                "lk-quiet lk-small"
            )
            ui.label(f"Shared: {', '.join(one.shared) or 'no label'}").classes("lk-small")
            if one.other:
                ui.label(f"Not shared: {', '.join(one.other)}").classes("lk-quiet lk-small")


def size_text(long_mm: float | None, short_mm: float | None) -> str:
    """Both diameters in millimetres."""
    if long_mm is None:
        return "size unknown"
    return f"{long_mm:.0f} mm" if short_mm is None else f"{long_mm:.0f} × {short_mm:.0f} mm"
