"""Made (synthetic) report sentences with known relevance: templates filled with real label sets.

A sentence has one to three bookmarks, rarely none. Every draw comes from the seed.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, replace

from ingest.mining.mention import Relevance
from learn.relation.annotations import AnnotatedSentence, annotated
from learn.relation.label_draws import LabelDraws, LesionLabels
from learn.relation.templates import Choice, Draw, Family, Part, Slot, Template, Templates, Use, Words

SOURCE = "synthetic"

_MOST_BOOKMARKS = 3
_SECOND_CLAUSE = 0.3
_NO_BOOKMARK = 0.1
_LOST_WORD = 0.05
_FILLER = 0.04
_MISSED_LABEL = 0.04
"""Share of labels that matching misses: their words stand there like any other words."""
_LOWER_CASE = 0.3
_NO_FULL_STOP = 0.3
_UNRELATED = {"part": 1.0, "type": 0.8, "attrs": 0.5}
"""Shares of labels in what is about no bookmark."""
_CLOSING = re.compile(r"^[.,;:)]")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run of words, a mention, or a bookmark."""

    text: str
    label: str = ""
    lesions: frozenset[str] = frozenset()
    uncertain: bool = False
    bookmark: str = ""


@dataclass
class _Lesion:
    """Labels of one lesion (or of several that share them) that are still to be said."""

    part: list[str]
    type: list[str]
    attrs: list[str]

    @classmethod
    def of(cls, labels: LesionLabels) -> _Lesion:
        return cls(list(labels.part), list(labels.type), list(labels.attrs))


@dataclass
class _Sentence:
    """A sentence in the making."""

    pieces: list[_Piece] = field(default_factory=list)
    held_out_cues: int = 0


class Grammar:
    """Makes sentences.

    Args:
        templates: of the grammar.
        draws: where labels come from.
        use: the use of the families; the second clause of a sentence may be of a training family.
        plain: share of plain sentences: one clause of the first training family, about one lesion.
        held_out_cues: draw held-out cue phrases, and only sentences that hold one.
        seed: of all draws.
    """

    def __init__(
        self,
        templates: Templates,
        draws: LabelDraws,
        use: Use,
        plain: float = 0.0,
        held_out_cues: bool = False,
        seed: int = 0,
    ) -> None:
        self._templates = templates
        self._draws = draws
        self._families = templates.of_use(use)
        self._joined = templates.of_use(Use.TRAIN)
        self._plain = plain
        self._held_out_cues = held_out_cues
        self._random = random.Random(f"{seed} {use} {held_out_cues}")

    def sentences(self, count: int) -> list[AnnotatedSentence]:
        """The next ``count`` sentences."""
        return [self._sentence() for _ in range(count)]

    def _sentence(self) -> AnnotatedSentence:
        while True:
            made = _Sentence()
            plain = self._random.random() < self._plain
            first = self._joined[0] if plain else self._family(self._families)
            alone = first.alone if self._random.random() < _NO_BOOKMARK else None
            template = self._random.choice(first.templates)
            clauses = [template]
            if not (alone or plain) and self._random.random() < _SECOND_CLAUSE:
                clauses.append(self._random.choice(self._family(self._joined).templates))
            if sum(map(_marks, clauses)) > _MOST_BOOKMARKS:
                clauses = clauses[:1]
            if len(clauses) == 2 and self._random.random() < 0.5:
                clauses.reverse()
            for number, clause in enumerate(clauses):
                if number:
                    made.pieces.append(_Piece(self._word("join")))
                self._clause(clause, str(number), made)
            if any(piece.label for piece in made.pieces) and (made.held_out_cues or not self._held_out_cues):
                return self._assemble(made.pieces, first.name, alone)

    def _family(self, families: tuple[Family, ...]) -> Family:
        return self._random.choices(families, [family.weight for family in families])[0]

    def _clause(self, template: Template, number: str, made: _Sentence) -> None:
        lesions: dict[str, _Lesion] = {}
        for part in template:
            self._part(part, number, lesions, made)
            if self._random.random() < _FILLER:
                made.pieces.append(_Piece(self._word("filler")))

    def _part(self, part: Part, number: str, lesions: dict[str, _Lesion], made: _Sentence) -> None:
        if isinstance(part, Words):
            made.pieces.extend(
                _Piece(word) for word in part.text.split() if not word.isalpha() or self._random.random() > _LOST_WORD
            )
        elif isinstance(part, Choice):
            made.pieces.append(_Piece(self._random.choice(part.options)))
        elif isinstance(part, Draw):
            made.pieces.append(_Piece(self._phrase(part.name, made)))
        elif part.what == "@":
            made.pieces.append(_Piece(self._bookmark(), bookmark=number + part.lesions))
        elif part.uncertain:
            label = self._draws.label(Relevance.UNCERTAIN, part.what, self._random)
            self._labels([label], part, number, made)
        elif part.what == "np":
            self._noun_phrase(part, number, self._lesion(part, lesions), made)
        else:
            self._labels(self._take(part, part.what, self._lesion(part, lesions)), part, number, made)

    def _noun_phrase(self, slot: Slot, number: str, lesion: _Lesion, made: _Sentence) -> None:
        # A phrase that ends in its attributes needs some.
        fitting = [p for p in self._templates.phrases if lesion.attrs or p[-1] != Slot("", "attrs")]
        for part in self._random.choice(fitting):
            if isinstance(part, Slot):
                self._labels(self._take(slot, part.what, lesion), replace(slot, what=part.what), number, made)
            else:
                self._part(part, number, {}, made)

    def _take(self, slot: Slot, what: str, lesion: _Lesion) -> list[str]:
        """Labels of a lesion that are still to be said; a body part there always is."""
        left: list[str] = getattr(lesion, what)
        taken = left[:1] if what == "type" else left[:]
        del left[: len(taken)]
        if not taken and what == "part":
            relevance = Relevance.RELEVANT if slot.lesions else Relevance.IRRELEVANT
            taken = [self._draws.label(relevance, what, self._random)]
        return taken

    def _labels(self, labels: list[str], slot: Slot, number: str, made: _Sentence) -> None:
        about = frozenset(number + letter for letter in slot.lesions)
        for place, label in enumerate(labels):
            if place and slot.what == "part":
                made.pieces.append(_Piece(self._random.choice(["", ",", "of the", "and"])))
            text = self._draws.surface(label, self._random)
            missed = self._random.random() < _MISSED_LABEL
            made.pieces.append(_Piece(text) if missed else _Piece(text, label, about, slot.uncertain))
        if not labels and slot.what == "type":
            made.pieces.append(_Piece(self._word("thing")))

    def _lesion(self, slot: Slot, lesions: dict[str, _Lesion]) -> _Lesion:
        """The lesion of a slot; what is about no bookmark is something new each time."""
        if slot.lesions:
            return lesions.setdefault(slot.lesions, _Lesion.of(self._draws.lesion(self._random)))
        chosen = {
            what: [self._draws.label(Relevance.IRRELEVANT, what, self._random)] if self._random.random() < share else []
            for what, share in _UNRELATED.items()
        }
        return _Lesion(**chosen)

    def _phrase(self, name: str, made: _Sentence) -> str:
        cues = self._templates.cues.get(name)
        if cues is None:
            return self._word(name)
        made.held_out_cues += self._held_out_cues
        return self._random.choice(cues.held_out if self._held_out_cues else cues.seen)

    def _word(self, name: str) -> str:
        return self._random.choice(self._templates.words[name])

    def _bookmark(self) -> str:
        number = self._random.randint
        size = f"({number(4, 60) / 10} cm x {number(4, 50) / 10} cm)"
        reference = f"(series {number(2, 9)}, image {number(3, 180)})"
        return self._random.choice(
            [
                "BOOKMARK",
                f"BOOKMARK {size} {reference}",
                f"{size} {reference}",
                reference,
                f"({number(2, 9)}:{number(3, 99)})",
            ]
        )

    def _assemble(self, pieces: list[_Piece], family: str, alone: Relevance | None) -> AnnotatedSentence:
        """Join the pieces, and say which label is what for which bookmark.

        Args:
            pieces: in order.
            family: of the sentence.
            alone: leave the bookmarks out; labels about none of them are then this.
        """
        text = ""
        mentions: list[tuple[str, int, int]] = []
        spoken: list[_Piece] = []
        bookmarks: list[tuple[int, int]] = []
        lesions: list[str] = []
        lower = self._random.random() < _LOWER_CASE
        for piece in pieces:
            if not piece.text or (alone and piece.bookmark):
                continue
            glue = "" if not text or text.endswith("(") or _CLOSING.match(piece.text) else " "
            word = piece.text.lower() if lower and not piece.bookmark else piece.text
            start = len(text) + len(glue)
            text += glue + (word if text else word[0].upper() + word[1:])
            if piece.label:
                mentions.append((piece.label, start, len(text)))
                spoken.append(piece)
            elif piece.bookmark:
                bookmarks.append((start, len(text)))
                lesions.append(piece.bookmark)
        if self._random.random() > _NO_FULL_STOP:
            text += "."
        gold: dict[tuple[int, int | None], Relevance] = {}
        for index, piece in enumerate(spoken):
            if alone:
                gold[index, None] = _relevance(piece, True) if piece.lesions else alone
            for at, lesion in enumerate(lesions):
                gold[index, at] = _relevance(piece, lesion in piece.lesions)
        return annotated(text, mentions, bookmarks, gold, f"{SOURCE}: {family}")


def _relevance(piece: _Piece, about: bool) -> Relevance:
    if not about:
        return Relevance.IRRELEVANT
    return Relevance.UNCERTAIN if piece.uncertain else Relevance.RELEVANT


def _marks(template: Template) -> int:
    return sum(isinstance(part, Slot) and part.what == "@" for part in template)
