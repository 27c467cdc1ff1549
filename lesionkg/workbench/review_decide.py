"""Asking a reviewer for what a decision needs, and making it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from nicegui import ui

from kg.curation.decisions import Action, Decision, Standing
from kg.curation.queues import Term, Unmapped
from kg.curation.queues_promotion import Choice
from kg.curation.queues_text import says
from kg.errors import ConflictError, LesionKGError
from kg.ontology import LabelClass, MatchKind, SynonymScope
from lesionkg.server.audit import Action as Audited
from lesionkg.server.people import Role
from lesionkg.workbench.frame import in_thread, place, user
from queries.promotion_options import options
from queries.review_actions import defer_item, promote_item, reject_item
from queries.review_board import Board

Ask: TypeAlias = Callable[[Board, Standing, str], Awaitable[Decision | None]]
"""Asks what is needed and decides; None when the reviewer gave up."""

_Work: TypeAlias = Callable[[], Awaitable[Decision]]
_DEFERRED_DAYS = 30


async def ask_promotion(board: Board, seen: Standing, reviewer: str) -> Decision | None:
    """Ask what the item shall become; the rule's own change comes first, with what it would do."""
    with _Form("Promote into a proposal", seen, "Propose") as form:
        choice = _choices(board, seen)
        reason = form.reason(says(seen.item))

        async def work() -> Decision:
            made = choice()
            return await in_thread(
                promote_item, place().database, place().store, board, seen, reviewer, reason.value or "", made
            )

        return await form.run(work, seen, Action.PROMOTED)


async def ask_deferral(board: Board, seen: Standing, reviewer: str) -> Decision | None:
    """Ask until when."""
    with _Form("Defer", seen, "Defer") as form:
        day = (datetime.now(UTC).date() + timedelta(days=_DEFERRED_DAYS)).isoformat()
        until = ui.input("Until (empty: until somebody reopens it)", value=day)
        until.props('type=date outlined dense stack-label data-mark="until"').classes("w-full")
        reason = form.reason("")

        async def work() -> Decision:
            return await in_thread(defer_item, place().database, seen, reviewer, reason.value or "", until.value or "")

        return await form.run(work, seen, Action.DEFERRED)


async def ask_rejection(board: Board, seen: Standing, reviewer: str) -> Decision | None:
    """Ask why not."""
    with _Form("Reject for good, whatever later models say", seen, "Reject") as form:
        reason = form.reason("")

        async def work() -> Decision:
            return await in_thread(reject_item, place().database, seen, reviewer, reason.value or "")

        return await form.run(work, seen, Action.REJECTED)


def _choices(board: Board, seen: Standing) -> Callable[[], Choice]:
    """Fields for what the item may become; gives what to read them with."""
    match seen.item.evidence:
        case Term():
            return _term_fields(board)
        case Unmapped():
            return _mapping_fields()
        case _:
            return _option_fields(board, seen)


def _option_fields(board: Board, seen: Standing) -> Callable[[], Choice]:
    ways = options(seen.item, board.gathered.sources.lesions.ontology)
    first = next((one.key for one in ways if not one.refused), ways[0].key)
    chosen = ui.radio({one.key: one.title for one in ways}, value=first).props('dense data-mark="kind"')
    with ui.element("div").classes("lk-rv-block").props('data-mark="changes"') as shown:
        pass

    def describe() -> None:
        way = next(one for one in ways if one.key == chosen.value)
        shown.clear()
        with shown:
            for change in way.changes:
                ui.label(change).classes("lk-small")
            if way.refused:
                ui.label(way.refused).classes("lk-small lk-warn")

    chosen.on_value_change(describe)
    describe()
    return lambda: next(one.choice for one in ways if one.key == chosen.value)


def _term_fields(board: Board) -> Callable[[], Choice]:
    ontology = board.gathered.sources.lesions.ontology
    names = {label.id: label.name for label in ontology.labels if not label.deprecated}
    way = ui.radio({"synonym": "A synonym of a label", "label": "A new label"}, value="synonym").props("dense")
    with ui.element("div").classes("lk-rv-block").bind_visibility_from(way, "value", value="synonym"):
        label = ui.select(names, label="Label", with_input=True).props("outlined dense").classes("w-full")
        scope = ui.select([one.value for one in SynonymScope], value=SynonymScope.EXACT.value, label="Scope")
        scope.props("outlined dense")
    with ui.element("div").classes("lk-rv-block").bind_visibility_from(way, "value", value="label"):
        of = ui.select([one.value for one in LabelClass], value=LabelClass.TYPE.value, label="Class")
        of.props("outlined dense")

    def choice() -> Choice:
        if way.value == "label":
            return Choice(label_class=LabelClass(of.value))
        return Choice(synonym_of=label.value or "", scope=SynonymScope(scope.value))

    return choice


def _mapping_fields() -> Callable[[], Choice]:
    rid = ui.input("RadLex id").props('outlined dense autofocus data-mark="rid"').classes("w-full")
    name = ui.input("RadLex's name").props("outlined dense").classes("w-full")
    match = ui.select([one.value for one in MatchKind], value=MatchKind.EXACT.value, label="How it compares")
    match.props("outlined dense")
    return lambda: Choice(
        rid=(rid.value or "").strip(), rid_name=(name.value or "").strip(), match=MatchKind(match.value)
    )


class _Form:
    """A dialog with a reason; Enter in the reason decides, Escape gives up."""

    def __init__(self, title: str, seen: Standing, verb: str) -> None:
        self._title, self._seen, self._verb = title, seen, verb
        self._answers: asyncio.Queue[bool] = asyncio.Queue()

    def __enter__(self) -> _Form:
        self._dialog = ui.dialog()
        self._dialog.on("hide", lambda: self._answers.put_nowait(False))
        self._dialog.__enter__()
        self._card = ui.card().classes("lk-rv-dialog").props('data-mark="form"')
        self._card.__enter__()
        ui.label(self._title).classes("lk-rv-says")
        ui.label(says(self._seen.item)).classes("lk-quiet")
        return self

    def __exit__(self, *error: object) -> None:
        if not self._dialog.is_deleted:
            self._dialog.delete()

    def reason(self, value: str) -> ui.input:
        """The field for the reason, which has the focus."""
        self._reason = ui.input("Reason", value=value).classes("w-full")
        self._reason.props('outlined dense autofocus data-mark="reason"')
        self._reason.on("keydown.enter", lambda: self._answers.put_nowait(True))
        return self._reason

    async def run(self, work: _Work, seen: Standing, action: Action) -> Decision | None:
        """Wait for the reviewer; what is refused is said in the form, which stays open.

        Raises:
            ConflictError: somebody decided about the item meanwhile.
        """
        problem = ui.label("").classes("lk-bad lk-small").props('role=alert data-mark="problem"')
        with ui.row().classes("self-end"):
            ui.button("Cancel", on_click=lambda: self._answers.put_nowait(False)).props("flat no-caps")
            ui.button(self._verb, on_click=lambda: self._answers.put_nowait(True)).props(
                'unelevated no-caps color=primary data-mark="submit"'
            )
        self._card.__exit__()
        self._dialog.__exit__()
        self._dialog.open()
        while await self._answers.get():
            user().require(Role.CURATOR)
            if not (self._reason.value or "").strip():
                problem.text = "A decision needs a reason."
                continue
            try:
                made = await work()
            except ConflictError:
                raise
            except LesionKGError as error:
                problem.text = str(error)
                continue
            details = {"reason": made.reason, "until": made.until, "proposal": made.proposal}
            place().audit.record(user(), Audited.CHANGE, seen.item.id, decision=action.value, **details)
            return made
        return None
