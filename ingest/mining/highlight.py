"""Where a report's text is to be highlighted, and what is said at each place; how it looks is decided elsewhere.

Offsets count characters of the report as it was read, and :func:`printable` keeps every one in its place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise

from ingest.mining.mention import Judgement, Mention, Relevance
from ingest.mining.mine_report import JudgedSentence
from ingest.reports.document import Bookmark
from kg.ontology import Label

_STRENGTH = {Relevance.RELEVANT: 0, Relevance.UNCERTAIN: 1, Relevance.IRRELEVANT: 2}


class MarkKind(StrEnum):
    """What is highlighted: a label of one of the three classes, or a bookmark."""

    BODYPART = "bodypart"
    TYPE = "type"
    ATTRIBUTE = "attribute"
    BOOKMARK = "bookmark"


@dataclass(frozen=True, slots=True)
class Mark:
    """One stretch of text to highlight.

    Attributes:
        start: first character.
        end: one past the last character.
        kind: what stands there.
        name: the label's name; of a bookmark its number in the report, counted from 1.
        relevance: of a label, to the bookmark it is most relevant to; None for a bookmark.
        first: the first or only part of it; parts behind a gap are marks of their own.
    """

    start: int
    end: int
    kind: MarkKind
    name: str
    relevance: Relevance | None = None
    first: bool = True


@dataclass(frozen=True, slots=True)
class Said:
    """What is said about a label at one place or several like it.

    Attributes:
        label: the label's name.
        label_class: its class.
        relevance: to the bookmark, or whether the report asserts it.
        rule: what matched.
        term: the lexicon's form that matched.
        judged_by: rule or model that decided the relevance, "" when none applied.
        probability: the model's, None for a rule.
        count: how many places.
    """

    label: str
    label_class: str
    relevance: Relevance
    rule: str
    term: str
    judged_by: str = ""
    probability: float | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Target:
    """A bookmark with all that is said around it, or everything that is said in sentences without one.

    Attributes:
        number: the bookmark's number in the report, counted from 1; None for the sentences without one.
        bookmark: the bookmark, None likewise.
        lesion: id of the linked lesion, "" when there is none, None when nobody looked for one.
        said: the most relevant first, then by name.
    """

    number: int | None
    bookmark: Bookmark | None
    lesion: str | None
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A report, ready to be shown.

    Attributes:
        text: the report, fit to be printed.
        marks: by their place; they may nest and overlap.
        targets: bookmarks in the order of the text, at the end what stands in sentences without one.
    """

    text: str = field(repr=False)
    marks: tuple[Mark, ...]
    targets: tuple[Target, ...]


def printable(text: str) -> str:
    """The text at the same length without control characters: they could steer a terminal or end a page early.

    Line feeds stay; a lone carriage return becomes one, and whatever else cannot be printed becomes a space.
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", " \n").replace("\r", "\n")
    return "".join(character if character == "\n" or character.isprintable() else " " for character in text)


def view(
    text: str,
    sentences: Sequence[JudgedSentence],
    labels: Mapping[str, Label],
    lesions: Mapping[tuple[int, int], str] | None = None,
) -> View:
    """Arrange what mining found in one report.

    Args:
        text: the report as it was read.
        sentences: its sentences that mention a label or hold a bookmark.
        labels: labels by id.
        lesions: id of the linked lesion by (sentence, bookmark of the sentence), where there is one; None when nobody
            looked for lesions.
    """
    marks: list[Mark] = []
    targets: list[Target] = []
    alone: list[Said] = []
    for place, sentence in enumerate(sentences):
        about: dict[int | None, list[Said]] = defaultdict(list)
        strongest: dict[int, Relevance] = {}
        for one in sentence.judgements:
            mention = sentence.mentions[one.mention]
            about[one.bookmark].append(_said(mention, one, labels[mention.label]))
            before = strongest.get(one.mention, one.relevance)
            strongest[one.mention] = min(before, one.relevance, key=_STRENGTH.__getitem__)
        for number, mention in enumerate(sentence.mentions):
            marks += _mention_marks(mention, labels[mention.label], strongest.get(number))
        for number, bookmark in enumerate(sentence.bookmarks):
            name = len(targets) + 1
            marks.append(Mark(bookmark.start, bookmark.end, MarkKind.BOOKMARK, str(name)))
            lesion = None if lesions is None else lesions.get((place, number), "")
            targets.append(Target(name, bookmark, lesion, _counted(about[number])))
        alone += about[None]
    if alone:
        targets.append(Target(None, None, None, _counted(alone)))
    return View(printable(text), tuple(sorted(set(marks), key=_outer_first)), tuple(targets))


def pieces(view: View) -> Iterator[tuple[int, int, tuple[Mark, ...]]]:
    """Cut the text wherever a mark begins or ends.

    Yields:
        Start, end, and the marks that lie over this stretch, the outermost first. Together the stretches are the text.
    """
    size = len(view.text)
    marks = [m for m in (replace(m, end=min(m.end, size)) for m in view.marks) if m.start < m.end]
    cuts = sorted({0, size, *(mark.start for mark in marks), *(mark.end for mark in marks)})
    over: list[Mark] = []
    coming = 0
    for start, end in pairwise(cuts):
        over = [mark for mark in over if mark.end > start]
        while coming < len(marks) and marks[coming].start == start:
            over.append(marks[coming])
            coming += 1
        yield start, end, tuple(over)


def _outer_first(mark: Mark) -> tuple[int, int, bool, str]:
    return mark.start, -mark.end, mark.kind is not MarkKind.BOOKMARK, mark.name


def _mention_marks(mention: Mention, label: Label, relevance: Relevance | None) -> Iterator[Mark]:
    parts = mention.parts or ((mention.start, mention.end),)
    for part in parts:
        yield Mark(*part, MarkKind(label.label_class), label.name, relevance, first=part == parts[0])


def _said(mention: Mention, judgement: Judgement, label: Label) -> Said:
    return Said(
        label.name,
        label.label_class,
        judgement.relevance,
        mention.rule,
        mention.term,
        judgement.rule,
        judgement.probability,
    )


def _counted(said: Iterable[Said]) -> tuple[Said, ...]:
    counts: dict[Said, int] = defaultdict(int)
    for one in said:
        counts[one] += 1
    order = sorted(counts, key=lambda one: (_STRENGTH[one.relevance], one.label, one.rule, one.term, one.judged_by))
    return tuple(replace(one, count=counts[one]) for one in order)
