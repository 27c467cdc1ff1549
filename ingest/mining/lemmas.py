"""Closed-vocabulary lemmas: a form is folded only to a base that is a word of the lexicon.

"metastases" becomes "metastasis" because the lexicon has that word; "as" never becomes "a". Inflected forms that no
rule covers stand in a small table. WordNet is an optional second source of bases (:func:`wordnet_bases`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from kg.errors import UsageError

_IRREGULAR = {
    "appendices": "appendix",
    "children": "child",
    "corpora": "corpus",
    "data": "datum",
    "feet": "foot",
    "femora": "femur",
    "genera": "genus",
    "halves": "half",
    "leaves": "leaf",
    "men": "man",
    "meninges": "meninx",
    "teeth": "tooth",
    "viscera": "viscus",
    "women": "woman",
}

# plural or adverbial ending -> endings of the base, the likelier first
_ENDINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("'s", ("",)),
    ("ically", ("ic", "ical")),
    ("ally", ("al",)),
    ("bly", ("ble",)),
    ("ily", ("y",)),
    ("ly", ("", "le")),
    ("ies", ("y",)),
    ("ices", ("ex", "ix")),
    ("nges", ("nx",)),
    ("ves", ("f", "fe")),
    ("mata", ("ma",)),
    ("nes", ("n", "ne")),
    ("es", ("", "is", "e")),
    ("ae", ("a",)),
    ("i", ("us",)),
    ("a", ("um", "on")),
    ("s", ("",)),
)
_SHORTEST_BASE = 3
_MOST_KEPT = 100_000

Bases = Callable[[str], Iterable[str]]


def inflection_bases(word: str) -> Iterator[str]:
    """What ``word`` may be a plural, possessive or adverb of; most of it are no words at all."""
    if word in _IRREGULAR:
        yield _IRREGULAR[word]
    if word.endswith("ss"):
        return
    for ending, endings in _ENDINGS:
        if word.endswith(ending):
            stem = word[: -len(ending)]
            yield from (stem + other for other in endings if len(stem + other) >= _SHORTEST_BASE)


def wordnet_bases(word: str) -> Iterator[str]:
    """Bases by inflection, then those WordNet knows.

    Raises:
        UsageError: NLTK's WordNet corpus is not installed here; it is never downloaded.
    """
    from nltk.corpus import wordnet

    yield from inflection_bases(word)
    try:
        yield from (base for kind in "nars" if (base := wordnet.morphy(word, kind)))
    except LookupError as error:
        raise UsageError(
            "WordNet: NLTK has no copy of it here; install the corpus, or leave lemmas to the lexicon's own rules"
        ) from error


class Lemmas(dict[str, str]):
    """Each word's base: ``lemmas["nodes"]`` is "node" when the lexicon has that word, else "nodes".

    It remembers what it was asked, within bounds.
    """

    def __init__(self, vocabulary: frozenset[str], bases: Bases = inflection_bases) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self._bases = bases

    def __missing__(self, word: str) -> str:
        base = next((base for base in self._bases(word) if base in self.vocabulary), word)
        if len(self) >= _MOST_KEPT:
            self.clear()
        self[word] = base
        return base

    def __reduce__(self) -> tuple[type[Lemmas], tuple[frozenset[str], Bases]]:
        return Lemmas, (self.vocabulary, self._bases)
