"""The page /models."""

from __future__ import annotations

from lesionkg.workbench import parts
from lesionkg.workbench.frame import page


@page("/models", "Models")
async def show() -> None:
    """Build the page."""
    parts.title("Models")
