"""Divide a cleaned report into sentences, with their sections and organs.

NLTK's Punkt does the work with our abbreviations, and no trained model; the rules for missing full stops are those of
Yan et al., 2020 (sentence tokenisation: a header, lower case followed by a capital), and for what reports are full
of: lists, blank lines, line breaks, full stops behind units. No boundary falls inside a bookmark.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

from ingest.reports.document import Bookmark, Sentence
from ingest.reports.headers import Header, find_headers

_ABBREVIATIONS = (
    "ser se im img ima no nos approx ca cm mm dr drs mr mrs ms prof vs st fig e.g i.e eg ie cf resp max min incl dept"
    " ext int lat rt lt bilat post ant sup inf med w.r.t a.m p.m"
)
_PUNKT_WINDOW = 4000
"""Punkt's time grows with the square of what it gets without a boundary; longer stretches go in pieces."""

# A word that begins a sentence of a report and is seldom written with a capital inside one.
_STARTERS = (
    "Unchanged Stable Decreased Increased Decreasing Increasing Enlarged Enlarging New No There The This These Interval"
    " Redemonstrated Redemonstration Again Mild Mildly Moderate Minimal Marked Severe Small Tiny Large Multiple Several"
    " Scattered Few Numerous Normal Unremarkable Clear Patent Persistent Previously Status Stable Similar Slight"
    " Slightly Extensive Diffuse Otherwise Also Additional Another Within Evidence Resolved Resolution Worsening"
    " Improved"
)
_CONNECTING = (
    "a an the of with and or in is are was were to for by per from at on no not than as via which that without within"
    " under over near this these those has have had be been between into versus vs"
)
_CONTINUES = "x by in and or with at on to of from long thick wide deep as for which that is was above below behind"
_CONNECTING_WORD = rf"\b(?:{'|'.join(_CONNECTING.split())})"

_BREAK = re.compile(
    r"(?P<blank>\n[ ]*\n[ \n]*)"
    r"|(?P<item>(?:(?<=\n)|\A)[ ]{0,20}(?:[-*+>]|\(?\d{1,2}[.)]|[a-hA-H][.)])[ ]{1,4}(?=\S))"
    r"|(?P<number>(?<=[.;:!?)\]][ \n])\(?\d{1,2}[.)][ \n]{1,4}(?=[A-Z]))"
    r"|(?P<unit>(?:(?<=[ \d-][cm]m\.)|(?<=[ap]\.m\.)|(?<=[ :]no\.))[ \n]{1,4}(?=[A-Z]))"
    r"|(?P<line>(?<=[a-z0-9)\]%])[ ]{0,3}\n[ ]{0,20}(?=[A-Z][a-z]|A[ ]))"
    rf"|(?P<starter>(?<=[a-z)\]])[ ](?=(?:{'|'.join(sorted(set(_STARTERS.split())))})\b))"
)
_LOWER_UNIT = re.compile(rf"(?<=[ \d-][cm]m\.)[ \n]{{1,4}}(?=[a-z])(?!(?:{'|'.join(_CONTINUES.split())})\b)")
_ENDS_CONNECTING = re.compile(rf"{_CONNECTING_WORD}$", re.IGNORECASE)
_CAPITAL_WORD = re.compile(r"[ \n]{1,4}(?=[A-Z][a-z])")
_STOP = re.compile(r"[.?!]['\")\]]{0,3}[ \n]")
_UPPER_CONTINUES = frozenset(_CONTINUES.upper().split())
_LETTER = re.compile(r"[A-Za-z0-9]")
_SPACE = " \n"


def _punkt() -> PunktSentenceTokenizer:
    parameters = PunktParameters()
    parameters.abbrev_types = set(_ABBREVIATIONS.split())
    return PunktSentenceTokenizer(parameters)


_PUNKT = _punkt()

_Gap = tuple[int, int, Header | None, bool]
"""Start and end of what lies between two sentences, the header it comes from, and whether it is a blank line."""


def divide(clean: str, bookmarks: Sequence[Bookmark]) -> tuple[Sentence, ...]:
    """The sentences of a report.

    Args:
        clean: the cleaned text.
        bookmarks: in the order of the text, not overlapping; each ends up in one sentence.
    """
    sentences: list[Sentence] = []
    ends = [bookmark.end for bookmark in bookmarks]
    section = organ = ""
    spoken = False
    start = used = 0
    for gap, resume, header, is_blank in [*_gaps(clean, bookmarks, ends), (len(clean), len(clean), None, False)]:
        for first, last in _spans(clean, start, gap, bookmarks, ends):
            until = bisect_left(ends, last + 1, used)
            inside = tuple(bookmarks[used:until])
            used = until
            span = _trimmed(clean, first, last, inside)
            if span:
                sentences.append(Sentence(*span, section, organ, inside))
                spoken = True
        if header:
            section, organ, spoken = header.section or section, header.organ, False
        elif is_blank and spoken:
            organ = ""
        start = resume
    return tuple(sentences)


def _gaps(clean: str, bookmarks: Sequence[Bookmark], ends: Sequence[int]) -> list[_Gap]:
    """Sure boundaries, in the order of the text; none overlaps a bookmark or another boundary."""
    gaps: list[_Gap] = []
    for header in find_headers(clean):
        gaps.append((header.start, header.end if header.is_cut else header.start, header, False))
    for found in _BREAK.finditer(clean):
        start, end = found.span()
        kind = found.lastgroup
        if kind in {"line", "starter"} and _ENDS_CONNECTING.search(clean, max(0, start - 12), start):
            continue
        if kind == "unit" and clean[end : end + 8].split(maxsplit=1)[0] in _UPPER_CONTINUES:
            continue
        gaps.append((start, end, None, kind == "blank"))
    if clean.islower():
        gaps += [(*found.span(), None, False) for found in _LOWER_UNIT.finditer(clean)]
    for bookmark in bookmarks:
        capital = _CAPITAL_WORD.match(clean, bookmark.end)
        if capital:
            gaps.append((*capital.span(), None, False))
    gaps.sort(key=lambda gap: gap[:2])
    kept: list[_Gap] = []
    position = 0
    for start, end, header_or_none, is_blank in gaps:
        index = bisect_right(ends, start)
        if index < len(bookmarks) and bookmarks[index].start < end:
            if header_or_none is None or bookmarks[index].start <= start:
                continue
            end = start
        if start < position:
            continue
        position = end
        kept.append((start, end, header_or_none, is_blank))
    return kept


def _spans(
    clean: str, start: int, end: int, bookmarks: Sequence[Bookmark], ends: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Punkt's sentences between two sure boundaries, but for those that would tear a bookmark from its sentence."""
    first = start
    for boundary in _boundaries(clean, start, end):
        index = bisect_right(ends, boundary)
        if index < len(bookmarks):
            following = bookmarks[index].start
            # "... nodule. (series 4, image 136) There is ...": the bookmark belongs to what stands before it.
            if following < boundary or (clean[following] in "([" and not clean[boundary:following].strip(_SPACE)):
                continue
        yield first, boundary
        first = boundary
    yield first, end


def _boundaries(clean: str, start: int, end: int) -> Iterator[int]:
    """Where Punkt begins new sentences between two places of a text."""
    while end - start > _PUNKT_WINDOW:
        window = clean[start : start + _PUNKT_WINDOW]
        starts = _punkt_starts(window)
        if not starts:
            space = window.rstrip(_SPACE).rfind(" ")
            starts = [space + 1 if space > 0 else _PUNKT_WINDOW]
        yield from (start + position for position in starts)
        start += starts[-1]
    yield from (start + position for position in _punkt_starts(clean[start:end]))


def _punkt_starts(text: str) -> list[int]:
    if not _STOP.search(text):
        return []
    return [first for first, _ in _PUNKT.span_tokenize(text)][1:]


def _trimmed(clean: str, first: int, last: int, inside: Sequence[Bookmark]) -> tuple[int, int] | None:
    """A span without the spaces around it; None when it has neither letter nor digit nor bookmark."""
    text = clean[first:last]
    start = first + len(text) - len(text.lstrip(_SPACE))
    end = first + len(text.rstrip(_SPACE))
    if inside:
        return min(start, inside[0].start), max(end, inside[-1].end)
    return (start, end) if _LETTER.search(clean, start, end) else None
