"""The page /ontology."""

from __future__ import annotations

from lesionkg.workbench import parts
from lesionkg.workbench.frame import page


@page("/ontology", "Ontology")
async def show() -> None:
    """Build the page."""
    parts.title("Ontology")
