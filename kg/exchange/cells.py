"""Cells of tables that spreadsheet programs open.

A program may run a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula. Such a cell is written with an
apostrophe before it and read without.
"""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@]")
_DEFUSED = re.compile(r"'+[=+\-@]")


def defused(text: str) -> str:
    """The text as a cell that no program runs."""
    return f"'{text}" if _FORMULA.match(text) else text


def restored(cell: str) -> str:
    """The inverse of :func:`defused`; a cell that was never defused stays as it is."""
    return cell[1:] if _DEFUSED.match(cell) else cell
