"""From phrases to labels: what stands inside what, heads with their modifiers, and sides across a gap.

A sentence is read as a row of chunks, parted by punctuation and by closed classes of words. A head ("node", "cyst",
"mass") takes the modifiers before it in its chunk and in the chunks coordinated with it ("mediastinal and hilar
nodes"), or those behind it in its chunk ("mass left lobe liver"); failing that, those of the nearest chunk behind it
that says where it is ("mass in the medial segment of the liver"), or of a chunk before it ("renal lesion, likely
a cyst"). Words such as "adjacent to" bar the way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ingest.mining.coordination import coordinated
from ingest.mining.lexicon import Lexicon
from ingest.mining.place import Place, joined
from ingest.mining.term import STRENGTH, Rank, Term
from ingest.mining.trie import Found, Trie
from ingest.mining.word_data import shipped_words
from kg.ontology import SynonymScope

_STOPS = frozenset(".!?")
_COMMAS = frozenset(",;:()[]/&")
_FARTHEST_SIDE = 7
_MOST_CHUNKS = 8


@dataclass(slots=True)
class _Chunk:
    """Words between two separators.

    Attributes:
        before: kind of the separator before it: "", "stop", "comma", "paren", "join", "locate", "skip" or "bar".
        first: first word.
        last: one past the last.
    """

    before: str
    first: int
    last: int


class Composer:
    """Turns the phrases found in a sentence into places of labels."""

    def __init__(self, lexicon: Lexicon, trie: Trie) -> None:
        self._trie = trie
        self._names = lexicon.names
        self._composites = lexicon.composites
        data = shipped_words()
        self._sides = frozenset(data.sides)
        self._joining = data.joining
        self._kinds = {
            **dict.fromkeys(data.joining, "join"),
            **dict.fromkeys(data.locating, "locate"),
            **dict.fromkeys(data.skipped, "skip"),
            **dict.fromkeys(data.barred, "bar"),
            **dict.fromkeys(_COMMAS, "comma"),
            "(": "paren",
            ")": "paren",
            "/": "join",
            **dict.fromkeys(_STOPS, "stop"),
        }

    def places(self, bases: Sequence[str], found: Sequence[Found]) -> list[Place]:
        """All labels and fragments of a sentence.

        Args:
            bases: base words.
            found: every phrase in them.
        """
        literal = [Place(((start, end),), term) for start, end, terms in found for term in terms if _meant(term, bases)]
        literal += coordinated(bases, self._trie, self._joining, self._sides)
        places = self._nesting(literal)
        places += self._composed(bases, places)
        places += self._sided(bases, places)
        return places

    def _nesting(self, literal: Sequence[Place]) -> list[Place]:
        """Longest phrases; inside them only what the longer one implies, or a finding or attribute beside it."""
        longest = [
            place
            for place in literal
            if place.term.rank is not Rank.FRAGMENT
            and not any(
                _inside(place, other) and other.term.rank is not Rank.FRAGMENT
                for other in literal
                if other is not place
            )
        ]
        kept = list(longest)
        for place in literal:
            outer = [other for other in longest if _inside(place, other)]
            if place.term.rank is Rank.FRAGMENT:
                kept.append(place)
            elif outer and all(self._implied(place.term.label, other.term.label) for other in outer):
                kept.append(replace(place, nested=True))
        return _widest(kept)

    def _implied(self, inner: str, outer: str) -> bool:
        if inner == outer or (inner, outer) in self._composites.excluded:
            return False
        organs, above = self._composites.organs, self._composites.ancestors
        if inner in above[outer]:
            return True
        return inner not in organs and (outer not in organs or not above[inner].isdisjoint({outer, *above[outer]}))

    def _composed(self, bases: Sequence[str], places: Sequence[Place]) -> list[Place]:
        heads = [place for place in places if place.term.label in self._composites.heads]
        if not heads:
            return []
        chunks = self._chunks(bases)
        in_chunk: dict[int, list[Place]] = defaultdict(list)
        for place in places:
            in_chunk[_chunk_of(chunks, place)].append(place)
        head_chunks = {_chunk_of(chunks, head) for head in heads}
        made = []
        for head in heads:
            for modifier, label in self._modifiers(head, chunks, in_chunk, head_chunks):
                spans = joined([*modifier.parts, *head.parts])
                term = Term(self._names[label], label, "composition", _weaker(modifier, head))
                made.append(Place(spans, term))
        return [place for place in _narrowest(made) if not any(_same(other, place) for other in places)]

    def _modifiers(
        self, head: Place, chunks: Sequence[_Chunk], in_chunk: dict[int, list[Place]], head_chunks: set[int]
    ) -> list[tuple[Place, str]]:
        made = self._composites.made
        organs = self._composites.organs

        def fit(candidates: Sequence[Place]) -> list[tuple[Place, str]]:
            return [
                (place, made[head.term.label, place.term.label])
                for place in candidates
                if (head.term.label, place.term.label) in made
            ]

        def regions(number: int) -> list[Place]:
            return [
                place
                for place in in_chunk[number]
                if place.term.label in organs
                and not (place.term.label in self._composites.heads)
                or place.term.rank is Rank.FRAGMENT
            ]

        own = _chunk_of(chunks, head)
        here = [p for p in in_chunk[own] if p.last <= head.first or p.first >= head.last or _inside(p, head)]
        before = [p for p in here if p.last <= head.first]
        number = own
        while number > 0 and (
            (chunks[number].before == "join" and [p for p in regions(number) if p.first < head.first])
            or (chunks[number].before == "comma" and number != own)
            or (chunks[number].before == "paren" and chunks[number].first == head.first)
        ):
            number -= 1
            if number in head_chunks or not regions(number):
                break
            before += in_chunk[number]
        found = fit(before)
        if found:
            return found
        found = fit([p for p in here if p.first >= head.last])
        if found:
            return found
        if any(p.term.label in organs for p in before if p.term.label not in self._composites.heads):
            return []
        # behind: where it is
        skipping = False
        seen = False
        for number in range(own + 1, min(len(chunks), own + 1 + _MOST_CHUNKS)):
            kind = chunks[number].before
            if kind in ("stop", "bar"):
                break
            if kind == "skip":
                skipping = True
            elif kind in ("comma", "paren"):
                skipping = False
            if skipping:
                continue
            if number in head_chunks:
                if kind == "join":
                    found = fit(in_chunk[number])
                    if found:
                        return found
                    continue
                break
            found = fit(in_chunk[number])
            if found:
                return found
            if regions(number):
                seen = True
                if kind == "locate":
                    break
        if seen:
            return []
        for number in range(own, max(0, own - _MOST_CHUNKS), -1):
            if chunks[number].before in ("stop", "bar"):
                break
            found = fit(in_chunk[number - 1])
            if found:
                return found
            if regions(number - 1):
                break
        return []

    def _sided(self, bases: Sequence[str], places: Sequence[Place]) -> list[Place]:
        sides = [i for i, base in enumerate(bases) if base in self._sides]
        if not sides:
            return []
        sided = self._composites.sided
        made = []
        for place in places:
            label = place.term.label
            if not any((label, side) in sided for side in self._sides):
                continue
            if place.nested and any(
                _inside(place, other) and other.term.label in self._composites.organs
                for other in places
                if other is not place and not other.nested and other.term.rank is not Rank.FRAGMENT
            ):
                continue
            at = self._side_of(bases, place, places)
            if at is None:
                continue
            result = sided[label, bases[at]]
            term = Term(self._names[result], result, "side", place.term.scope)
            made.append(Place(joined([(at, at + 1), *place.parts]), term))
        return [place for place in _narrowest(made) if not any(_same(other, place) for other in places)]

    def _side_of(self, bases: Sequence[str], place: Place, places: Sequence[Place]) -> int | None:
        label = place.term.label
        above = self._composites.ancestors
        for at in range(place.first - 1, max(-1, place.first - 1 - _FARTHEST_SIDE), -1):
            if bases[at] in self._sides:
                return at if (label, bases[at]) in self._composites.sided else None
            if bases[at] in self._kinds:
                return None
            for other in places:
                if other.first <= at < other.last and other.term.label in self._composites.organs and not other.nested:
                    if label.startswith("~") or not (
                        other.term.label in above[label]
                        or label in above[other.term.label]
                        or label == other.term.label
                    ):
                        return None
        after = place.last
        if after + 1 < len(bases) and bases[after] in (",", "(") and bases[after + 1] in self._sides:
            if after + 2 == len(bases) or bases[after + 2] in self._kinds:
                return after + 1 if (label, bases[after + 1]) in self._composites.sided else None
        return None

    def _chunks(self, bases: Sequence[str]) -> list[_Chunk]:
        chunks: list[_Chunk] = []
        kind, start = "", 0
        pending = ""
        for i, base in enumerate(bases):
            separator = self._kinds.get(base)
            if separator is None:
                if pending or i == 0:
                    kind, start, pending = pending, i, ""
                    chunks.append(_Chunk(kind, start, i + 1))
                chunks[-1].last = i + 1
            elif _WEIGHT[separator] >= _WEIGHT.get(pending, -1):
                pending = separator
        return chunks or [_Chunk("", 0, len(bases))]


_WEIGHT = {"": -1, "paren": 0, "comma": 1, "join": 2, "locate": 3, "skip": 4, "bar": 5, "stop": 6}


def _chunk_of(chunks: Sequence[_Chunk], place: Place) -> int:
    last = place.last - 1
    for number, chunk in enumerate(chunks):
        if last < chunk.last:
            return number
    return len(chunks) - 1


def _inside(inner: Place, outer: Place) -> bool:
    """Whether every word of ``inner`` is one of ``outer`` and ``outer`` has more."""
    return inner.parts != outer.parts and all(
        any(a <= first and last <= b for a, b in outer.parts) for first, last in inner.parts
    )


def _widest(places: Sequence[Place]) -> list[Place]:
    """Without a nested place inside another of its label."""
    return [
        place
        for place in places
        if not place.nested
        or not any(_inside(place, other) and other.term.label == place.term.label for other in places)
    ]


def _narrowest(places: Sequence[Place]) -> list[Place]:
    """Of places of one label inside each other, or alike, the innermost, once."""
    kept = {(place.parts, place.term.label): place for place in places}.values()
    return [
        place
        for place in kept
        if not any(_inside(other, place) and other.term.label == place.term.label for other in kept)
    ]


def _same(a: Place, b: Place) -> bool:
    """Whether ``a`` has the label of ``b`` at the same words, or inside or around them."""
    return a.term.label == b.term.label and (a.parts == b.parts or _inside(a, b) or _inside(b, a))


def _meant(term: Term, bases: Sequence[str]) -> bool:
    return not term.unless or not any(word in bases for word in term.unless)


def _weaker(a: Place, b: Place) -> SynonymScope:
    """The scope of what two places make together."""
    return max(a.term.scope, b.term.scope, key=STRENGTH.__getitem__)
