"""A trie of words: every phrase that begins at a word is found by following the words after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ingest.mining.lemmas import Lemmas
from ingest.mining.term import Term

_END = ""
"""Key of a node's terms; no word is empty."""

_MOST_KEPT = 100_000

Node = dict[str, Any]
Found = tuple[int, int, tuple[Term, ...]]
"""First word, one past the last, and the terms."""


class _Starts(dict[str, Node | None]):
    """For each word as it is written the node that its base leads to from the root; remembers, within bounds."""

    def __init__(self, root: Node, lemmas: Lemmas) -> None:
        super().__init__()
        self._root = root
        self._lemmas = lemmas

    def __missing__(self, word: str) -> Node | None:
        if len(self) >= _MOST_KEPT:
            self.clear()
        node: Node | None = self._root.get(self._lemmas[word])
        self[word] = node
        return node


class Trie:
    """Phrases by their words.

    Args:
        phrases: terms by their base words.
        lemmas: the base of each word of a text.
    """

    def __init__(self, phrases: Mapping[tuple[str, ...], tuple[Term, ...]], lemmas: Lemmas) -> None:
        self._lemmas = lemmas
        self._root: Node = {}
        for parts, terms in phrases.items():
            node = self._root
            for word in parts:
                node = node.setdefault(word, {})
            node[_END] = terms
        self._starts = _Starts(self._root, lemmas)

    def __getstate__(self) -> tuple[Node, Lemmas]:
        return self._root, self._lemmas

    def __setstate__(self, state: tuple[Node, Lemmas]) -> None:
        self._root, self._lemmas = state
        self._starts = _Starts(self._root, self._lemmas)

    def all(self, texts: Sequence[str]) -> list[Found]:
        """Every phrase in a sequence of words, by its first word, then its last."""
        found: list[Found] = []
        lemmas, size = self._lemmas, len(texts)
        for start, node in enumerate(map(self._starts.__getitem__, texts)):
            end = start
            while node is not None:
                end += 1
                if _END in node:
                    found.append((start, end, node[_END]))
                node = node.get(lemmas[texts[end]]) if end < size else None
        return found

    def longest(self, texts: Sequence[str]) -> list[Found]:
        """Longest phrases from left to right, none overlapping."""
        found: list[Found] = []
        lemmas, size = self._lemmas, len(texts)
        free = 0
        for start, node in enumerate(map(self._starts.__getitem__, texts)):
            if node is None or start < free:
                continue
            end = start
            while node is not None:
                end += 1
                if _END in node:
                    free, terms = end, node[_END]
                node = node.get(lemmas[texts[end]]) if end < size else None
            if free > start:
                found.append((start, free, terms))
        return found

    def __contains__(self, base: str) -> bool:
        """Whether a phrase begins with this base word."""
        return base in self._root

    def get(self, bases: Sequence[str]) -> tuple[Term, ...]:
        """The terms of exactly these base words; empty for none."""
        node: Any = self._root
        for word in bases:
            node = node.get(word)
            if node is None:
                return ()
        terms: tuple[Term, ...] = node.get(_END, ())
        return terms
