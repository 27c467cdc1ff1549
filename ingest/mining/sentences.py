"""Sentences with the labels they mention."""

from __future__ import annotations

import re

from ingest.mining.matcher import Matcher
from ingest.mining.mention import MinedSentence
from ingest.mining.tokens import tokenise
from ingest.reports.document import Document

_NOT_PRINTABLE_ASCII = re.compile(r"[^\x20-\x7e]")


def mined_sentences(document: Document, matcher: Matcher) -> tuple[MinedSentence, ...]:
    """Every sentence of a document, with its mentions."""
    mined = []
    for sentence in document.sentences:
        tokens = tokenise(document.clean, sentence.start, sentence.end, sentence.bookmarks)
        mined.append(
            MinedSentence(
                document.clean[sentence.start : sentence.end],
                sentence.start,
                tokens,
                matcher.mentions(tokens),
                sentence.bookmarks,
                sentence.section,
                sentence.organ,
            )
        )
    return tuple(mined)


def mined_line(text: str, matcher: Matcher) -> MinedSentence:
    """One lesion's description: a sentence without bookmarks. What is not printable ASCII counts as space."""
    clean = _NOT_PRINTABLE_ASCII.sub(" ", text)
    tokens = tokenise(clean, 0, len(clean))
    return MinedSentence(clean, 0, tokens, matcher.mentions(tokens))
