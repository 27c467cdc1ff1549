"""The dialog that saves a query."""

from __future__ import annotations

import re

from nicegui import ui

from kg.errors import ConflictError, LesionKGError
from lesionkg.server.people import Role, User
from lesionkg.workbench.frame import in_thread
from lesionkg.workbench.query_desk import save
from queries.free import header
from queries.saved import SavedQueries, SavedQuery


async def save_dialog(text: str, queries: SavedQueries, who: User) -> SavedQuery | None:
    """Ask for a name and a title, and save; None when it was closed.

    Args:
        text: the query.
        queries: where it is saved.
        who: saves it.

    Raises:
        LesionKGError: a comment line of the text is malformed.
    """
    facts = header("free", text)[0]
    with ui.dialog() as dialog, ui.card().classes("lk-q-dialog"):
        ui.label("Save this query").classes("lk-q-title")
        ui.label("A file that everybody who uses this data folder can run.").classes("lk-quiet lk-small")
        title = ui.input("Title", value=facts.get("title", "")).props('dense outlined data-mark="save-title"')
        name = ui.input("File name").props('dense outlined suffix=.cypher data-mark="save-name"')
        question = ui.input("Question it answers (optional)", value=facts.get("question", "")).props("dense outlined")
        problem = ui.label().classes("lk-bad").props('role=alert data-mark="save-problem"')
        over = ui.checkbox("Replace the query of this name")
        over.set_visibility(False)
        with ui.row().classes("justify-end w-full"):
            ui.button("Close", on_click=lambda: dialog.submit(None)).props("flat no-caps")

            async def submit() -> None:
                try:
                    if over.value:
                        await _require_own(queries, name.value or "", who)
                    made = await in_thread(
                        save, who, name.value or "", title.value or "", question.value or "", text, over.value
                    )
                except LesionKGError as error:
                    problem.text = str(error)
                    over.set_visibility(isinstance(error, ConflictError))
                else:
                    dialog.submit(made)

            ui.button("Save", on_click=submit).props('unelevated no-caps data-mark="save-now"')

        def propose() -> None:
            name.value = re.sub(r"[^a-z0-9]+", "-", (title.value or "").lower()).strip("-")[:64].strip("-")

        title.on_value_change(propose)
        propose()
    try:
        made: SavedQuery | None = await dialog
        return made
    finally:
        dialog.delete()


async def _require_own(queries: SavedQueries, name: str, who: User) -> None:
    """Refuse to replace somebody else's query, unless by a curator."""
    known = await in_thread(queries.read, name)
    if known.author != who.name:
        who.require(Role.CURATOR)
