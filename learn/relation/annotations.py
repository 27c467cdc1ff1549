"""Annotated sentences: what people (or a grammar) say about each label and bookmark of a sentence. JSON lines.

One sentence a line, UTF-8::

    {"text": "Stable nodule in the liver BOOKMARK near the aorta.",
     "mentions": [{"label": "nodule", "start": 7, "end": 13}, {"label": "liver", "start": 21, "end": 26},
                  {"label": "aorta", "start": 45, "end": 50}],
     "bookmarks": [{"start": 27, "end": 35}],
     "relations": [{"mention": 0, "bookmark": 0, "relevance": "relevant"},
                   {"mention": 1, "bookmark": 0, "relevance": "relevant"},
                   {"mention": 2, "bookmark": 0, "relevance": "irrelevant"}],
     "source": "optional: who wrote it"}

* ``label`` is a label's id or preferred name. ``start`` and ``end`` count characters of ``text``; ``end`` is one past
  the last.
* A bookmark spans everything that belongs to it (hyperlink, sizes, series and image). Bookmarks do not overlap.
* ``mention`` and ``bookmark`` count from 0 in the order of their lists. ``bookmark`` is null in a sentence without
  bookmarks: an asserted label is then ``relevant``, a hedged one ``uncertain``, a negated one or a landmark
  ``irrelevant``.
* ``relevance`` is ``relevant``, ``uncertain`` or ``irrelevant`` (LesaNet, section 3.2). Pairs that nobody judged are
  left out.

A file of a hospital holds report text: it stays where it is, and no message names anything but its line numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from ingest.mining.mention import Mention, MinedSentence, Relevance
from ingest.mining.tokens import tokenise
from ingest.reports.document import Bookmark, BookmarkKind
from kg.errors import InputError, UsageError
from kg.ontology import Ontology

Gold = Mapping[tuple[int, int | None], Relevance]
"""Relevance by (index into the mentions, index into the bookmarks or None)."""


@dataclass(frozen=True, slots=True)
class AnnotatedSentence:
    """A sentence with the relevance of its labels.

    Attributes:
        sentence: as mining would hand it to a relevance model; offsets count characters of its own text.
        gold: what was judged; keys count ``sentence.mentions`` and ``sentence.bookmarks``.
        source: who wrote it.
    """

    sentence: MinedSentence
    gold: Gold = field(repr=False)
    source: str = ""


def annotated(
    text: str,
    mentions: Iterable[tuple[str, int, int]],
    bookmarks: Iterable[tuple[int, int]],
    gold: Gold,
    source: str = "",
) -> AnnotatedSentence:
    """Put an annotated sentence together.

    Args:
        text: the sentence.
        mentions: label id, start, end.
        bookmarks: start, end; they do not overlap.
        gold: relevance by index into ``mentions`` and ``bookmarks`` as given; the result counts them in the order of
            the text.
        source: who wrote it.
    """
    given, marks = list(mentions), list(bookmarks)
    by_place = sorted(range(len(given)), key=lambda i: (given[i][1], given[i][2], given[i][0]))
    in_order = sorted(range(len(marks)), key=lambda i: marks[i])
    new_mention = {old: new for new, old in enumerate(by_place)}
    new_bookmark: dict[int | None, int | None] = {old: new for new, old in enumerate(in_order)}
    new_bookmark[None] = None
    points = tuple(Bookmark(*marks[i], BookmarkKind.HYPERLINK) for i in in_order)
    sentence = MinedSentence(
        text=text,
        start=0,
        tokens=tokenise(text, 0, len(text), points),
        mentions=tuple(
            Mention(start, end, label, "annotated", "") for label, start, end in (given[i] for i in by_place)
        ),
        bookmarks=points,
    )
    return AnnotatedSentence(sentence, {(new_mention[m], new_bookmark[b]): r for (m, b), r in gold.items()}, source)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was left out.

    Attributes:
        line: counted from 1.
        reason: what is wrong, without any text of the sentence.
    """

    line: int
    reason: str


def read_annotations(path: Path, ontology: Ontology) -> Iterator[AnnotatedSentence | BadLine]:
    """Read an annotation file line by line; empty lines are passed over.

    Args:
        path: the file.
        ontology: whose labels the file names.

    Raises:
        InputError: no such file, or it cannot be read.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    try:
                        yield _parse(line, ontology)
                    except InputError as error:
                        yield BadLine(number, str(error))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); give a file of JSON lines") from error


def write_annotations(path: Path, sentences: Iterable[AnnotatedSentence]) -> None:
    """Write an annotation file."""
    with path.open("w", encoding="utf-8") as out:
        for row in sentences:
            out.write(json.dumps(_as_dict(row), ensure_ascii=False) + "\n")


def content_hash(sentences: Iterable[AnnotatedSentence]) -> str:
    """SHA-256 over sentences, labels and relations: what names the data in a run."""
    digest = hashlib.sha256()
    for row in sentences:
        digest.update(json.dumps(_as_dict(row), sort_keys=True).encode())
    return digest.hexdigest()


def _as_dict(row: AnnotatedSentence) -> dict[str, Any]:
    content: dict[str, Any] = {
        "text": row.sentence.text,
        "mentions": [{"label": m.label, "start": m.start, "end": m.end} for m in row.sentence.mentions],
        "bookmarks": [{"start": b.start, "end": b.end} for b in row.sentence.bookmarks],
        "relations": [
            {"mention": mention, "bookmark": bookmark, "relevance": str(relevance)}
            for (mention, bookmark), relevance in sorted(
                row.gold.items(), key=lambda item: (item[0][0], item[0][1] or 0)
            )
        ],
    }
    return content | ({"source": row.source} if row.source else {})


def _parse(line: bytes, ontology: Ontology) -> AnnotatedSentence:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError("not a JSON object in UTF-8") from error
    if not isinstance(content, dict):
        raise InputError("not a JSON object")
    text = content.get("text")
    if not isinstance(text, str) or not text.strip():
        raise InputError("no text")
    mentions = [_mention(row, f"mention {i}", text, ontology) for i, row in enumerate(_rows(content, "mentions"))]
    bookmarks = [_span(row, f"bookmark {i}", text) for i, row in enumerate(_rows(content, "bookmarks"))]
    in_order = sorted(bookmarks)
    if any(left[1] > right[0] for left, right in pairwise(in_order)):
        raise InputError("two bookmarks overlap")
    gold: dict[tuple[int, int | None], Relevance] = {}
    for i, row in enumerate(_rows(content, "relations")):
        pair, relevance = _relation(row, f"relation {i}", len(mentions), len(bookmarks))
        if gold.setdefault(pair, relevance) is not relevance:
            raise InputError(f"relation {i} contradicts an earlier one of the same mention and bookmark")
    source = content.get("source", "")
    if not isinstance(source, str):
        raise InputError("source is not a text")
    # Only what reports hold after cleaning can stand in a token: other characters count as spaces.
    clean = "".join(c if c.isascii() and c.isprintable() else " " for c in text)
    return annotated(clean, mentions, bookmarks, gold, source)


def _rows(content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = content.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{key} is not a list of objects")
    return rows


def _span(row: dict[str, Any], what: str, text: str) -> tuple[int, int]:
    start, end = row.get("start"), row.get("end")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        raise InputError(f"{what} has no start and end inside the text")
    return start, end


def _mention(row: dict[str, Any], what: str, text: str, ontology: Ontology) -> tuple[str, int, int]:
    label = row.get("label")
    try:
        label_id = ontology.label(label if isinstance(label, str) else "").id
    except UsageError as error:
        raise InputError(f"{what} names no label of {ontology.name}") from error
    return label_id, *_span(row, what, text)


def _relation(
    row: dict[str, Any], what: str, mentions: int, bookmarks: int
) -> tuple[tuple[int, int | None], Relevance]:
    mention, bookmark, relevance = row.get("mention"), row.get("bookmark"), row.get("relevance")
    if type(mention) is not int or not 0 <= mention < mentions:
        raise InputError(f"{what} names no mention of the line")
    if bookmarks and (type(bookmark) is not int or not 0 <= bookmark < bookmarks):
        raise InputError(f"{what} names no bookmark of the line")
    if not bookmarks and bookmark is not None:
        raise InputError(f"{what} names a bookmark, and the line has none; give null")
    if relevance not in list(Relevance):
        raise InputError(f"{what} has no relevance of {', '.join(Relevance)}")
    return (mention, bookmark), Relevance(relevance)
