"""A report of one run as a single HTML page that loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from html import escape

import numpy as np

from kg.cohort import Cohort
from learn.calibration import METHOD
from learn.description import WAYS, data_words, is_synthetic, method, sight
from learn.figures import SUFFICIENT, Evaluation, SplitEvaluation
from learn.pictures import pictures
from learn.report_look import SCRIPT, STYLE
from learn.run import Run

Cell = str | int | float
"""Text, or a number that the page can sort by; NaN is an empty cell."""


def report_page(run: Run, cohort: Cohort, evaluation: Evaluation) -> str:
    """The page.

    Args:
        run: the model.
        cohort: its cohort.
        evaluation: its figures; hand-labelled lesions are shown where they were judged.
    """
    test = evaluation.splits["test"]
    title = f"Run {run.run_id}"
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"
    synthetic = (
        '<p class="note"><strong>Synthetic data.</strong> Trained and judged on a phantom set: no patient stands '
        "behind these lesions, and the figures say nothing about patients.</p>"
        if is_synthetic(run)
        else ""
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
<p class="soft">{escape(method(run.recipe))}; first trained {escape(run.created)}.</p>
<p class="note"><strong>Research use only; not for diagnosis.</strong> {escape(sight(run))}</p>
{synthetic}
{_cards(evaluation)}
<h2>By test set</h2>
{_splits(evaluation)}
<h2>Decisions and coherence</h2>
{_ways(evaluation)}
<h2>Pictures</h2>
<div class="plots">
{"".join(_picture(p.caption, p.png) for p in pictures(run, cohort, evaluation))}</div>
<h2>Similar lesions</h2>
{_retrieval(test)}
<h2>Calibration</h2>
{_calibration(test)}
<h2>For whom it works how well</h2>
{_groups(test)}
<h2>Labels</h2>
{_labels(evaluation)}
<h2>Where it comes from</h2>
{_provenance(run, evaluation)}
</main>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _cards(evaluation: Evaluation) -> str:
    test, labels = evaluation.splits["test"], len(evaluation.labels)
    way = evaluation.decoder
    low, high = test.macro_auc_interval.low, test.macro_auc_interval.high
    shown = (
        (f"{test.macro_auc:.4f}", f"macro AUC on test, 95 %: {low:.4f} to {high:.4f} (patients resampled)"),
        (f"{test.paper.f1:.4f}", "macro F1, the paper's conventions"),
        (f"{test.coherent.micro_f1:.4f}", f"micro F1, {way} decision"),
        (f"{test.coherence['decoded'].lesions_incoherent}", f"lesions with a broken relation, {way} decision"),
        (f"{test.lesions:,}", f"test lesions of {test.patients:,} patients"),
        (
            f"{labels - test.insufficient_labels} of {labels}",
            f"labels with at least {SUFFICIENT} positive test lesions",
        ),
    )
    return (
        '<div class="cards">' + "".join(f"<div><b>{a}</b><span>{escape(b)}</span></div>" for a, b in shown) + "</div>"
    )


def _splits(evaluation: Evaluation) -> str:
    names = {"val": "validation", "test": "test", "hand": "test, hand-labelled"}
    columns = [names[split] for split in evaluation.splits]
    rows: list[Sequence[Cell]] = []

    def row(name: str, show: Callable[[SplitEvaluation], str]) -> None:
        rows.append([name, *(show(figures) for figures in evaluation.splits.values())])

    row("lesions (patients)", lambda s: f"{s.lesions:,} ({s.patients:,})")
    row(
        "macro AUC (95 %)",
        lambda s: f"{s.macro_auc:.4f} ({s.macro_auc_interval.low:.4f} to {s.macro_auc_interval.high:.4f})",
    )
    row("macro AUC of one network alone", lambda s: s.one_network)
    row(f"macro AUC, labels with {SUFFICIENT} positives or more", lambda s: _number(s.macro_auc_sufficient))
    row("AUC weighted by positives", lambda s: _number(s.weighted_auc))
    for name in evaluation.splits["test"].coherent_auc:
        row(f"macro AUC, {name.replace('_', ' ')}", lambda s, name=name: _number(s.coherent_auc[name]))  # type: ignore[misc]
    for name in evaluation.splits["test"].auc_by_class:
        row(f"macro AUC, {name} labels", lambda s, name=name: _number(s.auc_by_class[name]))  # type: ignore[misc]
    return _table("", ["", *columns], rows, numeric=range(1, len(columns) + 1))


def _ways(evaluation: Evaluation) -> str:
    out = ""
    for split, caption in (("test", "Text-mined test lesions."), ("hand", "Hand-labelled test lesions.")):
        if split not in evaluation.splits:
            continue
        rows: list[Sequence[Cell]] = []
        for name, way in evaluation.splits[split].ways.items():
            d, c = way.decisions, way.coherence
            precision = (d.precision_one, d.precision_zero, d.precision_nan)
            counts = (d.never_predicted, c.lesions_incoherent, c.missing_ancestors, c.exclusive_pairs)
            micro = (d.micro_precision, d.micro_recall, d.micro_f1)
            rows.append([WAYS[name], *precision, d.recall, d.f1, *micro, *counts])
        columns = (
            *("decision", "precision (1)", "precision (0)", "precision (-)", "recall", "F1"),
            *("micro precision", "micro recall", "micro F1"),
            *("never predicted", "incoherent lesions", "missing ancestors", "exclusive pairs"),
        )
        out += _table(caption, columns, rows, look="sort")
    return (
        '<p class="soft">Macro figures are means over labels with a positive lesion. The three precisions differ in '
        "what a label counts that is never predicted: 1 (the paper), 0, or left out.</p>" + out
    )


def _retrieval(test: SplitEvaluation) -> str:
    rows: list[Sequence[Cell]] = [
        [r.k, r.precision, r.chance_precision, r.recall, r.chance_recall, r.queries] for r in test.retrieval
    ]
    columns = ("found", "precision", "by chance", "recall", "by chance", "queries")
    return _table(
        "Each test lesion finds its nearest test lesions of other patients in the embedding. Precision: share of a "
        "found lesion's labels that the query has; recall: share of the query's labels that a found lesion has.",
        columns,
        rows,
    )


def _calibration(test: SplitEvaluation) -> str:
    error = test.calibration_error
    return (
        f"<p>{escape(METHOD[:1].upper() + METHOD[1:])}. Expected calibration error over all lesion-label pairs of "
        f"test: {error['score']:.4f} before, {error['probability']:.4f} after.</p>"
    )


def _groups(test: SplitEvaluation) -> str:
    rows: list[Sequence[Cell]] = [
        [g.by, g.group, g.lesions, g.patients, g.labels, g.macro_auc, g.interval.low, g.interval.high, g.micro_f1]
        for g in test.groups
    ]
    columns = ("by", "group", "lesions", "patients", "labels", "macro AUC", "low", "high", "micro F1")
    caption = (
        f"AUC over labels with at least {SUFFICIENT} positives in the group, so groups are not over the same labels."
    )
    return _table(caption, columns, rows, look="sort")


def _labels(evaluation: Evaluation) -> str:
    rows: list[Sequence[Cell]] = [
        [
            *(x.name, x.label_class, x.train_positives, x.test_positives, x.auc, x.auc_low, x.auc_high),
            *(x.precision, x.recall, x.f1, x.threshold if np.isfinite(x.threshold) else float("nan"), x.evidence),
        ]
        for x in evaluation.labels
    ]
    columns = (
        *(
            "label",
            "class",
            "train",
            "test",
            "AUC",
            "low",
            "high",
            "precision",
            "recall",
            "F1",
            "threshold",
            "evidence",
        ),
    )
    search = '<p><input id="search" type="search" placeholder="find a label" aria-label="find a label" hidden></p>'
    caption = (
        f"Test lesions; precision, recall and F1 of the {evaluation.decoder} decision; no threshold: never by itself."
    )
    return search + _table(caption, columns, rows, look="sort", name="labels")


def _provenance(run: Run, evaluation: Evaluation) -> str:
    shared = ", ".join(f"{count} in {pair}" for pair, count in evaluation.shared_patients.items())
    facts: list[Sequence[Cell]] = [
        ["cohort", f"{run.cohort}, {data_words(run)}"],
        ["labels", f"{run.matrices.size} of {run.matrices.label_set}, revision {run.matrices.revision}"],
        ["matrix hash", run.matrices.matrix_hash],
        ["label data hash", run.label_data_hash],
        *([["patches", run.inputs]] if run.inputs else []),
        ["patients in two splits", shared],
        *([f"recipe: {name}", str(value)] for name, value in run.recipe.as_dict().items()),
    ]
    return _table("", ["what", "value"], facts, look="facts")


def _picture(caption: str, png: bytes) -> str:
    data = base64.b64encode(png).decode()
    text = escape(caption)
    return f'<figure><img src="data:image/png;base64,{data}" alt="{text}"><figcaption>{text}</figcaption></figure>\n'


def _table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    look: str = "",
    name: str = "",
    numeric: Iterable[int] = (),
) -> str:
    """Columns are numbers, and set to the right, where ``numeric`` says so or no cell is text."""
    right = set(numeric) | {n for n in range(len(columns)) if rows and not any(isinstance(row[n], str) for row in rows)}
    mark = [' class="n"' if n in right else "" for n in range(len(columns))]
    head = "".join(f'<th scope="col"{of}>{escape(text)}</th>' for of, text in zip(mark, columns, strict=True))
    body = "\n".join(
        "<tr>" + "".join(_cell(value, of) for value, of in zip(row, mark, strict=True)) + "</tr>" for row in rows
    )
    said = f'<p class="soft">{escape(caption)}</p>\n' if caption else ""
    attributes = "".join(f' {key}="{value}"' for key, value in (("id", name), ("class", look)) if value)
    return (
        f'{said}<div class="wide{" long" if name else ""}"><table{attributes}><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>\n"
    )


def _cell(value: Cell, mark: str) -> str:
    if isinstance(value, str):
        return f"<td{mark}>{escape(value)}</td>"
    if isinstance(value, int):
        return f'<td{mark} data-value="{value}">{value:,}</td>'
    return f'<td{mark} data-value="{"" if np.isnan(value) else f"{value:.6f}"}">{_number(value)}</td>'


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}"
