"""Coordinated phrases: "right upper and lower lobes" is the right upper lobe and the right lower lobe."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ingest.mining.place import Place, joined
from ingest.mining.term import Rank, Term
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
        if (
            (word in joining or word == "/")
            and 0 < at < len(bases) - 1
            and any(base in trie for base in bases[max(0, at - _LONGEST_SHARED - 1) : at])
        ):
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
    bases: Sequence[str], trie: Trie, items: Sequence[tuple[int, int]], sides: Collection[str]
) -> Iterator[Place]:
    """Each item with the most words that it shares with the others, if that makes a phrase."""
    before, after = items[0][0], items[-1][1]
    shared = [
        (lead, tail)
        for lead in range(min(_LONGEST_SHARED, before), -1, -1)
        for tail in range(min(_LONGEST_SHARED, len(bases) - after), -1, -1)
    ]
    shared.sort(key=sum, reverse=True)
    for number, item in enumerate(items):
        for lead, tail in shared:
            # words that stand beside the item anyway are not shared
            if not ((lead and number > 0) or (tail and number + 1 < len(items))):
                continue
            if bases[before - lead if lead else item[0]] not in trie:
                continue
            spans = [(before - lead, before)] * bool(lead) + [item] + [(after, after + tail)] * bool(tail)
            parts = [base for first, last in spans for base in bases[first:last]]
            terms = _labels(trie, parts)
            if not terms:
                continue
            if lead and set(parts[:lead]) <= set(sides) and _labels(trie, parts[lead:]):
                continue  # "left adrenal and kidney": what has a name without it need not share the side
            yield from (Place(joined(spans), term) for term in terms)
            break


def _labels(trie: Trie, parts: Sequence[str]) -> list[Term]:
    return [term for term in trie.get(parts) if term.rank is not Rank.FRAGMENT]
