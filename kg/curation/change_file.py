"""Changes in a file: a change set as JSON, or text with one change a line."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from kg.curation.change_set import ChangeSet, change_set_from_json
from kg.curation.kgcl_parser import parse_changes
from kg.errors import InputError
from kg.ontology import Ontology

LARGEST = 64 * 2**20
"""Most bytes of a file; all change sets of the curated ontology together take one hundredth."""


def read_change_set(
    file: Path,
    ontology: Ontology,
    author: str = "",
    created: str = "",
    source: str = "",
    taken: Collection[str] = (),
) -> ChangeSet:
    """The changes that a file holds.

    Args:
        file: JSON when it ends in ``.json``, else text.
        ontology: what the lines of a text are about.
        author: of the changes of a text, as are ``created`` and ``source``; JSON says so itself.
        created: when they were made, ISO 8601.
        source: what they rest on.
        taken: ids that no new label gets.

    Raises:
        InputError: the file cannot be read, is too large, is no text, or holds no changes; its name is in the message.
    """
    try:
        if file.stat().st_size > LARGEST:
            raise InputError(f"{file}: is larger than {LARGEST // 2**20} MiB, so no file of changes; name another")
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read as text ({type(error).__name__}); give a file of changes") from None
    try:
        if file.suffix == ".json":
            found = change_set_from_json(text)
        else:
            found = ChangeSet(parse_changes(text, ontology, author, created, source, taken), author, created)
    except InputError as error:
        raise type(error)(f"{file}: {error}") from error
    if not found.changes:
        raise InputError(f"{file}: holds no changes; write one a line, e.g. rename 'lung' to 'lungs'")
    return found
