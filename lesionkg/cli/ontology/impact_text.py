"""An impact as text: tables and lists that are cut after so many rows, with the count of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Column, Table

from lesionkg.cli.context import RESEARCH_USE_ONLY, console

if TYPE_CHECKING:
    from kg.curation.impact_figures import CellCounts, ContradictoryLesion, Impact, Pair, TreeSize
    from kg.curation.incoherence import ModelImpact
    from learn.impact import Figures, Paired, Retraining, Yardstick


def print_impact(found: Impact, most: int) -> None:
    """Print what a change does; at most ``most`` rows of each list."""
    _say(found.summary)
    _say(f"counted on {found.data}")
    console.print(_splits(found))
    if found.changed_labels:
        console.print(_labels(found, most))
        _rest(len(found.changed_labels) - most, "labels")
    for title, lesions in (
        ("become contradictory", found.becomes_contradictory),
        ("stop being contradictory", found.stops_contradictory),
    ):
        _list(f"lesions {title}", [_lesion(one, found) for one in lesions], most)
    clashes = [f"{_pair(c.pair, found, ' x ')}: {_none(c.before)} -> {_none(c.after)}" for c in found.clashes]
    _list("exclusive pairs with another number of lesions that have both", clashes, most)
    for title, ids in (
        ("labels left with no reliable negative in training", found.left_without_negative),
        ("labels with their first reliable negatives in training", found.first_negatives),
        ("labels that the set gains", found.columns_added),
        ("labels that the set loses", found.columns_removed),
    ):
        _list(title, [found.names[i] for i in ids], most)
    for title, pairs, between in (
        ("matrix cells, ancestors gained", found.ancestors_gained, " -> "),
        ("matrix cells, ancestors lost", found.ancestors_lost, " -> "),
        ("matrix cells, exclusive pairs gained", found.exclusive_gained, " x "),
        ("matrix cells, exclusive pairs lost", found.exclusive_lost, " x "),
    ):
        _list(title, [_pair(p, found, between) for p in pairs], most)
    if found.matrix_hashes[0] == found.matrix_hashes[1]:
        _say("The relation matrices stay as they are.")
    _say(f"junction tree: {_tree(found.tree_before)} -> {_tree(found.tree_after)}")
    for model in found.models:
        _print_model(model, most)


def _splits(found: Impact) -> Table:
    parts = (*found.splits, found.total)
    table = Table("", *(Column(part.split, justify="right") for part in parts), box=box.SIMPLE_HEAD)
    table.add_row("lesions", *(f"{part.lesions:,}" for part in parts))
    table.add_row("lesions that change", *(f"{part.changed:,}" for part in parts))
    contradictory = (f"{p.contradictory_before:,} -> {p.contradictory_after:,}" for p in parts)
    table.add_row("contradictory lesions", *contradictory)
    for title, cells in _FIGURES.items():
        table.add_row(title, *(cells(part.counts) for part in parts))
    return table


def _moves(gained: int, lost: int) -> str:
    return f"+{gained:,} -{lost:,}" if gained or lost else ""


_FIGURES: Mapping[str, Callable[[CellCounts], str]] = {
    "positive": lambda c: f"{c.positives_before:,} -> {c.positives_after:,}",
    "  gained, lost": lambda c: _moves(c.positives_gained, c.positives_lost),
    "reliable negative": lambda c: f"{c.negatives_before:,} -> {c.negatives_after:,}",
    "  gained, lost ": lambda c: _moves(c.negatives_gained, c.negatives_lost),
    "negative, now positive": lambda c: f"{c.flipped_to_positive:,}",
    "positive, now negative": lambda c: f"{c.flipped_to_negative:,}",
}


def _labels(found: Impact, most: int) -> Table:
    ids = tuple(found.names)
    right = (Column(name, justify="right") for name in ("gained, lost", "negative", "gained, lost", "flipped"))
    table = Table("label", Column("positive", justify="right"), *right, box=box.SIMPLE_HEAD)
    for column in found.changed_labels[:most]:
        c = found.total.label_counts(column)
        flipped = c.flipped_to_positive + c.flipped_to_negative
        table.add_row(
            found.names[ids[column]],
            f"{c.positives_before:,} -> {c.positives_after:,}",
            _moves(c.positives_gained, c.positives_lost),
            f"{c.negatives_before:,} -> {c.negatives_after:,}",
            _moves(c.negatives_gained, c.negatives_lost),
            f"{flipped:,}" if flipped else "",
        )
    return table


def _print_model(model: ModelImpact, most: int) -> None:
    if model.falls_behind:
        state = "falls behind: it was trained with the relations from before the change"
    elif model.current_after:
        state = "has the relations of after the change"
    else:
        state = "was trained with other relations already"
    _say(
        f"model {model.model}: {state}; of {model.predictions:,} stored predictions {model.broken_before:,} break a "
        f"relation before the change, {model.broken_after:,} after it"
    )
    _list("  lesions whose predictions become incoherent", model.becomes_incoherent, most)
    _list("  lesions whose predictions become coherent", model.becomes_coherent, most)


def print_retraining(again: Retraining, most: int) -> None:
    """Print the figures of the models before and after; at most ``most`` labels."""
    _say("")
    _say(
        f"metadata model trained before and after: {again.training:,} training lesions, {len(again.seeds)} seeds; "
        f"judged on {again.test:,} test lesions of {again.patients:,} patients"
    )
    for yardstick in again.yardsticks:
        console.print(_yardstick(yardstick, again, most))
        _rest(len(yardstick.labels) - most, "labels")
    if again.unpaired:
        _list("labels that only one of the label sets has", again.unpaired, most)
    _say(
        "Change: mean over seeds, +- its standard deviation, and of the AUC a 95 % interval with patients resampled. "
        f"These models saw no pixels. {RESEARCH_USE_ONLY}"
    )


def _yardstick(yardstick: Yardstick, again: Retraining, most: int) -> Table:
    right = (Column(name, justify="right") for name in ("test", "AUC", "change", "95 %", "F1", "change"))
    title = f"true labels as the ontology {yardstick.truth} the change expands them"
    table = Table("label", *right, box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for group, figures in yardstick.macro.items():
        table.add_row(f"mean of {group} labels" if group != "others" else "mean of the others", "", *_cells(figures))
    for label_id, figures in list(yardstick.labels.items())[:most]:
        table.add_row(again.names[label_id], f"{yardstick.positives[label_id]:,}", *_cells(figures))
    return table


def _cells(figures: Figures) -> Sequence[str]:
    area, f1 = figures.auc, figures.f1
    between = "" if area.interval is None else f"{area.interval.low:+.4f} to {area.interval.high:+.4f}"
    return (_means(area), _change(area), between.replace("+nan to +nan", ""), _means(f1), _change(f1))


def _means(figure: Paired) -> str:
    before, after = (sum(values) / len(values) for values in (figure.before, figure.after))
    return "" if before != before else f"{before:.4f} -> {after:.4f}"


def _change(figure: Paired) -> str:
    if figure.difference != figure.difference:
        return ""
    return f"{figure.difference:+.4f}" + ("" if figure.spread != figure.spread else f" +- {figure.spread:.4f}")


def _lesion(one: ContradictoryLesion, found: Impact) -> str:
    return f"{one.lesion} ({one.split}; {', '.join(_pair(pair, found, ' x ') for pair in one.pairs)})"


def _pair(pair: Pair, found: Impact, between: str) -> str:
    return between.join(found.names[i] for i in pair)


def _none(count: int | None) -> str:
    return "not exclusive" if count is None else f"{count:,}"


def _tree(size: TreeSize) -> str:
    if size.refusal:
        return f"none ({size.refusal})"
    return (
        f"{size.bags:,} bags, {size.states:,} states, {size.most_states:,} in the largest, treewidth {size.treewidth}"
    )


def _list(title: str, entries: Iterable[str], most: int) -> None:
    """A title with the count and the first entries; nothing when there is none."""
    every = list(entries)
    if every:
        _say(f"{title}: {len(every):,}")
        for entry in every[:most]:
            _say(f"  {entry}")
        _rest(len(every) - most, "of them", "  ")


def _rest(count: int, what: str, indent: str = "") -> None:
    if count > 0:
        _say(f"{indent}... and {count:,} more {what}; --json shows all")


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
