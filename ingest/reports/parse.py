"""From a report's text to its sentences and bookmarks."""

from __future__ import annotations

import re

from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

from ingest.reports.document import Bookmark, BookmarkKind, Document, Sentence

_DIRTY = re.compile(r"[^\n -~]|<[^<>]*>")
_BOOKMARK = re.compile(r"(?:OTHER_)?BOOKMARK|(?:OTHER_)?BMK|\(series (\d+), image (\d+)\)")
_PUNKT = PunktSentenceTokenizer(PunktParameters())


def parse(text: str) -> Document:
    """Divide a report into sentences, and find the bookmarks in them."""
    clean = _DIRTY.sub(lambda found: " " * len(found[0]), text)
    bookmarks = [
        Bookmark(m.start(), m.end(), BookmarkKind.HYPERLINK)
        if m[1] is None
        else Bookmark(m.start(), m.end(), BookmarkKind.REFERENCE, series=int(m[1]), image=int(m[2]))
        for m in _BOOKMARK.finditer(clean)
    ]
    sentences = tuple(
        Sentence(start, end, bookmarks=tuple(b for b in bookmarks if start <= b.start < end))
        for start, end in _PUNKT.span_tokenize(clean)
        if clean[start:end].strip()
    )
    return Document(text, clean, sentences)
