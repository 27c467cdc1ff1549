"""The page /lesions."""

from __future__ import annotations

from lesionkg.workbench import parts
from lesionkg.workbench.frame import page


@page("/lesions", "Lesions")
async def show() -> None:
    """Build the page."""
    parts.title("Lesions")
