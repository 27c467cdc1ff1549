"""What holds for every text, however broken, and in which time."""

from __future__ import annotations

import pickle
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.reports.document import Document
from ingest.reports.parse import document_problems, parse

_PIECES = [
    "FINDINGS:", "Lungs, pleurae:", "Liver:", "nodule", "The", "Decreased", "unremarkable", "BOOKMARK",
    "OTHER_BMK_3", "[BOOKMARK 12]", "1.2 cm", "3 x 4 mm", "(series 4, image 136)", "(7:61)", "image 6-16",
    "images 4, 5 and 6", "S4 I5", "previously", "prior", "now", "ser.", "2.3 cm.", "1.", "-", "e.g.", "...", ". ",
    "? ", "\n", "\n\n", " ", "(", ")", "[", "]", "<", ">", "<b>", "</a>", '<a href="x">', "](#y)", "&nbsp;",
    "&lt;", "&", ";", "\\par", "{\\rtf1", "{", "}", "\\", "\\.br\\", "\x00", "\r", "\t", "é", "ﬁ", "\udc80", "病",
    "p.m.", "4/5/2015", "7:34", "no.", "XXXX", "A",
]  # fmt: skip
texts = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(_PIECES), max_size=40).map("".join))


def check(document: Document) -> None:
    assert len(document.clean) == len(document.text)
    assert all(character == "\n" or " " <= character <= "~" for character in document.clean)
    position = 0
    for sentence in document.sentences:
        assert position <= sentence.start < sentence.end <= len(document.text)
        position = sentence.end
        inside = sentence.start
        for bookmark in sentence.bookmarks:
            assert inside <= bookmark.start < bookmark.end <= sentence.end
            inside = bookmark.end
            assert bookmark.last_image is None or (bookmark.image or 0) < bookmark.last_image
            assert all(size >= 0 for size in bookmark.sizes_mm)


@given(texts)
@example("\x00" * 50)
@example("<<b>b>")
@example("&am&#112;;&lt;b&gt;")
def test_every_text_can_be_parsed_and_keeps_its_offsets(text: str) -> None:
    check(parse(text))


@given(texts)
@example("<\\")
@example("<b &gt;")
@example("<<b>b>")
@example("&am&#112;;&lt;b&gt;")
def test_parsing_the_clean_text_changes_nothing_in_it(text: str) -> None:
    clean = parse(text).clean
    again = parse(clean)
    assert again.clean == clean
    assert again.remnants == ()


@given(texts)
def test_no_word_is_lost_but_headers_and_list_markers(text: str) -> None:
    document = parse(text)
    said = "".join(document.clean[s.start : s.end] for s in document.sentences)
    for word in ("nodule", "unremarkable", "BOOKMARK"):
        assert said.count(word) == document.clean.count(word)


@given(texts)
def test_no_text_is_in_a_repr_or_a_problem(text: str) -> None:
    marked = f"{text} SECRETWORD 12 mm [BOOKMARK SECRETWORD] "
    document = parse(marked)
    assert "SECRETWORD" not in repr(document)
    assert "SECRETWORD" not in repr(document_problems("r1", document))


def test_a_document_travels_between_processes() -> None:
    document = parse("FINDINGS: A nodule BOOKMARK (7:61).")
    assert pickle.loads(pickle.dumps(document)) == document


def test_blanked_markup_is_a_warning_and_no_sentence_a_problem() -> None:
    (warning,) = document_problems("r1", parse("A <b>nodule</b>."))
    assert (warning.report, warning.left_out, "html" in warning.reason) == ("r1", False, True)
    (_, problem) = document_problems("r2", parse("<br>&nbsp;</p> ..."))
    assert (problem.report, problem.left_out) == ("r2", True)
    assert document_problems("r3", parse("A nodule.")) == ()


_TEN_MEGABYTES = ["1.2 x ", "<", "series ", " ", "7"]
_CT = "FINDINGS: There is a nodule measuring 1.2 x 1.0 cm (series 4, image 136). The liver is normal. "


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "unit",
    [
        "(", ")", "[", "<", "<a ", "<a href=x>", "<!--", "&", "&amp", "\\", "{", "{\\rtf{", "](", "[a](",
        "1.2 x ", "1.2 cm ", "12 x 12 x ", "series ", "series 4 ", "image 4-", "s1 ", "(7:61", "x(7:61)", "se/",
        "previously ", "BOOKMARK ", "[BOOKMARK ", " ", "\n", "\n ", "7", "a", "A ", ":", "A: ", "Lungs: ", ". ", "...",
        "a. B", "?", "-", "\x00", "é", "病",
    ],
)  # fmt: skip
def test_the_time_is_linear_in_the_length(unit: str) -> None:
    """Four times the text may take no more than ten times as long, and 300,000 characters no more than 20 seconds."""
    short, long = (_seconds(unit, length) for length in (75_000, 300_000))
    assert long < 20
    assert long < 10 * short + 0.3


def _seconds(unit: str, length: int) -> float:
    text = (unit * (length // len(unit) + 1))[:length]
    started = time.process_time()
    check(parse(text))
    return time.process_time() - started


@pytest.mark.timeout(300)
@pytest.mark.parametrize("unit", ["(", *(pytest.param(u, marks=pytest.mark.slow) for u in (_CT, *_TEN_MEGABYTES))])
def test_a_line_of_ten_megabytes_is_parsed(unit: str) -> None:
    assert _seconds(unit, 10_000_000) < 120
