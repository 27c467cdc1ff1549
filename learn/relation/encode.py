"""From a sentence to numbers: one row of words and distances for each (mention, bookmark) pair.

The words of a label are replaced by its class, so that nothing is learned of a label that does not hold for any other
of its class; the mention asked about, and the bookmark asked about, have marks of their own. Numbers are all alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ingest.mining.mention import BOOKMARK_WORD, Mention, MinedSentence

PAD, UNKNOWN = 0, 1
CLASSES = ("bodypart", "type", "attribute", "label")
"""Classes of labels; the last stands for a label that the model does not know."""
_TARGET_BOOKMARK = "<this bookmark>"
_OTHER_BOOKMARK = "<a bookmark>"
_NUMBER = "<number>"
_MARKS = (
    "<padding>",
    "<unknown>",
    _TARGET_BOOKMARK,
    _OTHER_BOOKMARK,
    _NUMBER,
    *(f"<this {name}>" for name in CLASSES),
    *(f"<a {name}>" for name in CLASSES),
)
THIS_LABEL, A_LABEL = (_MARKS.index(f"<{which} {CLASSES[0]}>") for which in ("this", "a"))
"""Numbers of the first mark of a label asked about, and of another label; one for each class follows."""
_EDGES = np.array([1, 2, 3, 4, 5, 6, 7, 9, 12, 17, 25])
NOWHERE = 2 * len(_EDGES) + 1
"""Distance to a bookmark where there is none."""
PLACES = NOWHERE + 1
"""Number of distances that are told apart."""
WINDOW = 40
"""Words farther than this from both the mention and the bookmark are not looked at."""


@dataclass(frozen=True)
class Vocabulary:
    """Words that the network knows.

    Attributes:
        words: the special ones first; the place of a word is its number.
        label_classes: class of each known label id.
    """

    words: tuple[str, ...]
    label_classes: Mapping[str, str]

    @classmethod
    def of(cls, sentences: Iterable[MinedSentence], label_classes: Mapping[str, str], rare: int) -> Vocabulary:
        """Words that stand at least ``rare`` times outside of mentions."""
        count: Counter[str] = Counter()
        for sentence in sentences:
            count.update(word for word in _Units(sentence).words if isinstance(word, str))
        known = sorted(word for word, n in count.items() if n >= rare and word not in _MARKS)
        return cls((*_MARKS, *known), label_classes)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_number", {word: number for number, word in enumerate(self.words)})

    def number(self, word: str) -> int:
        """The word's number, that of the unknown word otherwise."""
        number: dict[str, int] = self._number  # type: ignore[attr-defined]
        return number.get(word, UNKNOWN)

    def label_class(self, label: str) -> str:
        """Class of a label."""
        return self.label_classes.get(label, CLASSES[-1])


@dataclass(frozen=True, slots=True)
class Pair:
    """A mention and a bookmark as the network reads them, T words long.

    Attributes:
        words: numbers of words, shape (T,).
        to_mention: distance to the mention, shape (T,), 0 to PLACES - 1.
        to_bookmark: likewise; NOWHERE all along without a bookmark.
        mention: place of the mention in the row.
        bookmark: place of the bookmark, -1 without one.
    """

    words: np.ndarray
    to_mention: np.ndarray
    to_bookmark: np.ndarray
    mention: int
    bookmark: int


def encode(sentence: MinedSentence, vocabulary: Vocabulary, masked: bool = False) -> dict[tuple[int, int | None], Pair]:
    """Every (mention, bookmark) pair of a sentence, or (mention, None) where there is no bookmark.

    Args:
        sentence: the sentence.
        vocabulary: of the network.
        masked: do not show which bookmark is meant.
    """
    units = _Units(sentence)
    other = {name: vocabulary.number(f"<a {name}>") for name in CLASSES}
    base = np.array(
        [
            vocabulary.number(word) if isinstance(word, str) else other[vocabulary.label_class(word.label)]
            for word in units.words
        ],
        np.int64,
    )
    place = np.arange(len(base))
    pairs: dict[tuple[int, int | None], Pair] = {}
    for index, mention in enumerate(sentence.mentions):
        at = units.of_mention[index]
        words = base.copy()
        words[at] = vocabulary.number(f"<this {vocabulary.label_class(mention.label)}>")
        middle = at[-1]
        for number in range(len(sentence.bookmarks)) or (None,):
            mark = None if number is None else units.of_bookmark[number]
            near = np.abs(place - middle) <= WINDOW
            if mark is not None and not masked:
                near |= np.abs(place - mark) <= WINDOW
            kept = place[near]
            row = words[kept]
            beside, behind = np.full(len(kept), NOWHERE), -1
            if mark is not None and not masked:
                behind = int(np.searchsorted(kept, mark))
                row[behind] = vocabulary.number(_TARGET_BOOKMARK)
                beside = _distance(kept - mark)
            pairs[index, number] = Pair(
                row, _distance(kept - middle), beside, int(np.searchsorted(kept, middle)), behind
            )
    return pairs


def _distance(offset: np.ndarray) -> np.ndarray:
    """Signed distances in words as numbers from 0 to NOWHERE - 1: exact when near, coarser when far."""
    coarse = np.sign(offset) * np.searchsorted(_EDGES, np.abs(offset), side="right")
    return np.asarray(len(_EDGES) + coarse)


class _Units:
    """A sentence's words, with each run of words that mentions cover as one unit: its longest mention stands for it."""

    def __init__(self, sentence: MinedSentence) -> None:
        self.words: list[str | Mention] = []
        self.of_mention: list[list[int]] = [[] for _ in sentence.mentions]
        self.of_bookmark: list[int] = []
        runs = _runs(sentence.mentions)[::-1]
        for token in sentence.tokens:
            while runs and runs[-1].end <= token.start:
                self._close(runs.pop(), sentence.mentions)
            if token.text == BOOKMARK_WORD:
                self.of_bookmark.append(len(self.words))
                self.words.append(_OTHER_BOOKMARK)
            elif not (runs and runs[-1].start < token.end):
                self.words.append(_NUMBER if token.text[0].isdigit() else token.text)
        while runs:
            self._close(runs.pop(), sentence.mentions)

    def _close(self, run: _Run, mentions: Sequence[Mention]) -> None:
        for index in run.mentions:
            self.of_mention[index].append(len(self.words))
        self.words.append(max((mentions[index] for index in run.mentions), key=lambda m: m.end - m.start))


@dataclass(slots=True)
class _Run:
    start: int
    end: int
    mentions: list[int]


def _runs(mentions: Sequence[Mention]) -> list[_Run]:
    """Characters covered by mentions, overlapping ones together, in the order of the text."""
    runs: list[_Run] = []
    for (start, end), index in sorted(((s, i) for i, m in enumerate(mentions) for s in m.parts or ((m.start, m.end),))):
        if runs and start < runs[-1].end:
            runs[-1].end = max(runs[-1].end, end)
            runs[-1].mentions.append(index)
        else:
            runs.append(_Run(start, end, [index]))
    return runs
