"""What people may write: texts that every store keeps as they are, and that show as what they are."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from kg.curation.change_set import ChangeSet
from kg.curation.facts import Fact, LabelField, LabelSynonym, LabelText
from kg.errors import UsageError
from kg.ontology import Label

_BREAKS = "\t\n\r"
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the direction of what follows, so that a text reads as another."""


LONGEST_NAME = 200
"""Characters of the longest name or synonym of a label: it stands in lists, and reports say no longer ones."""


def require_text(*texts: str) -> None:
    """Check texts of several lines, such as reasons and comments.

    Raises:
        UsageError: one holds control characters, half of a character, or marks that turn its direction.
    """
    for one in texts:
        found = next((c for c in one if _hidden(c) and c not in _BREAKS), None)
        if found is not None:
            raise UsageError(f"text {_shown(one)}: holds the character U+{ord(found):04X}, which nobody sees; drop it")


def require_line(*texts: str) -> None:
    """Check texts of one line, such as names of people and of labels.

    Raises:
        UsageError: as :func:`require_text`, or one holds a line break or a tab.
    """
    for one in texts:
        found = next((c for c in one if _hidden(c) or c in "\u2028\u2029"), None)
        if found is not None:
            raise UsageError(
                f"text {_shown(one)}: holds the character U+{ord(found):04X}, and must be one line of text; drop it"
            )


def require_readable(change_set: ChangeSet) -> None:
    """Check everything that a change set would write; what it removes may be as it is.

    Raises:
        UsageError: as :func:`require_text` and :func:`require_line`.
    """
    require_line(change_set.author, *change_set.overrides)
    require_text(change_set.reason, change_set.source, change_set.impact, change_set.review)
    require_text(change_set.created, *change_set.overrides.values())
    for change in change_set.primitives():
        if change.after is not None:
            require_text(*_texts(asdict(change.after)))
            require_line(*_names(change.after))
            _require_short(*_names(change.after))


def _require_short(*names: str) -> None:
    for one in names:
        if len(one) > LONGEST_NAME:
            raise UsageError(
                f"name {_shown(one)}: has {len(one):,} characters, more than {LONGEST_NAME}; put it into the definition"
            )


def _names(fact: Fact) -> tuple[str, ...]:
    match fact:
        case Label():
            return (fact.id, fact.name, *(synonym.text for synonym in fact.synonyms))
        case LabelText(field=LabelField.NAME):
            return (fact.text,)
        case LabelSynonym():
            return (fact.synonym.text,)
        case _:
            return ()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs") or character in _TURNS


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 60 else f"{text[:60]}...")
