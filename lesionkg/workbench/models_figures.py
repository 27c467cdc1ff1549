"""Tables about a model: its figures, each label, groups of patients, settings, and ablations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from nicegui import ui

from lesionkg.workbench import parts
from lesionkg.workbench.models_parts import table
from queries.ablations import AblationTable
from queries.model_view import Figure, ModelPage
from queries.run_files import LabelRow

SPLITS = {"val": "validation", "test": "test", "hand": "hand-labelled"}

# Evaluated in the browser; constant, so that nothing of a run is ever code. The element holds text only.
_LABEL_LINK = """params => {
  const shown = document.createElement('a');
  shown.textContent = params.value;
  shown.href = params.data.target;
  return shown;
}"""
_FIGURE = "params => typeof params.value === 'number' ? params.value.toFixed(3) : ''"


def said(figure: Figure) -> str:
    """A figure with its interval."""
    interval = "" if figure.low is None or figure.high is None else f" ({figure.low:.4f} to {figure.high:.4f})"
    return f"{figure.value:.4f}{interval}"


def figures(found: ModelPage) -> None:
    """Figures by split; intervals are 95 %, patients resampled."""
    names = list(dict.fromkeys(figure.name for split in found.figures.values() for figure in split))
    by_split = {split: {figure.name: said(figure) for figure in each} for split, each in found.figures.items()}
    rows = [(name, *(by_split[split].get(name, "") for split in by_split)) for name in names]
    table(("figure", *(_evaluated(found, split) for split in by_split)), rows, "figures-table")
    parts.empty("In brackets: 95 %, patients resampled, where the run stored it.")


def labels(found: ModelPage) -> None:
    """One row a label, sortable."""
    few = sum(not label.sufficient for label in found.labels)
    parts.empty(
        f"{few} of {len(found.labels)} labels have too few positive test lesions: their figures tell little, and their "
        "rows say insufficient."
    )
    number = {"type": "rightAligned", "filter": "agNumberColumnFilter", "width": 104}
    columns: list[Mapping[str, Any]] = [
        {"field": "name", "headerName": "label", ":cellRenderer": _LABEL_LINK, "width": 200, "pinned": "left"},
        {"field": "class", "width": 104},
        {"field": "evidence", "width": 112},
        *({"field": split, "headerName": f"in {split}", **number} for split in ("train", "val", "test")),
        *(
            {"field": key, "headerName": key.replace("_", " "), ":valueFormatter": _FIGURE, **number}
            for key in ("auc", "auc_low", "auc_high", "precision", "recall", "f1", "threshold")
        ),
    ]
    parts.grid(columns, [_row(label) for label in found.labels], "440px").props('data-mark="label-rows"')


def groups(found: ModelPage) -> None:
    """Figures by sex, age and size."""
    rows = [
        (
            f"{group['by']}: {group['group']}",
            *(f"{group[name]:,}" for name in ("lesions", "patients", "labels")),
            _with_interval(group),
            _short(group.get("micro_f1")),
        )
        for group in found.groups
    ]
    table(("group", "lesions", "patients", "labels", "macro AUC (95 %)", "micro F1"), rows, "groups-table")
    parts.empty("Over labels with at least 10 positives in the group, so groups are not over the same labels.")


def settings(found: ModelPage) -> None:
    """Every choice of the training."""
    parts.facts({name.replace("_", " "): _plain(value) for name, value in sorted(found.recipe.items())})


def ablations(tables: Sequence[AblationTable]) -> None:
    """Tables of what each part of the method is worth."""
    for one in tables:
        with parts.panel(f"Ablation: {one.name}", mark="ablation"):
            rows = [
                (row.name, *(_mean(mean, spread) for mean, spread in row.figures), str(len(row.runs)))
                for row in one.rows
            ]
            table(("what was trained", *one.figures, "seeds"), rows)
            parts.empty("Mean ± standard deviation over seeds, test lesions, the paper's conventions.")
            with ui.element("div").classes("lk-chips"):
                for run in dict.fromkeys(run for row in one.rows for run in row.runs):
                    ui.link(run, f"/models?run={quote(run)}").classes("lk-chip lk-mono")


def _evaluated(found: ModelPage, split: str) -> str:
    lesions, patients = found.evaluated[split]
    return f"{SPLITS[split]}: {lesions:,} lesions of {patients:,} patients"


def _row(label: LabelRow) -> dict[str, Any]:
    return {
        "name": label.name,
        "target": f"/ontology?label={quote(label.id)}",
        "class": label.label_class,
        "evidence": "sufficient" if label.sufficient else "insufficient",
        **label.positives,
        **label.figures,
    }


def _with_interval(group: Mapping[str, Any]) -> str:
    interval = group.get("interval") or {}
    bounds = (interval.get("low"), interval.get("high"))
    value = _short(group.get("macro_auc"), 4)
    return value if None in bounds else f"{value} ({_short(bounds[0], 4)} to {_short(bounds[1], 4)})"


def _short(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _mean(mean: float | None, spread: float | None) -> str:
    return _short(mean, 4) + (f" ± {spread:.4f}" if mean is not None and spread is not None else "")


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
