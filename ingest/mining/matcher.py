"""Mentions of labels in a sentence: phrases by a trie of words, then coordination, composition and sides."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.mining.compose import Composer
from ingest.mining.lexicon import Lexicon
from ingest.mining.mention import Mention, Token
from ingest.mining.place import Place
from ingest.mining.term import Rank, Term
from ingest.mining.trie import Trie


class Matcher:
    """Finds a lexicon's labels in sentences; it pickles."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._lemmas, phrases = lexicon.phrases()
        self._trie = Trie(phrases)
        self._composer = Composer(lexicon, self._trie) if lexicon.composites.organs else None

    def longest(self, texts: Sequence[str]) -> list[tuple[int, int, tuple[Term, ...]]]:
        """Longest phrases of a lexicon from left to right, without composition.

        Args:
            texts: words in lower case.

        Returns:
            First word, one past the last, and the terms.
        """
        lemmas = self._lemmas
        return self._trie.longest([lemmas[text] for text in texts])

    def mentions(self, tokens: Sequence[Token]) -> tuple[Mention, ...]:
        """What the tokens of one sentence mention, sorted."""
        lemmas = self._lemmas
        bases = [lemmas[token.text] for token in tokens]
        if self._composer is None:
            places = [Place(((start, end),), term) for start, end, terms in self._trie.longest(bases) for term in terms]
        else:
            found = self._trie.all(bases)
            if not found:
                return ()
            places = self._composer.places(bases, found)
        return self._mentions(tokens, bases, places)

    def _mentions(self, tokens: Sequence[Token], bases: Sequence[str], places: Sequence[Place]) -> tuple[Mention, ...]:
        wanted = self.lexicon.wanted
        best: dict[tuple[int, int, str], Mention] = {}
        for place in places:
            term = place.term
            if term.rank is Rank.FRAGMENT or (wanted is not None and term.label not in wanted):
                continue
            parts = tuple((tokens[first].start, tokens[last - 1].end) for first, last in place.parts)
            mention = Mention(
                parts[0][0],
                parts[-1][1],
                term.label,
                term.rule,
                term.text,
                term.scope,
                parts if len(parts) > 1 else (),
                place.nested,
            )
            best.setdefault((mention.start, mention.end, mention.label), mention)
        return tuple(sorted(best.values()))
