"""What a change would do, as a panel: findings of the rules, label data, relations, models, and who was faster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from nicegui import ui

from kg.curation.describe import describe
from kg.curation.history import RevisionEntry
from kg.curation.impact_figures import ContradictoryLesion, Impact, SplitImpact
from kg.curation.preview import Preview
from kg.findings import Finding
from lesionkg.workbench import parts

_MOST = 12
"""Rows of a list before it only counts the rest."""


def draw_preview(found: Preview, names: Mapping[str, str]) -> None:
    """Draw all that is known of a change before it is saved."""
    draw_faster(found.faster, names)
    if found.conflict:
        with ui.element("div").classes("lk-problem").props("role=alert"):
            ui.label(found.conflict)
        return
    assert found.assessment is not None, "what does not conflict was assessed"
    _draw_findings("Errors: must be mended before saving", found.assessment.errors, "lk-bad")
    if found.assessment.errors:
        for option in found.assessment.remedy.options:
            ui.label(f"Way out: drop {option.text}").classes("lk-onto-line")
    _draw_findings("Warnings: need a reason", found.assessment.warnings, "lk-warn")
    _draw_findings("Mended", found.assessment.mended, "lk-good")
    if not found.assessment.new:
        ui.label("No rule is broken.").classes("lk-good").props('data-mark="no-findings"')
    if found.impact is None:
        ui.label(f"Impact not measured: {found.unmeasured}").classes("lk-note")
    else:
        draw_impact(found.impact)


def draw_faster(faster: Sequence[RevisionEntry], names: Mapping[str, str]) -> None:
    """Draw revisions that touched the same facts meanwhile."""
    if not faster:
        return
    with ui.element("div").classes("lk-note").props('role=alert data-mark="faster"'):
        ui.label("Somebody was faster: the same was changed since you began.")
        for entry in faster:
            ui.label(f"Revision {entry.sequence} by {entry.author or 'somebody'}, {entry.created[:16]}: {entry.reason}")
            for change in entry.change_set.changes[:_MOST] if entry.change_set else ():
                ui.label(f"· {describe(change, names)}").classes("lk-small")


def draw_impact(found: Impact) -> None:
    """Draw the figures of an impact."""
    ui.label(found.summary).props('data-mark="impact-summary"').classes("lk-onto-summary")
    ui.label(f"Counted on {found.data}.").classes("lk-quiet lk-small")
    with ui.element("div").classes("lk-onto-scroll"):
        _draw_splits((*found.splits, found.total))
    _draw_labels(found)
    _draw_lesions(
        "Lesions that become contradictory", found.becomes_contradictory, found.names, "becomes-contradictory"
    )
    _draw_lesions(
        "Lesions that stop being contradictory", found.stops_contradictory, found.names, "stops-contradictory"
    )
    for title, pairs, sign in (
        ("Matrix cells: ancestors gained", found.ancestors_gained, "→"),
        ("Matrix cells: ancestors lost", found.ancestors_lost, "→"),
        ("Matrix cells: exclusive pairs gained", found.exclusive_gained, "×"),
        ("Matrix cells: exclusive pairs lost", found.exclusive_lost, "×"),
    ):
        _list(title, [f"{found.names.get(a, a)} {sign} {found.names.get(b, b)}" for a, b in pairs])
    for title, ids in (
        ("Labels left without a reliable negative in training", found.left_without_negative),
        ("Labels with their first reliable negatives in training", found.first_negatives),
        ("Columns that the label set gains", found.columns_added),
        ("Columns that it loses", found.columns_removed),
    ):
        _list(title, [found.names.get(i, i) for i in ids])
    if found.matrix_hashes[0] == found.matrix_hashes[1]:
        ui.label("The relation matrices stay as they are, and so do the models trained with them.").classes("lk-good")
    for model in found.models:
        with ui.element("div").classes("lk-onto-line"):
            ui.link(model.model, f"/models?run={quote(model.model)}").classes("lk-mono")
            if model.falls_behind:
                ui.label("falls behind: it was trained with the relations of before").classes("lk-warn")
            elif not model.current_after:
                ui.label("was trained with other relations already").classes("lk-quiet")
            else:
                ui.label("stays current").classes("lk-good")
            ui.label(f"predictions that break a relation: {model.broken_before:,} → {model.broken_after:,}").classes(
                "lk-quiet lk-small"
            )


def _draw_findings(title: str, findings: Sequence[Finding], colour: str) -> None:
    if not findings:
        return
    with ui.element("div").props('data-mark="findings"'):
        ui.label(f"{title} ({len(findings)})").classes(f"{colour} lk-onto-strong")
        for finding in findings[:_MOST]:
            ui.label(f"{finding.rule}: {finding.message}").classes("lk-onto-line")
            if finding.chain:
                ui.label(" → ".join(finding.chain)).classes("lk-quiet lk-small")
        if len(findings) > _MOST:
            ui.label(f"+ {len(findings) - _MOST} more").classes("lk-quiet")


def _draw_splits(splits: Sequence[SplitImpact]) -> None:
    rows = [
        ("lesions", [f"{s.lesions:,}" for s in splits]),
        ("that change", [f"{s.changed:,}" for s in splits]),
        ("labels", [_moved(s.counts.positives_gained, s.counts.positives_lost) for s in splits]),
        ("reliable negatives", [_moved(s.counts.negatives_gained, s.counts.negatives_lost) for s in splits]),
        ("negative → positive", [f"{s.counts.flipped_to_positive:,}" for s in splits]),
        ("positive → negative", [f"{s.counts.flipped_to_negative:,}" for s in splits]),
        ("contradictory", [f"{s.contradictory_before:,} → {s.contradictory_after:,}" for s in splits]),
    ]
    _table(["", *(s.split for s in splits)], [[name, *cells] for name, cells in rows], "impact-splits")


def _draw_labels(found: Impact) -> None:
    if not found.changed_labels:
        return
    ids = tuple(found.names)
    rows = []
    for column in found.changed_labels[:_MOST]:
        c = found.total.label_counts(column)
        flipped = c.flipped_to_positive + c.flipped_to_negative
        rows.append(
            [
                found.names[ids[column]],
                _moved(c.positives_gained, c.positives_lost),
                _moved(c.negatives_gained, c.negatives_lost),
                f"{flipped:,}" if flipped else "",
            ]
        )
    with ui.element("div").classes("lk-onto-scroll"):
        _table(["label", "positive", "reliable negative", "flipped"], rows, "impact-labels")
    if len(found.changed_labels) > _MOST:
        ui.label(f"+ {len(found.changed_labels) - _MOST} more labels").classes("lk-quiet")


def _draw_lesions(title: str, lesions: Sequence[ContradictoryLesion], names: Mapping[str, str], mark: str) -> None:
    if not lesions:
        return
    with ui.element("div").props(f'data-mark="{mark}"'):
        ui.label(f"{title} ({len(lesions):,})").classes("lk-onto-strong")
        for one in lesions[:_MOST]:
            with ui.element("div").classes("lk-onto-line"):
                parts.lesion_link(one.lesion)
                ui.label(one.split).classes("lk-quiet lk-small")
                ui.label("; ".join(f"{names.get(a, a)} × {names.get(b, b)}" for a, b in one.pairs)).classes("lk-small")
        if len(lesions) > _MOST:
            ui.label(f"+ {len(lesions) - _MOST:,} more").classes("lk-quiet")


def _list(title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    ui.label(f"{title} ({len(lines):,})").classes("lk-onto-strong")
    rest = f", + {len(lines) - _MOST:,} more" if len(lines) > _MOST else ""
    ui.label(f"{', '.join(lines[:_MOST])}{rest}").classes("lk-small")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], mark: str) -> None:
    with ui.element("table").classes("lk-onto-table lk-onto-numbers").props(f'data-mark="{mark}"'):
        with ui.element("thead"), ui.element("tr"):
            for name in header:
                with ui.element("th").props("scope=col"):
                    ui.label(name)
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    for text in row:
                        with ui.element("td"):
                            ui.label(text)


def _moved(gained: int, lost: int) -> str:
    return f"+{gained:,} −{lost:,}" if gained or lost else "0"
