"""Cleaning blanks what is not report text, character for character."""

from __future__ import annotations

import pytest

from ingest.reports.clean import CONTROL, FOREIGN, HL7, HTML, RTF, clean_text


@pytest.mark.parametrize(
    ("text", "clean", "remnants"),
    [
        pytest.param("A plain text.\nOf two lines.", "A plain text.\nOf two lines.", (), id="plain"),
        pytest.param("2.1 × 1.8 cm – “new”", '2.1 x 1.8 cm - "new"', (), id="typography"),
        pytest.param("Hürthle cells", "Hurthle cells", (), id="accents"),
        pytest.param("no\u00a0break", "no break", (), id="no-break space"),
        pytest.param("4 cm²", "4 cm2", (), id="an area stays no length"),
        pytest.param("ﬁbrosis", " brosis", (FOREIGN,), id="ligature"),
        pytest.param("病灶 1 cm", "   1 cm", (FOREIGN,), id="another script"),
        pytest.param("a\tb\r\nc\rd", "a b \nc\nd", (), id="tabs and line ends"),
        pytest.param("a\x00b\x1fc", "a b c", (CONTROL,), id="control characters"),
        pytest.param("a <b>node</b><br>next", "a    node    \n   next", (HTML,), id="tags"),
        pytest.param("1 &lt; 2 &amp; 3&nbsp;mm", "1 <    2 &     3      mm", (HTML,), id="entities"),
        pytest.param("size &times; &bogus;", "size x       &bogus;", (HTML,), id="unknown entity"),
        pytest.param("1 < 2, 3 > 2", "1 < 2, 3 > 2", (), id="less and greater"),
        pytest.param("a node <BOOKMARK_3>", "a node <BOOKMARK_3>", (), id="bookmark in angle brackets"),
        pytest.param(r"one\.br\two \T\ three", "one\n    two     three", (HL7,), id="HL7"),
        pytest.param(r"clear.\par Next and\or", "clear.\n    Next and/or", (RTF,), id="RTF leftovers"),
        pytest.param(
            r"{\rtf1{\fonttbl{\f0 Arial;}}\f0 FINDINGS:\par \b no\b0de}",
            " " * 32 + "FINDINGS:\n       no   de ",
            (RTF,),
            id="whole RTF file",
        ),
    ],
)
def test_offsets_stay_and_what_was_blanked_is_named(text: str, clean: str, remnants: tuple[str, ...]) -> None:
    assert clean_text(text) == (clean, remnants)
    assert len(clean) == len(text)


def test_all_of_the_public_reports_keep_their_length(indiana_texts: list[str]) -> None:
    assert all(len(clean_text(text)[0]) == len(text) for text in indiana_texts)
