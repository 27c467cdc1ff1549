"""The matcher: whole words, longest first, whatever stands around."""

from __future__ import annotations

import pickle
import time
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.mining.lemmas import Lemmas
from ingest.mining.lexicon import Lexicon
from ingest.mining.matcher import Matcher
from ingest.mining.mention import Mention
from ingest.mining.sentences import mined_line, mined_sentences
from ingest.mining.term import Term
from ingest.mining.tokens import words
from ingest.mining.trie import Trie
from ingest.reports.document import Bookmark, BookmarkKind, Document, Sentence
from kg.shipped import load_shipped

MATCHER = Matcher(Lexicon.of_ontology(load_shipped()))
PHRASES = sorted({term.text for term in MATCHER.lexicon.terms})
WORDS = sorted({word for phrase in PHRASES for word in words(phrase)})
FILLER = [
    "with",
    "in",
    "of the",
    "and",
    ",",
    ";",
    "or",
    "adjacent to",
    "(",
    ")",
    "stable",
    "measuring",
    "left",
    "right",
]
TEXTS = st.lists(st.sampled_from(PHRASES) | st.sampled_from(FILLER), max_size=9).map(" ".join)
UNKNOWN = st.lists(st.sampled_from(["qwx", "zzyx", "vlorp", "2.5", "xq7"]), max_size=4).map(" ".join)


def mentions(text: str) -> tuple[Mention, ...]:
    return mined_line(text, MATCHER).mentions


@given(TEXTS)
def test_offsets_slice_to_the_words_that_matched(text: str) -> None:
    for mention in mentions(text):
        parts = mention.parts or ((mention.start, mention.end),)
        assert (parts[0][0], parts[-1][1]) == (mention.start, mention.end)
        for (_, end), (start, _) in pairwise(parts):
            assert end < start
        for start, end in parts:
            inside = text[start:end]
            assert inside == inside.strip() and inside
            assert not text[start - 1 : start].isalnum() and not text[end : end + 1].isalnum()
            assert len(words(inside)) == sum(start <= t.start < end for t in mined_line(text, MATCHER).tokens)


@given(TEXTS)
def test_case_does_not_matter(text: str) -> None:
    assert mentions(text) == mentions(text.upper()) == mentions(text.lower()) == mentions(text.title())


@given(TEXTS, UNKNOWN, UNKNOWN)
def test_unknown_words_around_do_not_matter(text: str, before: str, after: str) -> None:
    shift = len(before) + 1
    moved = [
        Mention(m.start - shift, m.end - shift, m.label, m.rule, m.term, m.scope,
                tuple((a - shift, b - shift) for a, b in m.parts), m.nested)
        for m in mentions(f"{before} {text} {after}")
    ]  # fmt: skip
    assert tuple(moved) == mentions(text)


@given(TEXTS)
def test_mentions_are_sorted_and_each_label_stands_once_at_a_place(text: str) -> None:
    found = mentions(text)
    assert list(found) == sorted(found)
    assert len({(m.start, m.end, m.label) for m in found}) == len(found)


@given(st.text(max_size=200))
def test_any_text_is_read_without_error(text: str) -> None:
    sentence = mined_line(text, MATCHER)
    assert len(sentence.text) == len(text)
    assert all(0 <= m.start < m.end <= len(text) for m in sentence.mentions)


@given(
    st.dictionaries(
        st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple), st.just((Term("t", "l", "name"),))
    ),
    st.lists(st.sampled_from("abcd"), max_size=12),
)
def test_the_trie_finds_what_looking_everywhere_finds(
    phrases: dict[tuple[str, ...], tuple[Term, ...]], text: list[str]
) -> None:
    trie = Trie(phrases, Lemmas(frozenset()))
    everywhere = [
        (start, end, phrases[tuple(text[start:end])])
        for start in range(len(text))
        for end in range(start + 1, len(text) + 1)
        if tuple(text[start:end]) in phrases
    ]
    assert trie.all(text) == everywhere
    longest = []
    at = 0
    while at < len(text):
        here = [row for row in everywhere if row[0] == at]
        if here:
            longest.append(here[-1])
        at = here[-1][1] if here else at + 1
    assert trie.longest(text) == longest


def test_only_whole_words_match() -> None:
    assert not mentions("liverwurst massive cystoscopy")


def test_a_longer_phrase_hides_what_it_does_not_mean() -> None:
    names = MATCHER.lexicon.names
    assert {names[m.label] for m in mentions("renal pelvis")} == {"renal pelvis", "kidney"}
    assert {names[m.label] for m in mentions("not calcified")} == {"noncalcified"}
    assert {names[m.label] for m in mentions("gall bladder")} == {"gallbladder"}


def test_it_pickles() -> None:
    sent = pickle.loads(pickle.dumps(MATCHER))
    text = "left posterior renal cyst, mediastinal and hilar nodes"
    assert mined_line(text, sent).mentions == mentions(text)


def test_offsets_are_the_documents_and_a_bookmark_is_never_read() -> None:
    text = "Impression. Liver cyst (cyst 2 cm, series 4 image 136) in the spleen."
    start = text.index("Liver")
    bookmark = Bookmark(text.index("("), text.index(")") + 1, BookmarkKind.REFERENCE)
    sentence = Sentence(start, len(text), "impression", "", (bookmark,))
    (mined,) = mined_sentences(Document(text, text, (sentence,)), MATCHER)
    assert mined.text == text[start:]
    assert mined.bookmarks == (bookmark,)
    assert mined.section == "impression"
    assert [text[m.start : m.end] for m in mined.mentions] == ["Liver", "cyst", "spleen"]


def test_what_is_not_ascii_counts_as_space() -> None:
    assert [m.label for m in mentions("liver\u00a0mass")] == [m.label for m in mentions("liver mass")]
    assert mentions("\u2003\u2003liver mass")[0].start == 2


@settings(deadline=None, max_examples=1)
@given(st.just("large left renal mass and cyst in the liver, "))
def test_a_very_long_line_takes_time_in_proportion(text: str) -> None:
    def seconds(times: int) -> float:
        start = time.process_time()
        assert len(mentions(text * times)) >= 5 * times
        return time.process_time() - start

    seconds(10)
    assert seconds(2000) < 40 * seconds(200)
