"""Licence notices that travel inside every ontology file."""

from __future__ import annotations

from kg.tables import shipped_text

_FILES = ("LICENSE-LesaNet.txt", "LICENSE-RadLex.txt", "MODIFICATIONS.txt")


def released_notices() -> tuple[str, ...]:
    """Notices of the released ontology: the licences it comes under and what was changed on import.

    Raises:
        InputError: a notice is missing from this installation.
    """
    return tuple(shipped_text(name).strip() for name in _FILES)
