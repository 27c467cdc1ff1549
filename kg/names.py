"""How names are compared."""

from __future__ import annotations


def spaced(text: str) -> str:
    """A name with one space between its words and none at its ends, as it should be written."""
    return " ".join(text.split())


def folded(text: str) -> str:
    """A name as it is compared with others: without regard to case, and to how much space stands between its words."""
    return spaced(text.casefold())
