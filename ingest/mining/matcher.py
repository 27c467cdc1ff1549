"""Mentions of labels in a sentence: phrases by a trie of words, then coordination, composition and sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ingest.mining.compose import Composer
from ingest.mining.lexicon import Lexicon
from ingest.mining.mention import Mention, Token
from ingest.mining.place import Place
from ingest.mining.term import Rank, Term
from ingest.mining.trie import Trie

_LONGEST = 100
"""Words and punctuation marks of the longest sentence that is looked at as one."""

_STOPS = frozenset(".;,")


class Matcher:
    """Finds a lexicon's labels in sentences; it pickles."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._lemmas, phrases = lexicon.phrases()
        self._trie = Trie(phrases, self._lemmas)
        self._wanted = lexicon.wanted
        self._composer = Composer(lexicon, self._trie) if lexicon.composites.organs else None

    def longest(self, texts: Sequence[str]) -> list[tuple[int, int, tuple[Term, ...]]]:
        """Longest phrases of a lexicon from left to right, without composition.

        Args:
            texts: words in lower case.

        Returns:
            First word, one past the last, and the terms.
        """
        return self._trie.longest(texts)

    def mentions(self, tokens: Sequence[Token]) -> tuple[Mention, ...]:
        """What the tokens of one sentence mention, sorted; the same place gives a label once."""
        found: dict[tuple[int, int, str], Mention] = {}
        for piece in _pieces(tokens):
            for place in self._places([token.text for token in piece]):
                label = place.term.label
                if place.term.rank is not Rank.FRAGMENT and (self._wanted is None or label in self._wanted):
                    mention = _mention(piece, place)
                    found.setdefault((mention.start, mention.end, label), mention)
        return tuple(sorted(found.values()))

    def _places(self, texts: Sequence[str]) -> list[Place]:
        found = self._trie.all(texts) if self._composer else self._trie.longest(texts)
        if not found:
            return []
        bases = [self._lemmas[text] for text in texts]
        if self._composer:
            return self._composer.places(bases, found)
        return [Place(((start, end),), term) for start, end, terms in found for term in terms if term.meant(bases)]


def _mention(tokens: Sequence[Token], place: Place) -> Mention:
    parts = tuple((tokens[first].start, tokens[last - 1].end) for first, last in place.parts)
    term = place.term
    gaps = parts if len(parts) > 1 else ()
    return Mention(parts[0][0], parts[-1][1], term.label, term.rule, term.text, term.scope, gaps, place.nested)


def _pieces(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The sentence, or its pieces when it is too long to be one: composition looks at every pair of places."""
    start = 0
    while len(tokens) - start > _LONGEST:
        stops = [i for i in range(start + _LONGEST // 2, start + _LONGEST) if tokens[i].text in _STOPS]
        end = stops[-1] + 1 if stops else start + _LONGEST
        yield tokens[start:end]
        start = end
    yield tokens[start:]
