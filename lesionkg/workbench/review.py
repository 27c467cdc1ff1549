"""The page /review."""

from __future__ import annotations

from lesionkg.workbench import parts
from lesionkg.workbench.frame import page


@page("/review", "Review")
async def show() -> None:
    """Build the page."""
    parts.title("Review")
