"""The editor for free Cypher: highlighting, the place of an error, and fields for the parameters of the text."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping

from nicegui import ui

from kg.errors import LesionKGError
from lesionkg.workbench.query_form import ParameterForm
from queries.choices import Choices
from queries.free import parameters_of, place_of
from queries.parameters import Parameter

EXAMPLE = """MATCH (l:Lesion)-[:HAS_LABEL]->(k:Label {name: 'liver'})
WHERE l.long_mm >= 40
RETURN l.id AS lesion, l.long_mm AS long_mm, l.split AS split
ORDER BY long_mm DESC
LIMIT 50
"""


class CypherEditor:
    """An editor; built where it is made.

    Args:
        text: to begin with.
        given: values of its parameters, as typed.
        choices: what parameters may be.
        run: called by Ctrl+Enter.
    """

    def __init__(
        self, text: str, given: Mapping[str, str], choices: Choices, run: Callable[[], Awaitable[None]]
    ) -> None:
        self._choices, self._given = choices, dict(given)
        self._parameters: tuple[Parameter, ...] = ()
        self._form: ParameterForm | None = None
        self._editor = (
            ui.codemirror(text, language="Cypher", theme="githubLight", line_wrapping=True, on_change=self._changed)
            .map_key("Mod-Enter", run)
            .classes("lk-q-editor")
            .props('data-mark="editor"')
        )
        self._error = ui.element("div").classes("lk-q-error").props('role=alert data-mark="error"')
        self._error.set_visibility(False)
        self._fields = ui.element("div").classes("w-full")
        self._follow_theme()
        self._ask_parameters()

    @property
    def text(self) -> str:
        """What is written."""
        return self._editor.value or ""

    @text.setter
    def text(self, text: str) -> None:
        self._editor.value = text

    @property
    def given(self) -> dict[str, str]:
        """Values of the parameters, as typed."""
        return self._form.values if self._form else {}

    def insert(self, text: str) -> None:
        """Put a text where the cursor is."""
        ui.run_javascript(
            f"const view = getElement({self._editor.id}).editor;"
            f"view.dispatch(view.state.replaceSelection({json.dumps(text)})); view.focus();"
        )

    def complain(self, error: LesionKGError) -> None:
        """Show an error below the text, and where in the text it is."""
        self._error.clear()
        with self._error:
            ui.label(str(error))
        self._error.set_visibility(True)
        place = place_of(error)
        lines = self.text.split("\n")
        if place is None or not 1 <= place[0] <= len(lines):
            return
        start = sum(len(line) + 1 for line in lines[: place[0] - 1]) + min(place[1] - 1, len(lines[place[0] - 1]))
        marks = [{"kind": "line", "line": place[0], "class": "lk-q-badline"}]
        if start < len(self.text):
            marks.append({"kind": "mark", "from": start, "to": start + 1, "class": "lk-q-badplace"})
        self._editor.decorations = marks
        self._editor.reveal_line(place[0])

    def calm(self) -> None:
        """Show no error."""
        self._error.set_visibility(False)
        if self._editor.decorations:
            self._editor.decorations = []

    def _changed(self) -> None:
        self.calm()
        self._ask_parameters()

    def _ask_parameters(self) -> None:
        """Fields for the parameters that the text has now; a text that is not finished keeps those that it had."""
        try:
            found = parameters_of(self.text)
        except LesionKGError:
            return
        if found == self._parameters:
            return
        self._given |= self.given
        self._parameters = found
        self._fields.clear()
        with self._fields:
            self._form = ParameterForm(found, self._choices, self._given)

    def _follow_theme(self) -> None:
        event = f"lk_dark_{self._editor.id}"
        ui.on(event, lambda e: self._editor.set_theme("githubDark" if e.args else "githubLight"))
        ui.run_javascript(
            f"const tell = () => emitEvent('{event}', document.body.classList.contains('body--dark'));"
            "new MutationObserver(tell).observe(document.body, {attributes: true, attributeFilter: ['class']}); tell();"
        )
