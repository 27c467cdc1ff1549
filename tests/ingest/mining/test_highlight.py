"""Where a report is highlighted: exact offsets, whatever nests or overlaps."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mining.highlight import Mark, MarkKind, View, pieces, printable, view
from ingest.mining.mention import Judgement, Mention, Relevance
from ingest.mining.mine_report import JudgedSentence
from ingest.reports.document import Bookmark, BookmarkKind
from kg.ontology import Label, LabelClass

LABELS = {
    "1": Label("1", "right lower lobe", LabelClass.BODYPART),
    "2": Label("2", "nodule", LabelClass.TYPE),
    "3": Label("3", "large", LabelClass.ATTRIBUTE),
}
TEXT = "Large nodule BOOKMARK in the right lower lobe, and another BOOKMARK. No nodule."
"""Ours."""


def at(words: str, start: int = 0) -> tuple[int, int]:
    place = TEXT.index(words, start)
    return place, place + len(words)


def bookmark(start: int) -> Bookmark:
    return Bookmark(*at("BOOKMARK", start), BookmarkKind.HYPERLINK)


FIRST = JudgedSentence(
    0,
    68,
    "",
    "",
    (bookmark(0), bookmark(20)),
    (
        Mention(*at("Large"), "3", "name", "large"),
        Mention(*at("nodule"), "2", "name", "nodule"),
        Mention(*at("right lower lobe"), "1", "synonym", "right lower lobe"),
    ),
    (
        Judgement(0, 0, Relevance.RELEVANT),
        Judgement(0, 1, Relevance.IRRELEVANT, "other"),
        Judgement(1, 0, Relevance.UNCERTAIN, "cnn", 0.6),
        Judgement(1, 1, Relevance.IRRELEVANT, "other"),
        Judgement(2, 0, Relevance.IRRELEVANT, "other"),
        Judgement(2, 1, Relevance.RELEVANT),
    ),
)
NODULE = Mention(*at("nodule", 60), "2", "name", "nodule")
SECOND = JudgedSentence(69, 79, "", "", (), (NODULE,), (Judgement(0, None, Relevance.IRRELEVANT, "no"),))


def test_every_mention_and_bookmark_is_marked_where_it_stands() -> None:
    shown = view(TEXT, (FIRST, SECOND), LABELS)
    assert [(TEXT[m.start : m.end], m.kind, m.name, m.relevance) for m in shown.marks] == [
        ("Large", "attribute", "large", "relevant"),
        ("nodule", "type", "nodule", "uncertain"),
        ("BOOKMARK", "bookmark", "1", None),
        ("right lower lobe", "bodypart", "right lower lobe", "relevant"),
        ("BOOKMARK", "bookmark", "2", None),
        ("nodule", "type", "nodule", "irrelevant"),
    ]


def test_what_is_said_is_listed_for_each_bookmark_and_for_sentences_without_one() -> None:
    shown = view(TEXT, (FIRST, SECOND), LABELS, {(0, 1): "DL:00007"})
    first, second, none = shown.targets
    assert [(s.label, s.relevance, s.judged_by, s.probability) for s in first.said] == [
        ("large", "relevant", "", None),
        ("nodule", "uncertain", "cnn", 0.6),
        ("right lower lobe", "irrelevant", "other", None),
    ]
    assert [s.label for s in second.said] == ["right lower lobe", "large", "nodule"]
    assert (first.number, first.lesion, second.number, second.lesion) == (1, "", 2, "DL:00007")
    assert (none.number, none.bookmark, [(s.label, s.judged_by) for s in none.said]) == (None, None, [("nodule", "no")])


def test_what_is_said_alike_at_several_places_is_counted() -> None:
    judged = (Judgement(0, None, Relevance.RELEVANT), Judgement(1, None, Relevance.RELEVANT))
    twice = JudgedSentence(0, 79, "", "", (), (NODULE, Mention(0, 5, "2", "name", "nodule")), judged)
    (target,) = view(TEXT, (twice,), LABELS).targets
    assert [(said.label, said.count) for said in target.said] == [("nodule", 2)]


def test_a_mention_with_gaps_is_marked_in_parts() -> None:
    mention = Mention(0, 12, "1", "gap", "right lobe", parts=((0, 5), (6, 12)))
    sentence = JudgedSentence(0, 79, "", "", (), (mention,), (Judgement(0, None, Relevance.RELEVANT),))
    marks = view(TEXT, (sentence,), LABELS).marks
    assert [(m.start, m.end, m.first) for m in marks] == [(0, 5, True), (6, 12, False)]


def test_a_mention_that_nobody_judged_is_marked_without_relevance() -> None:
    (mark,) = view(TEXT, (replace(SECOND, judgements=()),), LABELS).marks
    assert mark.relevance is None


TEXTS = st.text(st.characters() | st.sampled_from("\r\n\t\x1b\x00"), max_size=40)


@st.composite
def views(draw: st.DrawFn) -> View:
    text = printable(draw(TEXTS))
    places = st.integers(0, len(text) + 2)
    kinds, names = st.sampled_from(MarkKind), st.text(string.ascii_letters + "<&\"'", max_size=3)
    spans = draw(st.lists(st.tuples(places, places, kinds, names), max_size=8))
    marks = {Mark(min(a, b), max(a, b), kind, name) for a, b, kind, name in spans}
    return View(text, tuple(sorted(marks, key=lambda m: (m.start, -m.end, m.name))), ())


@given(TEXTS)
def test_text_made_printable_keeps_its_length_and_holds_no_control_character(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert all(character == "\n" or character.isprintable() for character in shown)
    assert all(a == b for a, b in zip(text, shown, strict=True) if a.isprintable())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb", "a \nb"),
        ("a\rb", "a\nb"),
        ("\x1b[31mred", " [31mred"),
        ("na\u00efve\u202e", "na\u00efve "),
        ("a\tb", "a b"),
    ],
)
def test_what_cannot_be_printed_becomes_a_space(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(views())
def test_pieces_are_the_text_each_with_the_marks_that_lie_over_it(shown: View) -> None:
    cut = list(pieces(shown))
    assert "".join(shown.text[start:end] for start, end, _ in cut) == shown.text
    for start, end, over in cut:
        expected = {(m.kind, m.name) for m in shown.marks if m.start <= start and min(m.end, len(shown.text)) >= end}
        assert {(m.kind, m.name) for m in over} == expected
        assert [m.start for m in over] == sorted(m.start for m in over)
