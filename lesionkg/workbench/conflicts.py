"""The page /conflicts."""

from __future__ import annotations

from lesionkg.workbench import parts
from lesionkg.workbench.frame import page


@page("/conflicts", "Conflicts")
async def show() -> None:
    """Build the page."""
    parts.title("Conflicts")
