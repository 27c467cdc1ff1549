"""Find the headers of a report: what ends in a colon, and names of sections on a line of their own.

A header of a section, or one that lists several organs ("Lungs, pleurae:"), is no part of any sentence: it does not say
which of them a finding is in. A header that names one place ("Mediastinum:", "Left kidney:") and one of neither list
("Target lesion 2:") begins the sentence behind it, so that nothing said there is lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest.reports.sections import SECTION_OF, organs_of

_LONGEST = 72
_AT_LINE = re.compile(r"[ #*_>-]{0,8}(?:\d{1,2}[.)][ ]{1,3})?([A-Za-z][A-Za-z0-9 ,/&()'_-]{0,70})")
_BEHIND_SENTENCE = re.compile(r"([.;!?)\]\n][ ]{1,4})(?=[A-Za-z][A-Za-z ,/&-]{0,70}$)")
_CAPITAL = re.compile(r"(?<=[ )\]])()[A-Z](?=[A-Za-z ,/&-]{0,70}$)")
_RUN_ON = re.compile(r"(?<=[a-z)\]] )[A-Z][a-z]{3,30}$")
_ALONE = re.compile(r"^[ ]{0,8}([A-Za-z][A-Za-z ]{4,40})$", re.MULTILINE)
_NO_NAME = frozenset({"", "\n", ":"})
_NO_NAME_BEHIND = frozenset({"/", ":"})
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Header:
    """A header.

    Attributes:
        start: first character.
        end: one past the last character, the colon included.
        section: the section it opens, "" when it opens none.
        organ: the first organ it names, "" when it names none.
        is_cut: the header is no part of a sentence.
    """

    start: int
    end: int
    section: str = ""
    organ: str = ""
    is_cut: bool = True


def find_headers(clean: str) -> list[Header]:
    """All headers of a cleaned text, in its order."""
    headers: list[Header] = []
    colon = clean.find(":")
    while colon >= 0:
        following = clean[colon + 1 : colon + 2]
        # The name of a header has two characters or more.
        is_short = clean[max(0, colon - 2) : colon].strip().isalpha() and clean[colon - 2 : colon - 1] in _NO_NAME
        if not (
            following.isdigit() or following in _NO_NAME_BEHIND or is_short or clean[colon - 1 : colon] in _NO_NAME
        ):
            header = _header_before(clean, colon, headers[-1] if headers else None)
            if header:
                headers.append(header)
        colon = clean.find(":", colon + 1)
    if "\n" in clean:
        alone = (
            Header(found.start(1), found.end(), SECTION_OF[found[1].strip().lower()])
            for found in _ALONE.finditer(clean)
            if found[1].strip().lower() in SECTION_OF
        )
        headers = sorted([*headers, *alone], key=lambda header: header.start)
    return headers


def _header_before(clean: str, colon: int, previous: Header | None) -> Header | None:
    earliest = previous.end if previous else 0
    first = max(earliest, colon - _LONGEST)
    line = clean.rfind("\n", first, colon) + 1
    begins_line = line > 0 or first == 0
    if begins_line or (first == earliest and previous and previous.section):
        found = _AT_LINE.fullmatch(clean, max(line, first), colon)
        header = found and _classified(found[1], found.start(1), colon)
        if header:
            return header
        if found and begins_line and found[1][0].isupper() and len(found[1].split()) <= 5:
            return Header(found.start(1), colon + 1, is_cut=False)
    window = clean[max(line, first - 2, 0) : colon]
    offset = colon - len(window)
    for found in (*_BEHIND_SENTENCE.finditer(window), *_CAPITAL.finditer(window)):
        header = _classified(window[found.end(1) :], offset + found.end(1), colon)
        if header:
            return header
    run_on = _RUN_ON.search(window)
    return Header(offset + run_on.start(), colon + 1, is_cut=False) if run_on else None


def _classified(name: str, start: int, colon: int) -> Header | None:
    key = " ".join(name.lower().replace("/", " and ").split())
    section = SECTION_OF.get(key)
    if section:
        return Header(start, colon + 1, section)
    words = _WORD.findall(key)
    organs = organs_of(words) if len(words) <= 8 else []
    if organs:
        return Header(start, colon + 1, organ=organs[0], is_cut=len(organs) > 1)
    return None
