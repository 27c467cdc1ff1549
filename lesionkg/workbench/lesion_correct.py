"""The dialog in which a curator corrects labels: what stands against it is asked, and a reason is kept with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from nicegui import ui

from kg.correction_rules import Obstacle, Statement
from kg.errors import LesionKGError
from kg.label_correction import Correction, assess, correct, undo
from lesionkg.server.audit import Action
from lesionkg.server.people import Role
from lesionkg.workbench.frame import calm, complain, confirm, in_thread, place, user
from lesionkg.workbench.lesion_index import index

Done = Callable[[], Awaitable[None]]


class CorrectionDialog:
    """Asks for what a correction still needs, and stores it.

    Args:
        lesion: id.
        names: preferred names of all labels, by id.
        statements: what the curator began with.
        done: called after it was stored.
    """

    def __init__(self, lesion: str, names: Mapping[str, str], statements: Sequence[Statement], done: Done) -> None:
        self._lesion = lesion
        self._names = names
        self._statements = list(statements)
        self._done = done
        self._against = False
        self._reason = ""
        self._obstacles: tuple[Obstacle, ...] = ()
        with ui.dialog() as self._dialog, ui.card().classes("lk-ls-dialog") as self._card:
            self._card.props('data-mark="correction-dialog"')

    async def open(self) -> None:
        """Show it.

        Raises:
            LesionKGError: the statements do not fit the graph.
        """
        await self._assess()
        self._dialog.open()

    async def _assess(self) -> None:
        self._obstacles = await in_thread(assess, place().store, self._lesion, self._statements)
        self._draw()

    @property
    def _open_questions(self) -> list[Obstacle]:
        return [one for one in self._obstacles if one.implied or not self._against]

    def _draw(self) -> None:
        self._card.clear()
        with self._card:
            with ui.element("h2").classes("lk-heading"):
                ui.label(f"Correct the labels of {self._lesion}")
            for statement in self._statements:
                verb = "has" if statement.has else "does not have"
                ui.label(f"The lesion {verb}: {self._names.get(statement.label, statement.label)}").classes(
                    "lk-good" if statement.has else "lk-bad"
                )
            for obstacle in self._open_questions:
                self._question(obstacle)
            if self._against and not self._open_questions:
                ui.label("Both labels stay, against the relation.").classes("lk-note")
            reason = (
                ui.textarea("Reason", value=self._reason).props("outlined dense autogrow autofocus").classes("w-full")
            )
            reason.props('data-mark="reason"')
            with ui.element("div").classes("lk-ls-tools"):
                save = ui.button("Save correction", on_click=self._save).props("unelevated no-caps")
                ui.button("Cancel", on_click=self._dialog.close).props("flat no-caps")

            def typed() -> None:
                self._reason = reason.value or ""
                save.set_enabled(bool(self._reason.strip()) and not self._open_questions)

            reason.on_value_change(typed)
            typed()

    def _question(self, obstacle: Obstacle) -> None:
        with ui.element("div").classes("lk-note").props('data-mark="obstacle"'):
            if obstacle.implied:
                ui.label(f"{obstacle.name} implies {obstacle.other_name}, so it has to go as well.")
            else:
                ui.label(f"{obstacle.name} and {obstacle.other_name} exclude each other. Which one goes?")
            with ui.element("div").classes("lk-ls-tools"):
                if obstacle.implied:
                    self._choice(f"Take {obstacle.name} away", obstacle.label)
                else:
                    self._choice(f"Take {obstacle.other_name} away", obstacle.other)
                    ui.button("Keep both", on_click=self._keep_both).props("flat dense no-caps")

    def _choice(self, text: str, label: str) -> None:
        async def take() -> None:
            self._statements = [one for one in self._statements if one.label != label]
            self._statements.append(Statement(label, False))
            await self._assess()

        ui.button(text, on_click=calm(take)).props("outline dense no-caps")

    def _keep_both(self) -> None:
        self._against = True
        self._draw()

    async def _save(self) -> None:
        try:
            await store_correction(self._lesion, self._statements, self._reason, self._against)
        except LesionKGError as error:
            complain(str(error))
            return
        self._dialog.close()
        confirm("The correction was stored.")
        await self._done()


async def store_correction(lesion: str, statements: Sequence[Statement], reason: str, against: bool) -> Correction:
    """Store a correction in the name of who looks at the page.

    Raises:
        NotAllowedError: they may not.
        LesionKGError: it was refused, or could not be stored.
    """
    who, where = user(), place()
    who.require(Role.CURATOR)

    def work() -> Correction:
        where.audit.record(
            who,
            Action.CHANGE,
            lesion,
            labels=[one.label for one in statements],
            has=[one.has for one in statements],
        )
        return index(where).through(
            lambda: correct(where.store, lesion, statements, who.name, reason, against_relations=against)
        )

    return await in_thread(work)


async def undo_correction(correction: Correction, reason: str) -> None:
    """Undo a correction in the name of who looks at the page.

    Raises:
        NotAllowedError: they may not.
        LesionKGError: it cannot be undone.
    """
    who, where = user(), place()
    who.require(Role.CURATOR)

    def work() -> None:
        where.audit.record(who, Action.CHANGE, correction.lesion, undone=correction.id)
        index(where).through(lambda: undo(where.store, correction.lesion, correction.id, who.name, reason))

    await in_thread(work)
