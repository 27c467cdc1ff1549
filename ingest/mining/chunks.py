"""A sentence as a row of chunks, parted by punctuation and by closed classes of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from ingest.mining.word_data import WordData


class Separator(IntEnum):
    """What stands before a chunk; of several the last one in this list counts."""

    START = 0
    """Nothing: it is the first chunk."""
    PARENTHESIS = 1
    COMMA = 2
    """A comma, semicolon or colon."""
    JOIN = 3
    """ "and", "or", a slash: equals follow."""
    LOCATE = 4
    """ "in", "of", "within", an article: the place of what was said follows."""
    SKIP = 5
    """ "with": further features follow."""
    BAR = 6
    """ "adjacent", "to", "is", "no", a bookmark: something else follows."""
    STOP = 7
    """The end of a sentence."""


@dataclass(slots=True)
class Chunk:
    """Words between two separators.

    Attributes:
        before: what parts it from the chunk before it.
        first: first word.
        last: one past the last.
    """

    before: Separator
    first: int
    last: int


def separators(data: WordData) -> Mapping[str, Separator]:
    """What each closed-class word and punctuation mark separates."""
    return {
        **dict.fromkeys(data.joining, Separator.JOIN),
        **dict.fromkeys(data.locating, Separator.LOCATE),
        **dict.fromkeys(data.skipped, Separator.SKIP),
        **dict.fromkeys(data.barred, Separator.BAR),
        **dict.fromkeys(",;:", Separator.COMMA),
        **dict.fromkeys("()[]", Separator.PARENTHESIS),
        **dict.fromkeys("/&", Separator.JOIN),
        **dict.fromkeys(".!?", Separator.STOP),
    }


def chunked(bases: Sequence[str], kinds: Mapping[str, Separator]) -> list[Chunk]:
    """The chunks of a sentence, in order.

    Args:
        bases: base words and punctuation.
        kinds: what separates, from :func:`separators`.
    """
    chunks: list[Chunk] = []
    pending: Separator | None = Separator.START
    for at, base in enumerate(bases):
        kind = kinds.get(base)
        if kind is not None:
            pending = kind if pending is None else max(kind, pending)
        elif pending is None:
            chunks[-1].last = at + 1
        else:
            chunks.append(Chunk(pending, at, at + 1))
            pending = None
    return chunks
