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
LONGEST_SENTENCE = 4000
"""Characters; what goes on without a full stop for longer is divided at a space."""

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
_MARKER = r"(?:[-*+>]|\(?\d{1,2}[.)]|[a-hA-H][.)])[ ]{1,4}(?=[^ \n])"
# Every branch begins with a space or line end: that makes the search fast.
_BREAK = re.compile(
    rf"[ \n](?:(?P<blank>(?<=\n)[ ]*\n[ \n]*(?:{_MARKER})?)"
    rf"|(?P<item>(?<=\n)[ ]{{0,20}}{_MARKER})"
    r"|(?P<number>(?:(?<=[.;:!?)\]][ \n])|(?<=[.;:!?)\]][ \n]{2}))\(?\d{1,2}[.)][ \n]{1,4}(?=[A-Z]))"
    r"|(?P<unit>(?:(?<=[ \d-][cm]m\.[ \n])|(?<=[ap]\.m\.[ \n])|(?<=[ :]no\.[ \n])|(?<=\.\.[ \n]))"
    r"[ \n]{0,3}(?=[A-Z])(?!XX))"
    r"|(?P<line>(?<=[a-z0-9)\]% ]\n)[ ]{0,20}(?=[A-Z][a-z]|A[ ]))"
    rf"|(?P<starter>(?<=[a-z)\]][ ])(?=(?:{'|'.join(sorted(set(_STARTERS.split())))})\b)))"
)
_NO_SPACE = re.compile(r"\.(?:(?<=[a-z]{3}\.)|(?<=XXX\.)|(?<=[)\]]\.)|(?<=BOOKMARK\.)|(?<=_BMK\.))(?=[A-Z][a-z])")
_FIRST_MARKER = re.compile(rf"[ \n]{{0,20}}{_MARKER}")
_LOWER_UNIT = re.compile(rf"(?<=[ \d-][cm]m\.)[ \n]{{1,4}}(?=[a-z])(?!(?:{'|'.join(_CONTINUES.split())})\b)")
_GOES_ON = re.compile(rf"(?:\b(?:{'|'.join(_CONNECTING.split())})|[,(/;-])[ ]{{0,4}}$", re.IGNORECASE)
_CAPITAL_WORD = re.compile(r"[ \n]{1,4}(?=[A-Z][a-z])")
_STOP = re.compile(r"[.?!]([\"')\]}]{0,3})[ \n]+(?=[^ \n])")
_LONGEST_WORD = 40
_PLAIN_WORD = re.compile(r"(?:^|[ \n(/])([A-Za-z]{2,})$")
_UPPER_CONTINUES = frozenset(_CONTINUES.upper().split())
_LETTER = re.compile(r"[A-Za-z]")
_SPACE = " \n"


class _NoContext(dict[str, int]):
    """Punkt notes every word it is asked about here; report text is not to stay in memory."""

    def __missing__(self, word: str) -> int:
        return 0


def _untrained() -> PunktSentenceTokenizer:
    parameters = PunktParameters()
    parameters.abbrev_types = set(_KNOWN)
    parameters.ortho_context = _NoContext()
    return PunktSentenceTokenizer(parameters)


_KNOWN = frozenset(_ABBREVIATIONS.split())
_PUNKT = _untrained()

_Gap = tuple[int, int, Header | None, bool]
"""Start and end of what lies between two sentences, the header it comes from, and whether it is a blank line."""


def abbreviations() -> frozenset[str]:
    """The words whose full stop ends no sentence, in lower case and without it."""
    return _KNOWN


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
    first = _FIRST_MARKER.match(clean)
    if first:
        gaps.append((0, first.end(), None, False))
    for found in _BREAK.finditer(clean):
        start, end = found.span()
        kind = found.lastgroup
        if kind in {"line", "starter"} and _GOES_ON.search(clean[max(0, start - 12) : start]):
            continue
        if kind == "blank" and clean[max(0, start - 8) : start].rstrip(_SPACE).endswith(":"):
            continue  # a header's words stand with what is below it
        if kind == "unit" and clean[end : end + 8].split(maxsplit=1)[0] in _UPPER_CONTINUES:
            continue
        gaps.append((start, end, None, kind == "blank"))
    gaps += [(found.end(), found.end(), None, False) for found in _NO_SPACE.finditer(clean)]
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
    """The sentences between two sure boundaries; no boundary tears a bookmark from its sentence."""
    first = start
    for boundary in (*full_stops(clean, start, end), end):
        index = bisect_right(ends, boundary)
        if index < len(bookmarks) and boundary < end:
            following = bookmarks[index].start
            # "... nodule. (series 4, image 136) There is ...": the bookmark belongs to what stands before it.
            if following < boundary or (clean[following] in "([" and not clean[boundary:following].strip(_SPACE)):
                continue
        while boundary - first > LONGEST_SENTENCE:
            cut = _cut(clean, first, bookmarks, ends)
            yield first, cut
            first = cut
        yield first, boundary
        first = boundary


def full_stops(clean: str, start: int, end: int) -> Iterator[int]:
    """Where sentences begin behind full stops, question and exclamation marks.

    Without training, Punkt takes every full stop behind a word for the end of a sentence unless the word is an
    abbreviation: most are decided by that, and Punkt is asked about the others (numbers, initials, abbreviations).
    """
    for stop in _STOP.finditer(clean, start, end):
        before = clean[max(start, stop.start() - _LONGEST_WORD) : stop.start()]
        word = _PLAIN_WORD.search(before)
        if (word and word[1].lower() not in _KNOWN) or before[-1:] in {"", " ", "\n"}:
            yield stop.end()
            continue
        token = before[max(before.rfind(" "), before.rfind("\n")) + 1 :]
        following = stop[1] or f" {clean[stop.end() : min(end, stop.end() + _LONGEST_WORD)].split(maxsplit=1)[0]}"
        if _PUNKT.text_contains_sentbreak(f"{token}{clean[stop.start()]}{following}"):
            yield stop.end()


def _cut(clean: str, first: int, bookmarks: Sequence[Bookmark], ends: Sequence[int]) -> int:
    """Where to cut what is too long for a sentence: at a space, not in a bookmark."""
    cut = max(
        clean.rfind(" ", first + 1, first + LONGEST_SENTENCE), clean.rfind("\n", first + 1, first + LONGEST_SENTENCE)
    )
    cut = cut + 1 if cut >= 0 else first + LONGEST_SENTENCE
    index = bisect_right(ends, cut)
    return max(cut, bookmarks[index].end) if index < len(bookmarks) and bookmarks[index].start < cut else cut


def _trimmed(clean: str, first: int, last: int, inside: Sequence[Bookmark]) -> tuple[int, int] | None:
    """A span without the spaces around it; None when it has neither letter nor bookmark."""
    text = clean[first:last]
    start = first + len(text) - len(text.lstrip(_SPACE))
    end = first + len(text.rstrip(_SPACE))
    if inside:
        return min(start, inside[0].start), max(end, inside[-1].end)
    return (start, end) if _LETTER.search(clean, start, end) else None
