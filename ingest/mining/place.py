"""A phrase found in the words of a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.mining.term import Term

Span = tuple[int, int]
"""First word, one past the last."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a term stands.

    Attributes:
        parts: word spans in order, more than one when there are gaps.
        term: what was found.
        nested: inside a longer phrase of another label.
    """

    parts: tuple[Span, ...]
    term: Term
    nested: bool = False

    @property
    def first(self) -> int:
        """First word."""
        return self.parts[0][0]

    @property
    def last(self) -> int:
        """One past the last word."""
        return self.parts[-1][1]


def joined(spans: list[Span]) -> tuple[Span, ...]:
    """Spans in order, those that touch or overlap made one."""
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def inside(inner: Place, outer: Place) -> bool:
    """Whether every word of ``inner`` is one of ``outer``, and ``outer`` has more."""
    theirs = outer.parts
    if inner.parts[0][0] < theirs[0][0] or inner.parts[-1][1] > theirs[-1][1] or inner.parts == theirs:
        return False
    return len(theirs) == 1 or all(any(a <= first and last <= b for a, b in theirs) for first, last in inner.parts)
