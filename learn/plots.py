"""Pictures of a run as PNG. Equal values give equal bytes; no state of the plotting library is touched."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import dendrogram, leaves_list, linkage

from learn.figures import SUFFICIENT, LabelFigures
from learn.judged import Judged
from learn.metrics import precision_at, precision_recall, reliability
from learn.projection import LabelGroups, Projection

_COLOURS = ("#4269d0", "#d9480f", "#2b8a3e", "#ae3ec9", "#0b7285", "#a61e4d", "#5c940d")
_GREY = "#868e96"
_LEVELS = np.linspace(0, 1, 51)
STRONGEST = 40
"""Labels that the readable part of the heat map shows."""


def precision_recall_png(judged: Judged, names: Sequence[str], chosen: Sequence[int]) -> bytes:
    """Precision over recall: mean over labels, all pairs pooled, and single labels.

    Precision at a level of recall is the best at or above it.

    Args:
        judged: N lesions over C labels.
        names: C names.
        chosen: columns of the single labels.
    """
    figure, axes = _figure(6.4, 4.4)
    used = judged.used.ravel()[:, None]
    pooled = precision_recall(judged.truth.ravel()[:, None], judged.score.ravel()[:, None], used)
    each = precision_at(*precision_recall(judged.truth, judged.score, judged.used), _LEVELS)
    defined = each[:, ~np.isnan(each[0])]
    axes.plot(_LEVELS, defined.mean(axis=1), color="black", lw=2.2, label=f"mean of {defined.shape[1]} labels")
    axes.plot(_LEVELS, precision_at(*pooled, _LEVELS), color="black", lw=2.2, ls="--", label="all pairs pooled")
    for column, colour in zip(chosen, _COLOURS, strict=False):
        label = f"{names[column]} ({int(judged.support[column])})"
        axes.plot(_LEVELS, each[:, column], color=colour, lw=1.2, label=label)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return _png(figure)


def calibration_png(judged: Judged) -> bytes:
    """Share of positives over the score and over the calibrated probability, all pairs; dots grow with pairs."""
    figure, axes = _figure(5.2, 4.4)
    axes.plot([0, 1], [0, 1], color=_GREY, lw=1, ls=":")
    for values, name, colour in (
        (judged.score, "score", _COLOURS[1]),
        (judged.probability, "calibrated probability", _COLOURS[0]),
    ):
        expected, positive, count = reliability(values, judged.truth, judged.used)
        some = count > 0
        x, y = expected[some] / count[some], positive[some] / count[some]
        axes.plot(x, y, color=colour, lw=1.2, label=name)
        axes.scatter(x, y, s=8 + 12 * np.log10(count[some]), color=colour)
    axes.set(xlabel="mean score or probability", ylabel="share of positives", xlim=(0, 1), ylim=(0, 1))
    axes.legend(fontsize=8, frameon=False)
    return _png(figure)


def label_order(weight: np.ndarray) -> np.ndarray:
    """Order of the labels in a C x C matrix that brings labels with like rows and columns together, shape (C,)."""
    return np.asarray(leaves_list(_tree(weight))) if len(weight) > 1 else np.arange(len(weight))


def propagation_png(weight: np.ndarray) -> bytes:
    """Heat map of the score propagation matrix, labels in the order of the tree beside it; the diagonal is left out.

    Args:
        weight: C x C, what the score of the column's label adds to the row's; C is 2 or more.
    """
    figure = Figure(figsize=(7.2, 6.2), dpi=110, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    tree, axes = figure.subplots(1, 2, width_ratios=(1, 6))
    drawn = dendrogram(_tree(weight), no_plot=True)
    order = drawn["leaves"]
    # Drawn here because the library would do it through its global state. Leaves lie at 5, 15, 25 and so on.
    branches = np.stack([np.array(drawn["dcoord"]), np.array(drawn["icoord"])], axis=2)
    tree.add_collection(LineCollection(list(branches), colors=_GREY, linewidths=0.8))
    tree.set(xlim=(branches[..., 0].max() * 1.02, 0), ylim=(0, 10 * len(weight)))
    tree.set_axis_off()
    _heat(figure, axes, weight[np.ix_(order, order)])
    # The tree's first leaf is at the bottom.
    axes.invert_yaxis()
    axes.set(xticks=[], yticks=[], xlabel="from", ylabel="to")
    return _png(figure)


def strongest_png(weight: np.ndarray, names: Sequence[str], labels: int = STRONGEST) -> bytes:
    """The same for the labels with the largest off-diagonal weights, with their names."""
    size = np.abs(_off_diagonal(weight))
    kept = np.sort(np.argsort(-np.maximum(size.max(axis=0), size.max(axis=1)), kind="stable")[:labels])
    part = weight[np.ix_(kept, kept)]
    order = label_order(part)
    figure, axes = _figure(8.6, 7.8)
    _heat(figure, axes, part[np.ix_(order, order)])
    shown = [names[kept[i]] for i in order]
    ticks = np.arange(len(shown))
    axes.set_xticks(ticks, shown, rotation=90, fontsize=7)
    axes.set_yticks(ticks, shown, fontsize=7)
    axes.set(xlabel="from", ylabel="to")
    return _png(figure)


def frequency_png(labels: Sequence[LabelFigures]) -> bytes:
    """Area under the curve of each label over its training lesions; hollow where there is little evidence."""
    figure, axes = _figure(6.4, 4.4)
    classes = tuple(dict.fromkeys(label.label_class for label in labels))
    for name, colour in zip(classes, _COLOURS, strict=False):
        part = [x for x in labels if x.label_class == name]
        x = np.array([max(label.train_positives, 0.5) for label in part])
        y = np.array([label.auc for label in part])
        sure = np.array([label.test_positives >= SUFFICIENT for label in part])
        axes.scatter(x[sure], y[sure], s=22, color=colour, label=name)
        axes.scatter(x[~sure], y[~sure], s=22, facecolors="none", edgecolors=colour)
    axes.axhline(0.5, color=_GREY, lw=1, ls=":")
    axes.set(xscale="log", xlabel="training lesions with the label", ylabel="AUC on test lesions")
    axes.legend(fontsize=8, frameon=False, title=f"hollow: fewer than {SUFFICIENT} in test", title_fontsize=8)
    return _png(figure)


def projection_png(projection: Projection, groups: LabelGroups, names: Sequence[str]) -> bytes:
    """Embeddings on their two principal components, coloured by a label."""
    figure, axes = _figure(6.4, 4.4)
    shown = [(-1, "other", "#ced4da")]
    shown += [(n, names[column], _COLOURS[n % len(_COLOURS)]) for n, column in enumerate(groups.columns)]
    for place, name, colour in shown:
        part = projection.points[groups.group == place]
        if len(part):
            axes.scatter(part[:, 0], part[:, 1], s=7, color=colour, label=f"{name} ({len(part)})", linewidths=0)
    first, second = (f"{100 * share:.0f} % of the variance" for share in projection.explained)
    axes.set(xlabel=f"component 1, {first}", ylabel=f"component 2, {second}", xticks=[], yticks=[])
    axes.legend(fontsize=8, markerscale=2, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return _png(figure)


def _off_diagonal(weight: np.ndarray) -> np.ndarray:
    return np.where(np.eye(len(weight), dtype=bool), 0, weight)


def _tree(weight: np.ndarray) -> np.ndarray:
    """Average linkage of the labels by their off-diagonal rows and columns."""
    off = _off_diagonal(weight)
    return np.asarray(linkage(np.concatenate([off, off.T], axis=1), "average"))


def _heat(figure: Figure, axes: Axes, weight: np.ndarray) -> None:
    off = np.where(np.eye(len(weight), dtype=bool), np.nan, weight)
    limit = max(float(np.nanquantile(np.abs(off), 0.995)), 1e-6)
    image = axes.imshow(off, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest", aspect="auto")
    bar = figure.colorbar(image, ax=axes, shrink=0.6)
    bar.ax.tick_params(labelsize=7)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
