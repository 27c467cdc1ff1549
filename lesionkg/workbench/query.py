"""The page /query."""

from __future__ import annotations

from lesionkg.workbench import parts
from lesionkg.workbench.frame import page


@page("/query", "Query")
async def show() -> None:
    """Build the page."""
    parts.title("Query")
