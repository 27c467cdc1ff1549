"""Coordinated phrases: "right upper and lower lobes" is the right upper lobe and the right lower lobe."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ingest.mining.place import Place, joined
from ingest.mining.term import Rank
from ingest.mining.trie import Trie

_LONGEST_SHARED = 3
_MOST_ITEMS = 5
_LONGEST_LAST = 2


def coordinated(bases: Sequence[str], trie: Trie, joining: Collection[str], sides: Collection[str]) -> list[Place]:
    """Phrases completed by the words that a list shares, before its first item or after its last.

    Args:
        bases: base words of a sentence.
        trie: the lexicon.
        joining: words that join the last item of a list.
        sides: words for a side.
    """
    found: list[Place] = []
    for at, word in enumerate(bases):
        if (word in joining or word == "/") and 0 < at < len(bases) - 1:
            for items in _lists(bases, at, joining):
                found += _completed(bases, trie, items, sides)
    return found


def _lists(bases: Sequence[str], at: int, joining: Collection[str]) -> Iterator[list[tuple[int, int]]]:
    """Word spans of the items of a list whose last joint is the word ``at``; single words but for the last."""
    first = at - 1
    if bases[first] == "," and first > 0:
        first -= 1
    items = [(first, first + 1)]
    while len(items) < _MOST_ITEMS and first >= 2 and bases[first - 1] == ",":
        first -= 2
        items.insert(0, (first, first + 1))
    after = at + 1
    if bases[after] in joining or bases[after] == "/":
        after += 1
    for size in range(1, _LONGEST_LAST + 1):
        if after + size <= len(bases):
            yield [*items, (after, after + size)]


def _completed(
    bases: Sequence[str], trie: Trie, items: list[tuple[int, int]], sides: Collection[str]
) -> Iterator[Place]:
    before, after = items[0][0], items[-1][1]
    for number, (first, last) in enumerate(items):
        best: tuple[int, int, Place] | None = None
        for lead in range(min(_LONGEST_SHARED, before) + 1):
            for tail in range(min(_LONGEST_SHARED, len(bases) - after) + 1):
                # shared words make it complete only when they do not stand beside the item anyway
                jumps = (lead and number > 0) or (tail and number + 1 < len(items))
                if not jumps:
                    continue
                parts = [*range(before - lead, before), *range(first, last), *range(after, after + tail)]
                terms = trie.get([bases[i] for i in parts])
                if not terms or terms[0].rank is Rank.FRAGMENT:
                    continue
                alone = trie.get(list(bases[first:last]))
                only_side = not tail and set(bases[before - lead : before]) <= set(sides)
                if only_side and any(term.rank is not Rank.FRAGMENT for term in alone):
                    continue  # "left adrenal and kidney": the side need not be shared
                spans = joined(
                    [(before - lead, before)] * bool(lead) + [(first, last)] + [(after, after + tail)] * bool(tail)
                )
                for term in terms:
                    size = lead + tail
                    if best is None or size > best[0]:
                        best = (size, lead, Place(spans, term))
        if best:
            yield best[2]
