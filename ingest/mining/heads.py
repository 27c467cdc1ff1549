"""Heads and their modifiers: which region belongs to "node", which organ to "cyst".

A head takes the modifiers before it in its chunk and in the chunks coordinated with it ("mediastinal and hilar
nodes"), or those behind it in its chunk ("mass left lobe liver"). A head without any takes them from the nearest
chunk behind it that says where it is ("mass in the medial segment of the liver"), or from a chunk before it ("renal
lesion, likely a cyst"). Words such as "adjacent to" bar the way, and a place without a label of its own with this head
ends the search ("cyst in the spleen, kidneys normal").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ingest.mining.chunks import Chunk, Separator
from ingest.mining.composites import Composites
from ingest.mining.place import Place
from ingest.mining.term import Rank

_FARTHEST = 8
"""How many chunks away a head's place may be said."""

Fit = tuple[Place, str]
"""A modifier, and the label that it makes with the head."""


class Heads:
    """The heads of one sentence, and what they take."""

    def __init__(self, composites: Composites, chunks: Sequence[Chunk], places: Sequence[Place]) -> None:
        self._composites = composites
        self._chunks = chunks
        self._in_chunk: dict[int, list[Place]] = defaultdict(list)
        self._own: dict[int, int] = {}
        for place in places:
            number = self._chunk_of(place)
            self._in_chunk[number].append(place)
            self._own[id(place)] = number
        self.heads = [place for place in places if place.term.label in composites.heads]
        self._head_chunks = {self._own[id(head)] for head in self.heads}

    def modifiers(self, head: Place) -> list[Fit]:
        """The modifiers that make a label with this head."""
        own = self._own[id(head)]
        before = self._before(head, own)
        after = [place for place in self._in_chunk[own] if place.first >= head.last]
        found = self._fits(head, before) or self._fits(head, after)
        if found or any(place.term.label in self._composites.organs and not self._is_head(place) for place in before):
            return found
        behind, place_said = self._behind(head, own)
        return behind if behind or place_said else self._ahead(head, own)

    def _before(self, head: Place, own: int) -> list[Place]:
        before = [place for place in self._in_chunk[own] if place.last <= head.first]
        number = own
        while number > 0 and self._goes_on(number, own, head):
            number -= 1
            if number in self._head_chunks or not self._regions(number):
                break
            before += self._in_chunk[number]
        return before

    def _goes_on(self, number: int, own: int, head: Place) -> bool:
        """Whether the chunk before ``number`` is coordinated with it, or stands in brackets before the head."""
        separator = self._chunks[number].before
        if separator is Separator.JOIN:
            return any(place.first < head.first for place in self._regions(number))
        if separator is Separator.COMMA:
            return number != own
        return separator is Separator.PARENTHESIS and self._chunks[number].first == head.first

    def _behind(self, head: Place, own: int) -> tuple[list[Fit], bool]:
        """Modifiers of the nearest place said behind the head, and whether any place is said there."""
        said = skipping = False
        for number in range(own + 1, min(len(self._chunks), own + 1 + _FARTHEST)):
            separator = self._chunks[number].before
            if separator in (Separator.STOP, Separator.BAR):
                break
            if separator is Separator.SKIP:
                skipping = True
            elif separator in (Separator.COMMA, Separator.PARENTHESIS):
                skipping = False
            if skipping:
                continue
            if number in self._head_chunks and separator is not Separator.JOIN:
                break
            found = self._fits(head, self._in_chunk[number])
            if found:
                return found + self._with_it(head, number), True
            if number not in self._head_chunks and self._regions(number):
                said = True
                if separator is Separator.LOCATE:
                    break
        return [], said

    def _with_it(self, head: Place, number: int) -> list[Fit]:
        """Modifiers in the chunks coordinated with a chunk: "in the liver and lungs"."""
        found: list[Fit] = []
        for other in range(number + 1, len(self._chunks)):
            fits = self._fits(head, self._in_chunk[other])
            if self._chunks[other].before is not Separator.JOIN or other in self._head_chunks or not fits:
                break
            found += fits
        return found

    def _ahead(self, head: Place, own: int) -> list[Fit]:
        """Modifiers of the nearest chunk before the head that says a place."""
        for number in range(own, max(0, own - _FARTHEST), -1):
            if self._chunks[number].before in (Separator.STOP, Separator.BAR):
                break
            found = self._fits(head, self._in_chunk[number - 1])
            if found or self._regions(number - 1):
                return found
        return []

    def _fits(self, head: Place, places: Sequence[Place]) -> list[Fit]:
        made = self._composites.made
        label = head.term.label
        return [(place, made[label, place.term.label]) for place in places if (label, place.term.label) in made]

    def _regions(self, number: int) -> list[Place]:
        return [
            place
            for place in self._in_chunk[number]
            if place.term.rank is Rank.FRAGMENT
            or (place.term.label in self._composites.organs and not self._is_head(place))
        ]

    def _is_head(self, place: Place) -> bool:
        return place.term.label in self._composites.heads

    def _chunk_of(self, place: Place) -> int:
        """The chunk in which a place ends."""
        last = place.last - 1
        return next((n for n, chunk in enumerate(self._chunks) if last < chunk.last), len(self._chunks) - 1)
