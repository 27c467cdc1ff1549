"""How a mined report looks in the terminal and in a browser."""

from __future__ import annotations

import io
import re
import shutil
import string
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ingest.mining.highlight import Mark, MarkKind, Said, Target, View, printable
from ingest.mining.mention import Relevance
from ingest.reports.document import Bookmark, BookmarkKind
from lesionkg.highlight import as_page, as_terminal, as_text, marked

TEXT = "\nLarge hilar adenopathy (10 x 9 mm) <b>&amp; near the right lower lobe."
"""Ours; begins with a line feed, which HTML drops at the beginning of some elements."""


def at(words: str) -> tuple[int, int]:
    return TEXT.index(words), TEXT.index(words) + len(words)


VIEW = View(
    TEXT,
    (
        Mark(*at("Large"), MarkKind.ATTRIBUTE, "large", Relevance.UNCERTAIN),
        Mark(*at("hilar adenopathy"), MarkKind.BODYPART, "hilar lymph node", Relevance.RELEVANT),
        Mark(*at("adenopathy"), MarkKind.TYPE, "lymphadenopathy", Relevance.RELEVANT),
        Mark(*at("(10 x 9 mm)"), MarkKind.BOOKMARK, "1"),
        Mark(*at("right lower lobe"), MarkKind.BODYPART, "right lower lobe", Relevance.IRRELEVANT),
    ),
    (
        Target(
            1,
            Bookmark(*at("(10 x 9 mm)"), BookmarkKind.REFERENCE, sizes_mm=(10.0, 9.0), series=4, image=136),
            "DL:00007",
            (
                Said("hilar lymph node", "bodypart", Relevance.RELEVANT, "composition", "hilar <adenopathy>"),
                Said("large", "attribute", Relevance.UNCERTAIN, "name", "large", "cnn-1", 0.61),
                Said("right lower lobe", "bodypart", Relevance.IRRELEVANT, "name", "right lower lobe", "near", None, 2),
            ),
        ),
    ),
)


class Reader(HTMLParser):
    """Reads a page back: the text of an element, and the text of every ``mark`` in it."""

    def __init__(self, page: str, inside: str = "") -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.marks: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self._inside, self._depth = inside, 0 if inside else 1
        self._open: list[tuple[str, int]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.tags.append(tag)
        if self._depth or given.get("id") == self._inside:
            self._depth += 1
            self._open.append((given.get("title") or "", len(self.text)))

    def handle_endtag(self, tag: str) -> None:
        if self._depth > (0 if self._inside else 1):
            self._depth -= 1
            title, start = self._open.pop()
            if tag == "mark":
                self.marks.append((title, self.text[start:]))

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.text += data


MARKED = [
    ("attribute large, uncertain", "Large"),
    ("type lymphadenopathy, relevant", "adenopathy"),
    ("body part hilar lymph node, relevant", "hilar adenopathy"),
    ("bookmark 1", "(10 x 9 mm)"),
    ("body part right lower lobe, irrelevant", "right lower lobe"),
]


def test_the_page_shows_the_report_with_its_marks_and_nothing_else_of_it() -> None:
    read = Reader(as_page(VIEW, "Report 1"), "report")
    assert read.text == TEXT
    assert read.marks == MARKED


def test_marks_that_overlap_are_closed_and_opened_again_with_one_tag() -> None:
    text = "abcdef"
    shown = View(text, (Mark(0, 4, MarkKind.TYPE, "x"), Mark(2, 6, MarkKind.BODYPART, "y")), ())
    page = marked(shown)
    assert re.sub("<[^>]*>", "", page) == text
    assert [words for _, words in Reader(page).marks] == ["cd", "abcd", "ef"]
    assert page.count("data-tag") == 2


TEXTS = st.text(st.characters() | st.sampled_from("<>&\"'\r\n\x00"), max_size=30)


@st.composite
def views(draw: st.DrawFn) -> View:
    text = printable(draw(TEXTS))
    places, names = st.integers(0, len(text)), st.text(string.ascii_letters + "<>&\"'", max_size=3)
    kinds, relevances = st.sampled_from(MarkKind), st.sampled_from([*Relevance, None])
    spans = draw(st.lists(st.tuples(places, places, kinds, names, relevances), max_size=8))
    marks = {Mark(min(a, b), max(a, b), kind, name, r) for a, b, kind, name, r in spans}
    return View(text, tuple(sorted(marks, key=lambda m: (m.start, -m.end, m.name))), ())


@given(views())
def test_without_its_tags_the_page_is_the_text(shown: View) -> None:
    page = marked(shown)
    assert Reader(page).text == shown.text
    assert page.count("<mark") == page.count("</mark>")
    over = {(m.start, m.end) for m in shown.marks if m.start < m.end}
    assert bool(over) == ("<mark" in page)


@given(views())
def test_in_the_terminal_every_character_wears_the_marks_that_lie_over_it(shown: View) -> None:
    text = as_text(shown)
    assert text.plain == shown.text
    expected = sorted((m.start, m.end) for m in shown.marks if m.start < m.end)
    assert sorted((s.start, s.end) for s in text.spans if s.start < s.end) == expected


def test_the_page_is_one_file_that_loads_nothing_and_can_be_read_aloud() -> None:
    page = as_page(VIEW, "Report <1>")
    read = Reader(page)
    assert not {"script", "link", "img", "iframe", "object"} & set(read.tags)
    assert "http" not in page.replace("http-equiv", "")
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "<title>Report &lt;1&gt;</title>" in page and "default-src 'none'" in page
    assert "keep it as private" in page and "not for diagnosis" in page
    assert page.count('scope="col"') == 6 and "<caption>Bookmark 1: 10 x 9 mm, series 4, image 136, lesion" in page
    assert "hilar &lt;adenopathy&gt;" in page and "irrelevant (2 times)" in page and "cnn-1 (0.61)" in page


def luminance(colour: str) -> float:
    """Relative luminance of ``#rgb`` or ``#rrggbb`` (WCAG 2, section 1.4.3)."""
    digits = colour.lstrip("#")
    digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
    shares = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_marked_text_contrasts_with_every_background_by_seven_to_one() -> None:
    page = as_page(VIEW, "r")
    backgrounds = re.findall(r"background: (#[0-9a-f]+)", page)
    assert len(backgrounds) == 5
    for colour in backgrounds:
        assert (luminance(colour) + 0.05) / (luminance("#111") + 0.05) >= 7


def test_class_and_relevance_show_without_colour() -> None:
    page = as_page(VIEW, "r")
    assert re.findall('data-tag="([^"]*)"', marked(VIEW)) == ["attr?", "part", "type", "1", "part×"]
    for look in ("border-bottom-style: dashed", "line-through", "@media print", "content: attr(data-tag)"):
        assert look in page


def test_the_terminal_shows_report_legend_and_a_table_for_each_bookmark() -> None:
    stream = io.StringIO()
    Console(file=stream, width=160, force_terminal=False).print(as_terminal(VIEW))
    shown = stream.getvalue()
    assert TEXT in shown
    assert "body part  type  attribute  bookmark  relevant  uncertain  irrelevant" in shown
    assert "Bookmark 1: 10 x 9 mm, series 4, image 136, lesion DL:00007" in shown
    assert re.search(r"irrelevant \(2 times\) +right lower lobe +bodypart +name +right lower lobe +near", shown)


def test_markup_in_a_report_is_text_in_the_terminal() -> None:
    stream = io.StringIO()
    target = Target(None, None, "", (Said("[red]x[/red]", "type", Relevance.IRRELEVANT, "[b]", "t"),))
    Console(file=stream, width=160).print(as_terminal(View("[bold]a[/bold]", (), (target,))))
    assert "[bold]a[/bold]" in stream.getvalue() and "[red]x[/red]" in stream.getvalue()
    assert "negated or landmark" in stream.getvalue()


def test_a_browser_shows_the_marked_text(tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium is installed")
    page = tmp_path / "report.html"
    page.write_text(as_page(VIEW, "Report 1"), encoding="utf-8")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    read = Reader(done.stdout, "report")
    assert (read.text, read.marks) == (TEXT, MARKED), done.stderr
