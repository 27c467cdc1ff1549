"""The card of a label on the page /ontology: what the ontology, the data and the models say about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import quote

from nicegui import ui

from kg.ontology import RelationKind
from lesionkg.workbench import parts
from lesionkg.workbench.frame import calm
from lesionkg.workbench.ontology_edits import Editor
from queries.label_facts import Correlation, LabelFacts, RunFigures
from queries.label_view import Derived, LabelView, Statement

Choose = Callable[[str], Awaitable[None]]
_FOLLOW = "(e) => { if (!e.ctrlKey && !e.metaKey && !e.shiftKey) { e.preventDefault(); emit(); } }"
"""A plain click stays on the page; one that opens a new tab or window does that."""

_MOST = 24
"""Chips that a list shows before it only counts the rest."""

_STEPS = (*RelationKind, "EXCLUSIVE_WITH", "MERGED_INTO")
"""Kinds that chains are made of."""


def words(kind: str) -> str:
    """``PART_OF`` as ``part of``."""
    return kind.replace("_", " ").lower()


def step_in_words(step: str) -> str:
    """``lung LOCATED_IN chest`` as ``lung located in chest``."""
    for kind in _STEPS:
        step = step.replace(f" {kind} ", f" {words(kind)} ")
    return step


def chip(label_id: str, name: str, label_class: str, choose: Choose) -> None:
    """A label that leads to its card without leaving the page."""
    link = ui.link(name, f"/ontology?label={quote(label_id)}").classes(f"lk-chip lk-{label_class}")
    link.on("click", lambda: choose(label_id), js_handler=_FOLLOW)


def draw_card(shown: LabelView, editor: Editor, choose: Choose) -> ui.element:
    """Draw what the ontology says; gives the place for what the data and the models say."""
    with ui.element("div").classes("lk-onto-card").props('data-mark="label-card"'):
        with ui.element("div").classes("lk-onto-column"):
            _draw_names(shown, editor)
            _draw_hierarchy(shown, editor, choose)
            _draw_exclusive(shown, editor, choose)
            _draw_soft(shown, editor, choose)
        with ui.element("div").classes("lk-onto-column") as facts:
            parts.empty("Counting…")
    return facts


def draw_facts(found: LabelFacts, figures: Sequence[RunFigures], label_id: str, choose: Choose) -> None:
    """Draw what the data and the models say."""
    with parts.panel("In the data", mark="label-counts"):
        if found.counts:
            said = [(c.split, (c.said, c.inferred, c.doubted)) for c in found.counts]
            total = ("all", tuple(map(sum, zip(*(numbers for _, numbers in said), strict=True))))
            _table(
                ("split", "said", "by what is below", "doubted"),
                [(split, *(f"{n:,}" for n in numbers)) for split, numbers in (*said, total)],
            )
        else:
            parts.empty("No lesion has it.")
        if found.examples:
            with ui.element("div").classes("lk-chips"):
                for lesion in found.examples:
                    parts.lesion_link(lesion)
            ui.link("All lesions with this label", f"/lesions?label={quote(label_id)}").classes("lk-small")
    with parts.panel("Models", mark="label-models"):
        for predicted in found.predictions:
            with ui.element("p").classes("lk-onto-line"):
                ui.link(predicted.model, f"/models?run={quote(predicted.model)}").classes("lk-mono")
                ui.label(f"predicts it for {predicted.lesions:,} lesions")
                if not predicted.saw_pixels:
                    ui.label("saw no pixels").classes("lk-warn lk-small")
        if not found.predictions:
            parts.empty("No published model predicts it.")
        if figures:
            _table(("run", "test +", "AUC (95 %)", "precision", "recall", "F1"), [_figures(row) for row in figures])
            for row in figures:
                if row.evidence not in ("", "sufficient"):
                    ui.label(f"{row.run}: {row.evidence} evidence").classes("lk-warn lk-small")
    with parts.panel("Learned correlations", mark="label-correlations"):
        _draw_correlations(found.correlations, choose)


def _draw_names(shown: LabelView, editor: Editor) -> None:
    label = shown.label
    with parts.panel("Names and meaning", mark="label-names"):
        _section("Definition", editor.define if editor.allowed else None, "Edit the definition", "edit")
        if label.definition:
            ui.label(label.definition)
        else:
            parts.empty("No definition yet.")
        _section("Synonyms", editor.add_synonym if editor.allowed else None, "Add a synonym")
        if not label.synonyms:
            parts.empty("None.")
        for synonym in label.synonyms:
            with ui.element("div").classes("lk-onto-line"):
                ui.label(synonym.text)
                ui.label(f"{synonym.scope}{' · ' if synonym.source else ''}{synonym.source}").classes(
                    "lk-quiet lk-small"
                )
                if editor.allowed:
                    _icon("edit", f"Edit synonym {synonym.text}", lambda s=synonym: editor.change_synonym(s))  # type: ignore[misc]
                    _icon("close", f"Remove synonym {synonym.text}", lambda s=synonym: editor.remove_synonym(s))  # type: ignore[misc]
        _section("Codes", editor.add_mapping if editor.allowed else None, "Add a code")
        if not label.mappings:
            parts.empty("None.")
        for mapping in label.mappings:
            with ui.element("div").classes("lk-onto-line"):
                ui.label(mapping.object_id).classes("lk-mono")
                ui.label(mapping.object_label)
                ui.label(mapping.predicate.removeprefix("skos:")).classes("lk-quiet lk-small").tooltip(
                    mapping.justification or "no justification"
                )
                if editor.allowed:
                    _icon("close", f"Remove code {mapping.object_id}", lambda m=mapping: editor.remove_mapping(m))  # type: ignore[misc]
        parts.facts(
            {
                "Label sets": ", ".join(f"{name} (column {column})" for name, column in shown.label_sets) or "none",
                "Source": label.source,
                "Replaces": ", ".join(k.name for k in shown.replaces),
            }
        )


def _draw_hierarchy(shown: LabelView, editor: Editor, choose: Choose) -> None:
    with parts.panel("Hierarchy", mark="label-hierarchy"):
        _section(f"Parents ({len(shown.parents)})", editor.add_parent if editor.allowed else None, "Add a parent")
        _statements(shown.parents, editor, choose)
        if shown.further_ancestors:
            _derived(f"Further ancestors ({len(shown.further_ancestors)})", shown.further_ancestors, choose)
        _section(f"Children ({len(shown.children)})", editor.add_child if editor.allowed else None, "Add a child")
        _statements(shown.children, editor, choose, child=True)


def _draw_exclusive(shown: LabelView, editor: Editor, choose: Choose) -> None:
    inherited = sum(len(found) for _, found in shown.inherited_exclusive)
    with parts.panel("Never together with", mark="label-exclusive"):
        _section(
            f"Asserted ({len(shown.exclusive)})",
            editor.add_exclusive if editor.allowed else None,
            "Add an exclusive label",
        )
        _statements(shown.exclusive, editor, choose)
        _section(f"Inherited ({inherited})")
        for pair, found in shown.inherited_exclusive:
            _derived(f"{pair.replace(' EXCLUSIVE_WITH ', ' × ')} ({len(found)})", found, choose)
        if not inherited:
            parts.empty("None.")
        _section(
            f"Exceptions ({len(shown.exceptions)})",
            editor.add_exception if editor.allowed else None,
            "Add an exception",
        )
        _statements(shown.exceptions, editor, choose)


def _draw_soft(shown: LabelView, editor: Editor, choose: Choose) -> None:
    with parts.panel("Soft relations", mark="label-soft"):
        _section(
            f"Never used for expansion ({len(shown.soft)})",
            editor.add_soft if editor.allowed else None,
            "Add a soft relation",
        )
        _statements(shown.soft, editor, choose)


def _statements(said: Sequence[Statement], editor: Editor, choose: Choose, child: bool = False) -> None:
    if not said:
        parts.empty("None.")

    def line(one: Statement) -> None:
        with ui.element("div").classes("lk-onto-line"):
            if one.kind not in ("EXCLUSIVE_WITH", "COMPATIBLE_WITH"):
                kind = words(one.kind)
                ui.label(kind if one.outgoing else f"{kind} (of the other)").classes("lk-onto-kind")
            chip(one.id, one.name, one.label_class.value, choose)
            if one.provenance:
                ui.label(one.provenance).classes("lk-quiet lk-small").tooltip(one.evidence or "no evidence noted")
            if one.note:
                ui.label(one.note).classes("lk-warn lk-small")
            if editor.allowed and "exclusive group" not in one.evidence:
                _icon("close", f"Remove {words(one.kind)} {one.name}", lambda: editor.remove(one, child))

    for one in said[:_MOST]:
        line(one)
    if len(said) > _MOST:
        with ui.element("div") as rest:
            more = ui.button(f"+ {len(said) - _MOST} more").props("flat dense no-caps")

        def unfold() -> None:
            more.delete()
            with rest:
                for one in said[_MOST:]:
                    line(one)

        more.on_click(unfold)


def _derived(title: str, found: Sequence[Derived], choose: Choose) -> None:
    """Labels that follow, folded away, each with why."""
    with ui.expansion(title).props("dense dense-toggle").classes("lk-onto-why") as fold:
        pass

    def open_() -> None:
        if not fold.value or list(fold):
            return
        with fold:
            for one in found:
                with ui.element("div").classes("lk-onto-line"):
                    chip(one.id, one.name, one.label_class.value, choose)
                    ui.label(" → ".join(map(step_in_words, one.chain))).classes("lk-quiet lk-small")

    fold.on_value_change(open_)


def _draw_correlations(found: Sequence[Correlation], choose: Choose) -> None:
    if not found:
        parts.empty("No published model learned one.")
    for model in dict.fromkeys(c.model for c in found):
        own = [c for c in found if c.model == model]
        ui.link(model, f"/models?run={quote(model)}").classes("lk-mono")
        with ui.element("div").classes("lk-onto-scroll"), ui.element("table").classes("lk-onto-table"):
            _header(("", "label", "weight", "stable", "reading", "review"))
            with ui.element("tbody"):
                for c in own:
                    with ui.element("tr"):
                        _cell("→" if c.outgoing else "←")
                        with ui.element("td"):
                            chip(c.id, c.name, c.label_class, choose)
                        stable = "" if c.stability is None else f"{c.stability:.0%}"
                        for text in (f"{c.weight:+.3f}", stable, c.reading, c.review):
                            _cell(text)


def _figures(row: RunFigures) -> tuple[str, ...]:
    def shown(value: float | None) -> str:
        return "" if value is None else f"{value:.3f}"

    interval = f" ({shown(row.auc_low)}-{shown(row.auc_high)})" if row.auc_low is not None else ""
    positives = "" if row.test_positives is None else f"{row.test_positives:,}"
    return row.run, positives, f"{shown(row.auc)}{interval}", shown(row.precision), shown(row.recall), shown(row.f1)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with ui.element("div").classes("lk-onto-scroll"), ui.element("table").classes("lk-onto-table"):
        _header(header)
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    for text in row:
                        _cell(text)


def _header(names: Sequence[str]) -> None:
    with ui.element("thead"), ui.element("tr"):
        for name in names:
            with ui.element("th").props("scope=col"):
                ui.label(name)


def _cell(text: str) -> None:
    with ui.element("td"):
        ui.label(text)


def _section(title: str, action: Callable[[], None] | None = None, says: str = "", icon: str = "add") -> None:
    with ui.element("div").classes("lk-onto-section"):
        with ui.element("h3"):
            ui.label(title)
        if action is not None:
            _icon(icon, says, action)


def _icon(icon: str, says: str, action: Callable[[], object]) -> None:
    button = ui.button(icon=icon).props("flat round dense size=xs").classes("lk-icon")
    button.props["aria-label"] = says

    async def run() -> None:
        result = action()
        if isinstance(result, Awaitable):
            await result

    button.on_click(calm(run))
