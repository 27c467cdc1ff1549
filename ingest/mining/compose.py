"""From phrases to labels: coordination, what stands inside what, heads with their modifiers, and sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ingest.mining.chunks import Separator, chunked, separators
from ingest.mining.coordination import coordinated
from ingest.mining.heads import Heads
from ingest.mining.lexicon import Lexicon
from ingest.mining.mention import BOOKMARK_WORD
from ingest.mining.place import Place, inside, joined
from ingest.mining.sides import Sides
from ingest.mining.term import STRENGTH, Rank, Term
from ingest.mining.trie import Found, Trie
from ingest.mining.word_data import shipped_words


class Composer:
    """Turns the phrases found in a sentence into places of labels."""

    def __init__(self, lexicon: Lexicon, trie: Trie) -> None:
        self._trie = trie
        self._names = lexicon.names
        self._composites = lexicon.composites
        self._words = shipped_words()
        self._kinds = {**separators(self._words), BOOKMARK_WORD: Separator.BAR}
        self._sides = Sides(lexicon.composites, self._words.sides, self._kinds)

    def places(self, bases: Sequence[str], found: Sequence[Found]) -> list[Place]:
        """All labels and fragments of a sentence.

        Args:
            bases: base words.
            found: every phrase in them.
        """
        literal = [Place(((start, end),), term) for start, end, terms in found for term in terms]
        literal += coordinated(bases, self._trie, self._words.joining, self._words.sides)
        places = self._nesting([place for place in literal if place.term.meant(bases)])
        places += self._composed(bases, places)
        return places + self._sided(bases, places)

    def _nesting(self, literal: Sequence[Place]) -> list[Place]:
        """The longest phrases, and inside them what does not change its meaning there."""
        fragments = [place for place in literal if place.term.rank is Rank.FRAGMENT]
        phrases = [place for place in literal if place.term.rank is not Rank.FRAGMENT]
        longest = [place for place in phrases if not any(inside(place, other) for other in phrases)]
        nested = []
        for place in phrases:
            around = [other for other in longest if inside(place, other)]
            if around and all(self._stays(place.term.label, other.term.label) for other in around):
                nested.append(replace(place, nested=True))
        return [*longest, *(place for place in nested if not _within_its_own(place, nested)), *fragments]

    def _stays(self, inner: str, outer: str) -> bool:
        """Whether a phrase of ``inner`` means that label inside a phrase of ``outer`` too.

        It does when ``outer`` implies it, or when it is a finding or an attribute beside one ("lobulated mass"), or one
        of the same organ ("hilar adenopathy" stands for nodes, and adenopathy is of nodes). "Pelvis" in "renal
        pelvis" and "calcified" in "not calcified" do not.
        """
        if inner == outer or (inner, outer) in self._composites.excluded:
            return False
        organs, above = self._composites.organs, self._composites.ancestors
        if inner in above[outer]:
            return True
        return inner not in organs and (outer not in organs or not above[inner].isdisjoint({outer, *above[outer]}))

    def _composed(self, bases: Sequence[str], places: Sequence[Place]) -> list[Place]:
        if not any(place.term.label in self._composites.heads for place in places):
            return []
        sentence = Heads(self._composites, chunked(bases, self._kinds), places)
        made = []
        for head in sentence.heads:
            for modifier, label in sentence.modifiers(head):
                scope = max(modifier.term.scope, head.term.scope, key=STRENGTH.__getitem__)
                term = Term(self._names[label], label, "composition", scope)
                made.append(Place(joined([*modifier.parts, *head.parts]), term))
        return _new(made, places)

    def _sided(self, bases: Sequence[str], places: Sequence[Place]) -> list[Place]:
        made = [
            Place(joined([(at, at + 1), *place.parts]), Term(self._names[label], label, "side", place.term.scope))
            for place, at, label in self._sides.found(bases, places)
        ]
        return _new(made, places)


def _within_its_own(place: Place, places: Sequence[Place]) -> bool:
    """Whether a place of the same label stands around it."""
    return any(inside(place, other) and other.term.label == place.term.label for other in places)


def _new(made: Sequence[Place], places: Sequence[Place]) -> list[Place]:
    """Of the places made those whose label was not found there already, each label where it is shortest."""
    if not made:
        return []
    distinct = list({(place.parts, place.term.label): place for place in made}.values())
    return [
        place
        for place in distinct
        if not any(_alike(place, other) for other in places) and not any(_shorter(other, place) for other in distinct)
    ]


def _alike(a: Place, b: Place) -> bool:
    return a.term.label == b.term.label and (a.parts == b.parts or inside(a, b) or inside(b, a))


def _shorter(a: Place, b: Place) -> bool:
    return a.term.label == b.term.label and inside(a, b)
