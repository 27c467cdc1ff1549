"""Small shapes that tell about models."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from queries.model_view import Currency, ModelSummary, Passed

MOST_PAIRS = 12
"""Label pairs that are named; the rest are counted."""

_CURRENCY = {
    Currency.CURRENT: ("not behind", "lk-m-good"),
    Currency.BEHIND: ("behind", "lk-m-warn"),
    Currency.UNKNOWN: ("label set not in the graph", "lk-m-quiet"),
}


def badges(model: ModelSummary) -> None:
    """What must be said beside a model's name."""
    with ui.element("div").classes("lk-m-badges"):
        if model.problem:
            _badge("cannot be read", "lk-m-bad")
            return
        said, style = _CURRENCY[model.currency]
        _badge(said, style)
        _badge(model.sight, "lk-m-quiet")
        if model.synthetic:
            _badge("synthetic lesions", "lk-m-warn")
        if not model.published:
            _badge("not in the graph", "lk-m-quiet")
        elif model.folder is None:
            _badge("in the graph only", "lk-m-quiet")
        if model.elsewhere:
            _badge("trained elsewhere", "lk-m-quiet")


def _badge(said: str, style: str) -> None:
    ui.label(said).classes(f"lk-m-badge {style}")


def changed(passed: Passed) -> None:
    """What changed since a model was trained."""
    for revision in passed.revisions:
        undone = f", undone by {revision.undone_by}" if revision.undone_by else ""
        ui.label(f"Revision {revision.sequence} by {revision.author}: {revision.reason or revision.kind}{undone}")
    moved = (
        ("ancestor pairs gained", passed.ancestors[0], " under "),
        ("ancestor pairs lost", passed.ancestors[1], " under "),
        ("exclusive pairs gained", passed.exclusive[0], " and "),
        ("exclusive pairs lost", passed.exclusive[1], " and "),
    )
    for what, pairs, word in moved:
        if pairs:
            shown = ", ".join(f"{a}{word}{b}" for a, b in pairs[:MOST_PAIRS])
            more = f" and {len(pairs) - MOST_PAIRS:,} more" if len(pairs) > MOST_PAIRS else ""
            ui.label(f"{len(pairs):,} {what}: {shown}{more}").classes("lk-small")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], mark: str = "") -> None:
    """A plain table; the first column is text, the others are figures."""
    with ui.element("table").classes("lk-m-table") as box:
        if mark:
            box.props(f'data-mark="{mark}"')
        with ui.element("thead"), ui.element("tr"):
            for head in heads:
                with ui.element("th"):
                    ui.label(head)
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    for place, cell in enumerate(row):
                        with ui.element("td").classes("lk-m-right" if place else ""):
                            ui.label(cell)
