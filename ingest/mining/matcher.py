"""Longest whole-word matches of a lexicon's phrases, by a trie of words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ingest.mining.lexicon import Lexicon, Term
from ingest.mining.mention import Mention, Token
from ingest.mining.tokens import words

_END = ""
"""Key of a node's terms; no word is empty."""


class Matcher:
    """Finds a lexicon's phrases."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._lemmas = lexicon.lemmas
        self._root: dict[str, Any] = {}
        for term in lexicon.terms:
            node = self._root
            for word in words(term.text):
                node = node.setdefault(self._lemmas[word], {})
            node.setdefault(_END, []).append(term)

    def mentions(self, tokens: Sequence[Token]) -> tuple[Mention, ...]:
        """What the tokens of one sentence mention, sorted."""
        found: set[Mention] = set()
        for start, end, terms in self._longest([token.text for token in tokens]):
            first, last = tokens[start].start, tokens[end - 1].end
            found.update(Mention(first, last, term.label, term.rule, term.text, term.scope) for term in terms)
        return tuple(sorted(found))

    def _longest(self, texts: list[str]) -> list[tuple[int, int, list[Term]]]:
        lemmas = [self._lemmas[text] for text in texts]
        matches = []
        at, size = 0, len(lemmas)
        while at < size:
            node = self._root.get(lemmas[at])
            end, terms, next_at = at, None, at + 1
            while node is not None:
                end += 1
                if _END in node:
                    terms, next_at = node[_END], end
                node = node.get(lemmas[end]) if end < size else None
            if terms:
                matches.append((at, next_at, terms))
            at = next_at
        return matches
