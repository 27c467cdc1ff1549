"""Sides across a gap: "left posterior renal cyst" is in the left kidney."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ingest.mining.chunks import Separator
from ingest.mining.composites import Composites
from ingest.mining.place import Place, inside
from ingest.mining.term import Rank

_FARTHEST = 7
"""How many words before a place its side may stand."""


class Sides:
    """Finds the side of a place.

    Args:
        composites: which labels have sides.
        words: words for a side.
        kinds: what separates.
    """

    def __init__(self, composites: Composites, words: Sequence[str], kinds: Mapping[str, Separator]) -> None:
        self._composites = composites
        self._words = frozenset(words)
        self._kinds = kinds
        self._with_sides = frozenset(label for label, _ in composites.sided)

    def found(self, bases: Sequence[str], places: Sequence[Place]) -> list[tuple[Place, int, str]]:
        """Places with a side: the place, the side's word, and the label on that side."""
        if self._words.isdisjoint(bases):
            return []
        sided = []
        for place in places:
            if place.term.label in self._with_sides and not self._in_organ(place, places):
                at = self._word(bases, place, places)
                if at is not None:
                    label = self._composites.sided.get((place.term.label, bases[at]))
                    if label is not None:
                        sided.append((place, at, label))
        return sided

    def _in_organ(self, place: Place, places: Sequence[Place]) -> bool:
        """Whether it is a part of an organ's name, so that the side is the organ's: "chest wall"."""
        return place.nested and any(
            other.term.label in self._composites.organs and inside(place, other)
            for other in places
            if not other.nested and other.term.rank is not Rank.FRAGMENT
        )

    def _word(self, bases: Sequence[str], place: Place, places: Sequence[Place]) -> int | None:
        for at in range(place.first - 1, max(-1, place.first - 1 - _FARTHEST), -1):
            if bases[at] in self._words:
                return at
            if bases[at] in self._kinds or any(self._apart(place, other) for other in places if _covers(other, at)):
                break
        behind = place.last + 1
        if behind < len(bases) and bases[behind - 1] in (",", "(") and bases[behind] in self._words:
            closed = behind + 1 == len(bases) or bases[behind + 1] in self._kinds
            return behind if closed else None
        return None

    def _apart(self, place: Place, other: Place) -> bool:
        """Whether ``other`` is an organ of which ``place`` is no part, nor the other way round."""
        mine, its = place.term.label, other.term.label
        if other.nested or its not in self._composites.organs or mine == its:
            return False
        above = self._composites.ancestors
        return its not in above.get(mine, ()) and mine not in above[its]


def _covers(place: Place, at: int) -> bool:
    return place.first <= at < place.last
