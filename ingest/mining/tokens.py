"""Words and punctuation of a sentence, with offsets into the report.

A hyphen inside a word parts it in two and is no token itself ("ground-glass" is two words), so that hyphenated and
open spellings are alike; the lexicon knows the closed spellings ("paraaortic"). A decimal number is one token.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.mining.mention import BOOKMARK_WORD, Token
from ingest.reports.document import Bookmark

WORD = re.compile(r"\d+(?:\.\d+)+|[a-z0-9]+(?:'s\b)?|[^\sa-z0-9-]|(?<![a-z0-9])-|-(?![a-z0-9])")
"""A word, a number, or one punctuation mark, in lower-case text."""


def tokenise(clean: str, start: int, end: int, bookmarks: Sequence[Bookmark] = ()) -> tuple[Token, ...]:
    """Words and punctuation of ``clean[start:end]``.

    Args:
        clean: cleaned text of a document, ASCII (``Document.clean``).
        start: first character to read.
        end: one past the last character.
        bookmarks: bookmarks inside, in the order of the text; each becomes one token whose text is ``BOOKMARK_WORD``.

    Returns:
        Tokens with offsets into ``clean``.
    """
    tokens: list[Token] = []
    at = start
    for bookmark in bookmarks:
        tokens += _words(clean, at, bookmark.start)
        tokens.append(Token(BOOKMARK_WORD, bookmark.start, bookmark.end))
        at = bookmark.end
    tokens += _words(clean, at, end)
    return tuple(tokens)


def words(text: str) -> list[str]:
    """Words and punctuation of a text, lower case, without offsets."""
    return WORD.findall(text.lower())


def _words(clean: str, start: int, end: int) -> list[Token]:
    return [
        Token(found.group(), start + found.start(), start + found.end())
        for found in WORD.finditer(clean[start:end].lower())
    ]
