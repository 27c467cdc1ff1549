"""A trie of words: every phrase that begins at a word is found by following the words after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ingest.mining.term import Term

_END = ""
"""Key of a node's terms; no word is empty."""

Found = tuple[int, int, tuple[Term, ...]]
"""First word, one past the last, and the terms."""


class Trie:
    """Phrases by their words."""

    def __init__(self, phrases: Mapping[tuple[str, ...], tuple[Term, ...]]) -> None:
        self._root: dict[str, Any] = {}
        for parts, terms in phrases.items():
            node = self._root
            for word in parts:
                node = node.setdefault(word, {})
            node[_END] = terms

    def all(self, bases: Sequence[str]) -> list[Found]:
        """Every phrase in a sequence of base words, by its first word, then its last."""
        found: list[Found] = []
        root, size = self._root, len(bases)
        for start, word in enumerate(bases):
            node = root.get(word)
            end = start
            while node is not None:
                end += 1
                if _END in node:
                    found.append((start, end, node[_END]))
                node = node.get(bases[end]) if end < size else None
        return found

    def longest(self, bases: Sequence[str]) -> list[Found]:
        """Longest phrases from left to right, none overlapping."""
        found: list[Found] = []
        root, size = self._root, len(bases)
        at = 0
        while at < size:
            node = root.get(bases[at])
            if node is None:
                at += 1
                continue
            end, best = at, None
            while node is not None:
                end += 1
                if _END in node:
                    best = (at, end, node[_END])
                node = node.get(bases[end]) if end < size else None
            if best:
                found.append(best)
            at = best[1] if best else at + 1
        return found

    def get(self, parts: Sequence[str]) -> tuple[Term, ...]:
        """The terms of exactly these words; empty for none."""
        node: Any = self._root
        for word in parts:
            node = node.get(word)
            if node is None:
                return ()
        terms: tuple[Term, ...] = node.get(_END, ())
        return terms
