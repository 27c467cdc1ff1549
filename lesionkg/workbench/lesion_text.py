"""The sentences of reports that describe a lesion, on its page; their text is shown only when asked for."""

from __future__ import annotations

from nicegui import ui

from lesionkg.server.audit import Action
from lesionkg.server.people import Role
from lesionkg.workbench import parts
from lesionkg.workbench.frame import calm, in_thread, place, user
from queries.lesion_facts import LesionView, SentenceRef
from queries.report_text import Piece, ShownSentence, sentence_texts

_RELEVANCE = ("relevant", "uncertain", "irrelevant")


def text_panel(view: LesionView) -> None:
    """The panel; each look at the text is recorded."""
    with parts.panel("In reports", mark="reports"):
        box = ui.element("div").classes("lk-ls-col")
        with box:
            for sentence in view.sentences:
                _mentions(sentence)

        async def read() -> None:
            where, who = place(), user()
            who.require(Role.READER)

            def work() -> tuple[ShownSentence, ...]:
                for report in sorted({one.report for one in view.sentences}):
                    where.audit.record(who, Action.TEXT, report, lesion=view.id)
                return sentence_texts(where.store, where.settings.home, view)

            shown = await in_thread(work)
            box.clear()
            with box:
                for one in shown:
                    _text(one)
                _legend()
            button.delete()

        button = ui.button("Show report text", on_click=calm(read)).props('outline dense no-caps data-mark="show-text"')
        button.classes("self-start")


def _mentions(sentence: SentenceRef) -> None:
    with ui.element("div").classes("lk-ls-row"):
        with ui.element("div"):
            ui.label(f"report {sentence.report}").classes("lk-mono")
            ui.label(f"{sentence.section or 'no section'}, characters {sentence.start} to {sentence.end}").classes(
                "lk-quiet lk-small"
            )
        with ui.element("div").classes("lk-chips"):
            for label, relevance in sentence.labels:
                ui.label(label.name if relevance == "relevant" else f"{label.name}: {relevance}").classes(
                    f"lk-chip lk-{label.kind}"
                )


def _text(shown: ShownSentence) -> None:
    ref = shown.sentence
    ui.label(f"report {ref.report}, {ref.section or 'no section'}").classes("lk-quiet lk-small")
    with ui.element("div").classes("lk-ls-text").props('data-mark="sentence"'):
        for piece in shown.pieces:
            _piece(piece)


def _piece(piece: Piece) -> None:
    if not piece.kind:
        ui.label(piece.text).style("display: inline; white-space: pre-wrap")
        return
    kind = "lk-ls-bookmark" if piece.kind == "bookmark" else f"lk-{piece.kind}"
    relevance = f"lk-ls-{piece.relevance}" if piece.relevance in _RELEVANCE else ""
    with ui.label(piece.text).classes(f"lk-ls-hit {kind} {relevance}").style("display: inline") as hit:
        hit._props["data-relevance"] = piece.relevance
        name = f"bookmark {piece.name}" if piece.kind == "bookmark" else piece.name
        ui.tooltip(
            ", ".join(
                filter(None, (name, piece.relevance or ("" if piece.kind == "bookmark" else "of another lesion")))
            )
        )


def _legend() -> None:
    with ui.element("div").classes("lk-ls-legend"):
        ui.label("bold: relevant to this lesion; dashed: uncertain; struck through: not about it")
        ui.label("found by a program, may be wrong")
