"""Tokens: words and punctuation with offsets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mining.mention import BOOKMARK_WORD
from ingest.mining.tokens import tokenise, words
from ingest.reports.document import Bookmark, BookmarkKind

ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@given(ASCII)
def test_every_token_is_the_text_at_its_offsets(text: str) -> None:
    for token in tokenise(text, 0, len(text)):
        assert token.text == text[token.start : token.end].lower()


@given(ASCII, st.data())
def test_a_part_of_a_text_is_read_with_offsets_of_the_whole(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    part = tokenise(text, start, end)
    assert [token.text for token in part] == words(text[start:end])
    assert all(start <= token.start < token.end <= end for token in part)


@given(ASCII)
def test_no_letter_or_digit_is_lost(text: str) -> None:
    covered = {i for token in tokenise(text, 0, len(text)) for i in range(token.start, token.end)}
    assert {i for i, character in enumerate(text) if character.isalnum()} <= covered


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ground-glass opacity.", ["ground", "glass", "opacity", "."]),
        ("para-aortic", ["para", "aortic"]),
        ("1.5 cm x 0.9 cm", ["1.5", "cm", "x", "0.9", "cm"]),
        ("mass/nodule", ["mass", "/", "nodule"]),
        ("node - stable", ["node", "-", "stable"]),
        ("Schmorl's node", ["schmorl's", "node"]),
        ("T10-T11", ["t10", "t11"]),
        ("", []),
    ],
)
def test_words_and_punctuation(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_a_bookmark_is_one_token_whatever_it_consists_of() -> None:
    text = "Nodule (1.0 cm) (series 4, image 136) in the liver"
    bookmark = Bookmark(7, 37, BookmarkKind.REFERENCE)
    tokens = tokenise(text, 0, len(text), (bookmark,))
    assert [token.text for token in tokens] == ["nodule", BOOKMARK_WORD, "in", "the", "liver"]
    assert (tokens[1].start, tokens[1].end) == (7, 37)
    assert tokens[2].start == text.index("in the")
