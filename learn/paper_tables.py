"""Tables in the layout of the paper's Table 1, Table 2 and Figure 5, for one or several runs side by side.

Figures in the paper's conventions (thresholds from the released grid, chosen on text-mined validation lesions;
ancestors added; precision 1 for a label that is never predicted) stand beside honest ones, and beside the paper's own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kg.errors import UsageError
from learn.decode import Decoder
from learn.description import WAYS
from learn.figures import SUFFICIENT, Evaluation, LabelFigures, SplitEvaluation
from learn.metrics import mean

PAPER_TABLE_1: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("multiscale multilabel CNN", (0.9048, 0.2738, 0.5224, 0.2823, 0.9151, 0.3823, 0.5340, 0.3894)),
    ("WARP", (0.9250, 0.2441, 0.6202, 0.3017, 0.9316, 0.6677, 0.3273, 0.3325)),
    ("lesion embedding", (0.8933, 0.2290, 0.5767, 0.2610, 0.9017, 0.3496, 0.5776, 0.3615)),
    ("LesaNet", (0.9344, 0.3593, 0.5327, 0.3423, 0.9398, 0.4737, 0.5274, 0.4344)),
    ("LesaNet without score propagation", (0.9275, 0.3680, 0.4733, 0.3233, 0.9326, 0.4833, 0.4965, 0.4092)),
    ("LesaNet without RHEM", (0.9338, 0.2983, 0.5550, 0.3178, 0.9374, 0.4341, 0.5327, 0.4303)),
    ("LesaNet without label expansion", (0.9148, 0.3523, 0.5104, 0.3270, 0.9236, 0.4503, 0.5420, 0.4205)),
    ("LesaNet without text mining", (0.9334, 0.3365, 0.5350, 0.3324, 0.9392, 0.4869, 0.5361, 0.4250)),
    ("LesaNet without triplet loss", (0.9312, 0.3201, 0.5394, 0.3274, 0.9335, 0.4645, 0.5624, 0.4337)),
)
"""Yan et al., CVPR 2019, Table 1: AUC, precision, recall and F1 on 1,759 text-mined, then on 500 hand-labelled test
lesions of DeepLesion."""

MINIMA = (1000, 500, 200, 100, 50, 20, 10, 0, -1)
"""Figure 5: labels with more training lesions than this; the paper begins with 1,000 and 500; -1: all labels."""


@dataclass(frozen=True)
class Judgement:
    """One run: what it is called in a table, its figures, and what it was judged on in words."""

    name: str
    evaluation: Evaluation
    judged_on: str


@dataclass(frozen=True)
class Table:
    """A table of text; rows have as many cells as there are columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """As Markdown, with title and notes."""
        lines = [f"# {self.title}", "", _line(self.columns), _line(["---"] * len(self.columns))]
        lines += [_line(row) for row in self.rows]
        for note in self.notes:
            lines += ["", note]
        return "\n".join(lines) + "\n"

    def csv(self) -> str:
        """As CSV, without title and notes."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.columns, *self.rows])
        return text.getvalue()


def table_1(judgements: Sequence[Judgement]) -> Table:
    """Methods by test set: macro AUC, precision, recall and F1 on text-mined and on hand-labelled lesions."""
    figures = ("AUC", "precision", "recall", "F1")
    rows: list[tuple[str, ...]] = []
    for judgement in judgements:
        splits = [judgement.evaluation.splits.get(name) for name in ("test", "hand")]
        ways = [name for name in judgement.evaluation.splits["test"].ways if Decoder(name).coherent]
        for said, way, undefined in (
            ("the paper's conventions", "", "one"),
            ("the same, never predicted counts as precision 0", "", "zero"),
            *((f"{WAYS[way]}, never predicted counts as precision 0", way, "zero") for way in ways),
        ):
            cells = [cell for split in splits for cell in _cells(split, way, undefined)]
            rows.append((judgement.name, said, *cells))
    rows += [(f"{name} [paper]", "as published", *map(_number, values)) for name, values in PAPER_TABLE_1]
    return Table(
        "Table 1: methods",
        ("method", "decision", *(f"{a}, {b}" for a in ("text-mined", "hand-labelled") for b in figures)),
        tuple(rows),
        (
            *(f"{judgement.name}: {judgement.judged_on}." for judgement in judgements),
            "Rows marked [paper] are published figures of image models (Yan et al., CVPR 2019, Table 1: 1,759 "
            "text-mined and 500 hand-labelled test lesions of DeepLesion). In the paper's conventions a label that is "
            "never predicted counts as precision 1.",
        ),
    )


def table_2(judgements: Sequence[Judgement], labels: Sequence[str] = ()) -> Table:
    """AUC and F1 of single labels on the text-mined test lesions, in the paper's conventions.

    Args:
        judgements: of runs.
        labels: names or ids; frequent and rare labels of each class when none is given.

    Raises:
        UsageError: no run has such a label.
    """
    chosen = _chosen(judgements, labels) if labels else typical_labels(judgements[0].evaluation.labels)
    found = [{label.label_id: label for label in j.evaluation.labels} for j in judgements]
    rows = []
    for label in chosen:
        here = [of.get(label.label_id) for of in found]
        cells = [cell for x in here for cell in (["", ""] if x is None else [_number(x.auc), _number(x.paper_f1)])]
        rows.append((label.name, label.label_class, str(label.train_positives), str(label.test_positives), *cells))
    for name in dict.fromkeys(label.label_class for label in judgements[0].evaluation.labels):
        of_class = [[x for x in j.evaluation.labels if x.label_class == name] for j in judgements]
        cells = [
            _number(mean(np.array([getattr(x, figure) for x in part])))
            for part in of_class
            for figure in ("auc", "paper_f1")
        ]
        rows.append((f"mean of {len(of_class[0])} labels", name, "", "", *cells))
    return Table(
        "Table 2: single labels",
        ("label", "class", "train", "test", *(f"{figure}, {j.name}" for j in judgements for figure in ("AUC", "F1"))),
        tuple(rows),
        (
            "Train and test: lesions with the label. Without a choice of labels: of each class those most and least "
            f"often seen in training among labels with at least {SUFFICIENT} test lesions.",
        ),
    )


def figure_5(judgements: Sequence[Judgement]) -> Table:
    """Macro F1 on subsets of the labels by how often they occur in training, in the paper's conventions.

    The subsets are those of the run with most labels. A run trained on some labels only has figures where it knows all
    labels of the subset, as in the paper; a run on all labels gives one column of it.
    """
    widest = max(judgements, key=lambda j: len(j.evaluation.labels)).evaluation.labels
    found = [{label.label_id: label for label in j.evaluation.labels} for j in judgements]
    rows, before = [], 0
    for least in MINIMA:
        subset = [label.label_id for label in widest if label.train_positives > least]
        if len(subset) == before:
            continue
        before = len(subset)
        cells = [
            _number(mean(np.array([of[label].paper_f1 for label in subset]))) if set(subset) <= set(of) else ""
            for of in found
        ]
        rows.append((f"more than {least:,}" if least >= 0 else "any or none", str(len(subset)), *cells))
    return Table(
        "Figure 5: F1 by how often labels occur in training",
        ("training lesions of a label", "labels", *(f"F1, {j.name}" for j in judgements)),
        tuple(rows),
        (
            "One column is one training; its rows are test subsets. A column is empty where a run was not trained on "
            "all labels of the subset.",
        ),
    )


def typical_labels(labels: Sequence[LabelFigures], per_class: int = 5) -> list[LabelFigures]:
    """Of each class the labels most and least often seen in training, among those with evidence where enough have."""
    out: list[LabelFigures] = []
    for name in dict.fromkeys(label.label_class for label in labels):
        known = [x for x in labels if x.label_class == name and not np.isnan(x.auc)]
        enough = [x for x in known if x.test_positives >= SUFFICIENT]
        part = sorted(enough if len(enough) >= per_class else known, key=lambda x: -x.train_positives)
        rare = per_class // 2
        out += part if len(part) <= per_class else [*part[: per_class - rare], *part[len(part) - rare :]]
    return out


def write_tables(folder: Path | str, judgements: Sequence[Judgement], labels: Sequence[str] = ()) -> list[Path]:
    """Write the three tables as Markdown and CSV.

    Returns:
        The files.
    """
    where = Path(folder)
    tables = {"table1": table_1(judgements), "table2": table_2(judgements, labels), "figure5": figure_5(judgements)}
    where.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        (where / f"{name}.md").write_text(table.markdown(), encoding="utf-8")
        (where / f"{name}.csv").write_text(table.csv(), encoding="utf-8")
    return sorted(where / f"{name}.{kind}" for name in tables for kind in ("csv", "md"))


def _chosen(judgements: Sequence[Judgement], labels: Sequence[str]) -> list[LabelFigures]:
    known = {key: label for j in reversed(judgements) for label in j.evaluation.labels for key in _keys(label)}
    for name in labels:
        if name not in known:
            raise UsageError(
                f"label {name!r}: no run has it; give names or ids, see `lesionkg evaluate RUN --per-label`"
            )
    return [known[name] for name in labels]


def _keys(label: LabelFigures) -> tuple[str, str]:
    return label.name, label.label_id


def _cells(split: SplitEvaluation | None, way: str, undefined: str) -> list[str]:
    if split is None:
        return [""] * 4
    figures = split.ways[way].decisions if way else split.paper
    precision = getattr(figures, f"precision_{undefined}")
    return [_number(value) for value in (split.macro_auc, precision, figures.recall, figures.f1)]


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
