"""Words that mining often passes over, counted without keeping what may name a patient.

A word is shown only when at least :data:`LEAST_PATIENTS` patients have it in lower case: another may be a name. Memory
is bounded however many reports there are: of each word at most that many patients are remembered, and when there are
too many words the rarest are forgotten, so that counts of rare words are lower bounds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ingest.mining.known_words import FUNCTION_WORDS, REPORT_WORDS

LEAST_PATIENTS = 5
"""A word or example is shown only when so many patients have it."""

_MOST_WORDS = 50_000
_SHORTEST = 3
_PASSED_OVER = FUNCTION_WORDS | REPORT_WORDS


@dataclass(frozen=True, slots=True)
class FrequentWord:
    """A word that no label covers.

    Attributes:
        word: in lower case.
        count: how often it stands in the reports.
    """

    word: str
    count: int


@dataclass(slots=True)
class _Seen:
    count: int = 0
    patients: set[str] = field(default_factory=set)


class WordCounter:
    """Counts words and the patients that have them.

    Args:
        most: number of words that are remembered at a time.
    """

    def __init__(self, most: int = _MOST_WORDS) -> None:
        self._most = most
        self._seen: dict[str, _Seen] = {}

    def add(self, patient: str, words: Iterable[str]) -> None:
        """Count the words of one report.

        Args:
            patient: surrogate of the patient; all reports without one count as one patient's.
            words: words as they are written. Short ones, words of grammar and of every report are passed over, and so
                are words with a capital: five patients may well have the same radiologist.
        """
        for word in words:
            if len(word) < _SHORTEST or not word.islower() or word in _PASSED_OVER:
                continue
            seen = self._seen.get(word)
            if seen is None:
                seen = self._seen[word] = _Seen()
            seen.count += 1
            if len(seen.patients) < LEAST_PATIENTS:
                seen.patients.add(patient)
        if len(self._seen) > self._most:
            self._forget_rare()

    def frequent(self, limit: int = 20) -> tuple[FrequentWord, ...]:
        """The most frequent words that enough patients have, most frequent first."""
        shown = [
            FrequentWord(word, seen.count) for word, seen in self._seen.items() if len(seen.patients) >= LEAST_PATIENTS
        ]
        return tuple(sorted(shown, key=lambda word: (-word.count, word.word))[:limit])

    def __len__(self) -> int:
        return len(self._seen)

    def _forget_rare(self) -> None:
        kept = sorted(self._seen.items(), key=lambda item: (-item[1].count, item[0]))[: self._most // 2]
        self._seen = dict(kept)
