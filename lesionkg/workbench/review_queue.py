"""The review queues as one reviewer sees them: the list, an item, and decisions by one key each."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec

from nicegui import events, ui

from kg.curation.decisions import Decision, Standing
from kg.curation.queues import QueueKind
from kg.errors import ConflictError, LesionKGError
from lesionkg.server.audit import Action as Audited
from lesionkg.server.people import Role
from lesionkg.workbench import parts, review_decide, review_item
from lesionkg.workbench.frame import complain, confirm, in_thread, place, user
from lesionkg.workbench.review_kept import kept
from lesionkg.workbench.review_keys import show_keys
from queries.review_actions import stamp, take_back
from queries.review_board import Board, evidence_of_pair, read_board

P = ParamSpec("P")

_SHOWN = 60
"""Items of a queue that are listed at first; more on demand."""


def safely(handler: Callable[Concatenate[ReviewPage, P], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Run a handler in the page, whose rows it may replace, and show the project's errors."""

    @functools.wraps(handler)
    async def handled(page_: ReviewPage, *args: P.args, **kwargs: P.kwargs) -> None:
        with page_.body:
            try:
                await handler(page_, *args, **kwargs)
            except LesionKGError as error:
                complain(str(error))

    return handled


class ReviewPage:
    """The queues, as one reviewer sees them.

    Args:
        body: where it is built.
        model: whose correlations to take; the newest when empty.
        queue: name of the queue to begin with.
        item: id of the item to begin with.
    """

    def __init__(self, body: ui.element, model: str, queue: str, item: str) -> None:
        self.body, self._model = body, model
        self.kind = QueueKind(queue) if queue in set(QueueKind) else QueueKind.CORRELATIONS
        self._wanted, self._past, self._most = item, False, _SHOWN
        self.reviewer, self.may = user().name, user().role >= Role.CURATOR
        self.board: Board
        self.chosen: Standing | None = None
        self.asking = False

    async def build(self) -> None:
        """Read the queues and show them."""
        self.board = await in_thread(read_board, kept(), place().database, self._model)
        if self._wanted:
            found = self.board.find(self._wanted)
            if found is None:
                complain(f"{self._wanted}: stands in no queue now; the decided ones may tell why")
            else:
                self.kind, self.chosen = found.item.queue, found
        with self.body:
            self._told = ui.element("div").props('role=status data-mark="told"')
        with self.body, ui.element("div").classes("lk-rv-split"):
            with parts.panel(mark="queue") as side:
                side.classes("lk-rv-side")
                self._side = ui.element("div").classes("lk-rv-block").style("min-height: 0; flex: 1")
            with parts.panel(mark="item") as panel:
                panel.props("tabindex=-1")
                self._detail = ui.element("div").classes("lk-rv-block").style("gap: 16px")
        ui.keyboard(self._key, ignore=["input", "select", "textarea"])
        if self.chosen is None:
            self.chosen = next(iter(self.board.waiting(self.kind)), None)
        self._list()
        await self._show()

    def _list(self) -> None:
        self._side.clear()
        with self._side:
            with ui.element("nav").classes("lk-rv-kinds").props('aria-label="Queues"'):
                for kind, name in review_item.KINDS.items():
                    link = ui.link(target=review_item.address(kind, model=self._model)).classes(
                        "lk-rv-kind" + (" lk-rv-on" if kind is self.kind else "")
                    )
                    with link.props(f'data-mark="queue-{kind}"' + (" aria-current=true" if kind is self.kind else "")):
                        ui.label(name)
                        ui.label(f"{len(self.board.waiting(kind)):,}").classes("lk-rv-count")
            waiting, decided = self.board.waiting(self.kind), self.board.decided(self.kind)
            views = {False: f"Waiting {len(waiting):,}", True: f"Decided {len(decided):,}"}
            ui.toggle(views, value=self._past, on_change=self._turn).props(
                'dense no-caps unelevated toggle-color=primary data-mark="which"'
            ).classes("lk-rv-which")
            with ui.element("div").classes("lk-rv-list").props(f'data-mark="{"decided" if self._past else "waiting"}"'):
                if self._past:
                    self._decided(decided)
                else:
                    self._waiting(waiting)

    def _turn(self, change: events.ValueChangeEventArguments[bool]) -> None:
        self._past = bool(change.value)
        self._list()

    def _waiting(self, rows: tuple[Standing, ...]) -> None:
        if not rows:
            parts.empty("Nothing waits here.")
        for place_, one in enumerate(rows[: self._most], 1):
            chosen = self.chosen is not None and one.item.id == self.chosen.item.id
            row = ui.element("button").classes("lk-rv-row" + (" lk-rv-chosen" if chosen else ""))
            row.props(f'type=button data-mark="row"{" aria-current=true" if chosen else ""}')
            row.on("click", lambda one=one: self.select(one))
            with row:
                ui.label(f"{place_}").classes("lk-rv-rank")
                ui.label(" · ".join(one.item.names))
                ui.label(f"{one.item.score:,.1f}").classes("lk-rv-score")
        if len(rows) > self._most:
            ui.button(f"Show all {len(rows):,}", on_click=self._more).props("flat dense no-caps")

    def _more(self) -> None:
        self._most = 1_000_000
        self._list()

    def _decided(self, rows: tuple[Decision, ...]) -> None:
        if not rows:
            parts.empty("Nothing was decided yet.")
        for one in rows:
            with ui.element("div").classes("lk-rv-group").props('data-mark="decision"'):
                review_item.decision(one, self.board.gathered.sources.lesions.ontology)
                if self.may:
                    ui.button("Reopen", on_click=lambda one=one: self.undo(one)).props("flat dense no-caps size=sm")

    @safely
    async def select(self, one: Standing | None) -> None:
        """Show an item."""
        self.chosen = one
        self._list()
        await self._show()

    async def _show(self) -> None:
        chosen = self.chosen
        ui.navigate.history.replace(review_item.address(self.kind, chosen.item.id if chosen else "", self._model))
        evidence = None
        if chosen is not None and len(chosen.item.labels) == 2:
            evidence = await in_thread(evidence_of_pair, kept(), self.board.gathered, *chosen.item.labels)
        self._detail.clear()
        with self._detail:
            if chosen is None:
                parts.empty(
                    "Nothing waits in this queue. The others are on the left; the heat map shows what is known."
                )
                self._actions(None)
                return
            review_item.heading(chosen)
            self._actions(chosen)
            review_item.show(chosen, evidence, self.board)

    def _actions(self, chosen: Standing | None) -> None:
        with ui.element("div").classes("lk-rv-actions").props('role=toolbar aria-label="Decide"'):
            if self.may and chosen is not None and chosen.open:
                self._button("Promote", "p", self.promote, "unelevated color=primary")
                self._button("Defer", "d", self.defer, "outline color=primary")
                self._button("Reject for good", "r", self.reject, "outline color=negative")
            elif not self.may:
                ui.label("Curators decide; you look.").classes("lk-quiet")
            last = self.board.last(self.reviewer) if self.may else None
            if last is not None:
                self._button("Undo", "u", lambda: self.undo(last), "flat color=primary").tooltip(
                    f"take back: {last.action} {review_item.names_of(last.item, self.board)}"
                )
            ui.space()
            for icon, text, step in (("arrow_upward", "Previous", -1), ("arrow_downward", "Next", 1)):
                ui.button(icon=icon, on_click=lambda step=step: self.step(step)).props(
                    f'flat round dense aria-label="{text} item"'
                )
            ui.button(icon="keyboard", on_click=self.keys).props('flat round dense aria-label="Keys"')

    def _button(self, text: str, key: str, handler: object, props: str) -> ui.button:
        with ui.button(text, on_click=handler).props(f'no-caps dense padding="4px 12px" {props}') as button:  # type: ignore[arg-type]
            ui.label(key).classes("lk-rv-key").props("aria-hidden=true")
        return button

    async def _key(self, event: events.KeyEventArguments) -> None:
        modified = event.modifiers.ctrl or event.modifiers.alt or event.modifiers.meta
        if not event.action.keydown or event.action.repeat or modified or self.asking:
            return
        name = event.key.name
        if name in ("j", "ArrowDown", "k", "ArrowUp"):
            await self.step(1 if name in ("j", "ArrowDown") else -1)
        elif name == "?":
            self.keys()
        elif not self.may:
            return
        elif name == "u" and (last := self.board.last(self.reviewer)) is not None:
            await self.undo(last)
        elif self.chosen is not None and self.chosen.open and name in ("p", "d", "r"):
            await {"p": self.promote, "d": self.defer, "r": self.reject}[name]()

    async def step(self, by: int) -> None:
        """Go to the next item, or to the one before."""
        rows = self.board.waiting(self.kind)
        if not rows or self._past:
            return
        ids = [one.item.id for one in rows]
        here = ids.index(self.chosen.item.id) if self.chosen and self.chosen.item.id in ids else -by
        await self.select(rows[min(max(here + by, 0), len(rows) - 1)])
        ui.run_javascript(
            "document.querySelector('.lk-rv-chosen')?.scrollIntoView({block: 'nearest'}); "
            "document.querySelector('[data-mark=item]')?.focus({preventScroll: true})"
        )

    def keys(self) -> None:
        """Show the keys."""
        self.asking = True

        def closed() -> None:
            self.asking = False

        show_keys(closed)

    @safely
    async def promote(self) -> None:
        """Ask how, and promote."""
        await self._decide(review_decide.ask_promotion)

    @safely
    async def defer(self) -> None:
        """Ask until when, and defer."""
        await self._decide(review_decide.ask_deferral)

    @safely
    async def reject(self) -> None:
        """Ask why, and reject."""
        await self._decide(review_decide.ask_rejection)

    async def _decide(self, ask: review_decide.Ask) -> None:
        user().require(Role.CURATOR)
        chosen = self.chosen
        if chosen is None or self.asking:
            return
        self.asking = True
        try:
            made = await ask(self.board, chosen, self.reviewer)
        except ConflictError:
            await self._reread(chosen.item.id)
            raise
        finally:
            self.asking = False
        if made is not None:
            await self._done(made)

    @safely
    async def undo(self, seen: Decision) -> None:
        """Take a decision back."""
        user().require(Role.CURATOR)
        place().audit.record(user(), Audited.CHANGE, seen.item, decision="reopened", was=seen.action.value)
        await in_thread(take_back, place().database, seen, self.reviewer)
        self._told.clear()
        confirm(f"Back in the queue: {review_item.names_of(seen.item, self.board)}")
        self._past = False
        await self._reread(seen.item)
        await self._stamp()

    async def _done(self, made: Decision) -> None:
        rows = [one.item.id for one in self.board.waiting(self.kind)]
        here = rows.index(made.item) if made.item in rows else 0
        self._tell(made)
        self.board = await in_thread(read_board, kept(), place().database, self._model)
        left = self.board.waiting(self.kind)
        await self.select(left[min(here, len(left) - 1)] if left else None)
        await self._stamp()

    def _tell(self, made: Decision) -> None:
        self._told.clear()
        with self._told, ui.element("div").classes("lk-rv-actions lk-rv-done"):
            until = f" until {made.until}" if made.until else ""
            ui.label(f"{review_item.names_of(made.item, self.board)}: {made.action}{until}.")
            if made.proposal:
                number = made.proposal.partition("-")[0]
                ui.link(f"Proposal {number}: see its impact, accept and apply it", review_item.PROPOSALS)

    async def _reread(self, item: str) -> None:
        self.board = await in_thread(read_board, kept(), place().database, self._model)
        found = self.board.find(item)
        if found is not None:
            self.kind = found.item.queue
        await self.select(found or next(iter(self.board.waiting(self.kind)), None))

    async def _stamp(self) -> None:
        """Copy the decisions into the graph, for its queries; the store of decisions is what counts."""
        try:
            await in_thread(stamp, kept(), place().database, self.board)
        except LesionKGError as error:
            complain(f"The decision is kept; its copy in the graph is not made yet: {error}")
