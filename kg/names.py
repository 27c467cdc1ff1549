"""How names are compared."""

from __future__ import annotations


def folded(text: str) -> str:
    """A name as it is compared with others: without regard to case, and to how much space stands between its words."""
    return " ".join(text.casefold().split())
