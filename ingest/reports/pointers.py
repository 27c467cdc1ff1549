"""Everything in a text that can be a piece of a bookmark: hyperlinks, sizes, series and image references.

One pattern finds them all in one pass; every repetition in it is bounded, so that the time is linear in the text.

What is read as a reference, and what is not:

* words and numbers, in any order and with the usual abbreviations: ``series 4, image 136``, ``ser. 3, im. 45``,
  ``image 33 of series 2``, ``se/im 4/23``, ``S4 I136``, ``series 7:61``, ``image 45``;
* ``image 6-16``: series 6, image 16; after a series, or with the plural, it is a range of images;
* ``7:61`` only between brackets that hold nothing but references, sizes and a few closed words; not a time of day, not
  after "ratio" and the like;
* ``4/136`` only alone between brackets, and only when it can be neither a date nor a fraction: the second number is
  above 99, and no year when the first may be a month; or the second is above 31 and the first above 12.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import IntEnum

_W = r"[ \n]{0,4}"
_NUMBER = r"(?:\d{1,4}(?:\.\d{1,3}|,\d{1,2})?|\.\d{1,3})"
_UNIT = r"(?:cms?|mms?|centimet(?:er|re)s?|millimet(?:er|re)s?)(?![a-z0-9^])"
_AXIS = (
    rf"(?:{_W}\(?(?:ap|tr|trv|trans|cc|si|ml|lr|sag|long|short|transverse|anteroposterior|craniocaudal|sagittal|coronal|axial"
    r"|width|length|height|depth)\b\.?\)?)?"
)
_SIZE = (
    rf"(?<![a-z0-9.,/:])(?:{_NUMBER}(?:{_W}-?{_W}{_UNIT})?{_AXIS}{_W}(?:x|\*|by){_W}){{1,2}}{_NUMBER}{_AXIS}{_W}-?{_W}{_UNIT}"
    rf"|(?<![a-z0-9.,/:])(?:{_NUMBER}{_W}(?:-|to){_W})?{_NUMBER}{_W}-?{_W}{_UNIT}"
)
_NO = rf"{_W}(?:[#:=]|nos?\b\.?|numbers?\b)?{_W}"
_SERIES = r"(?<![a-z])(?:series|ser\.?|se\.?)"
_IMAGES = r"(?:images|imgs\.?|ims\.?|slices)"
_IMAGE = r"(?:image|img\.?|ima\.?|im\.?|slice)"
_ANY_IMAGE = r"(?:images?|imgs?\.?|ima\.?|ims?\.?|slices?)"
_END = rf"(?!\d|\.\d|{_W}(?:[cm]m|mg|ml|mcg|cc|%|views?|images?|x{_W}\d)(?![a-z]))"
_APART = r"[ \n,;:/.()\[\]&-]{0,6}(?:(?:and|on|at|the|axial|coronal|sagittal|key)[ \n]{1,4}){0,2}"


def _range(name: str) -> str:
    return rf"(?:{_W}(?:-|to|through|thru){_W}(?P<{name}>\d{{1,5}}){_END})?"


_PIECE = re.compile(
    "|".join(
        (
            r"[\[<({] ?(?:other[ _-]?)?(?:bookmark|bmk)(?: {1,2}(?=[a-z_-]{0,63}[0-9])|[ _#:-]?[_#:-] ?)"
            r"(?P<boxed>[a-z0-9_-]{1,64}) ?[\]>)}]",
            r"(?P<hyperlink>(?<![a-z0-9])(?:other[ _-]?)?(?:bookmark|bmk)s?(?:[_#](?P<id>[a-z0-9]{1,64})"
            r"|(?P<digits>\d{1,18}))?(?![a-z0-9]))",
            rf"(?P<size>{_SIZE})",
            rf"{_SERIES}{_W}/{_W}{_ANY_IMAGE}{_NO}(?P<s1>\d{{1,5}}){_W}[/:,-]{_W}(?P<i1>\d{{1,5}}){_END}{_range('l1')}",
            rf"{_SERIES}{_NO}(?P<s2>\d{{1,5}}){_APART}(?P<w2>{_ANY_IMAGE}){_NO}(?P<i2>\d{{1,5}}){_END}{_range('l2')}",
            rf"{_SERIES}{_NO}(?P<s3>\d{{1,5}}){_W}[:/]{_W}(?P<i3>\d{{1,5}}){_END}{_range('l3')}",
            rf"(?<![a-z]){_ANY_IMAGE}{_NO}(?P<i4>\d{{1,5}}){_END}{_range('l4')}"
            rf"{_W}[,(/]?{_W}(?:(?:of|on|in|from|the)[ \n]{{1,4}}){{0,2}}\(?{_SERIES}{_NO}(?P<s4>\d{{1,5}})"
            rf"(?!\d|{_APART}{_ANY_IMAGE}{_NO}\d)",
            rf"(?<![a-z]){_IMAGE}{_NO}(?P<s5>\d{{1,5}}){_W}[:-]{_W}(?P<i5>\d{{1,5}}){_END}{_range('l5')}",
            rf"(?<![a-z]){_IMAGES}{_NO}(?P<s6>\d{{1,5}}):(?P<i6>\d{{1,5}}){_END}{_range('l6')}",
            rf"(?<![a-z])(?P<w7>{_ANY_IMAGE}){_NO}(?P<i7>\d{{1,5}}){_END}{_range('l7')}",
            rf"(?<![a-z0-9])s{_W}[:#]?{_W}(?P<s8>\d{{1,5}})[ \n,;/]{{0,3}}i{_W}[:#]?{_W}(?P<i8>\d{{1,5}}){_END}"
            rf"{_range('l8')}",
            rf"(?P<pair>(?<![a-z0-9:./-])(?P<s9>\d{{1,3}}):(?P<i9>\d{{1,4}})(?![a-z0-9:/]){_END}"
            r"(?:-(?P<l9>\d{1,4})(?!\d))?)",
            r"(?P<slash>(?<=[(\[])(?P<s10>\d{1,3})/(?P<i10>\d{1,4})(?=[)\]]))",
        )
    )
)
_REFERENCES = tuple((f"s{n}" if n != 7 else None, f"i{n}", f"l{n}" if n != 10 else None) for n in range(1, 11))
# Where a piece may begin; the branches begin with plain characters, which makes this search much faster than _PIECE's.
_START = re.compile(
    r"[0-9](?<![a-z0-9.,/:][0-9])|\.(?<![a-z0-9.,/:]\.)[0-9]|b(?:ook|mk)|other[ _-]?b|[\[<({] ?(?:book|bmk|other)"
    r"|im(?:a|g|s|\.|[ \n#:=n]{0,9}[0-9])|slice|s[ \n:#]{0,9}[0-9]|se(?:r|\.|[ \n]{0,4}/|[ \n#:=n]{0,9}[0-9])"
)
_MORE_IMAGES = re.compile(
    rf"{_W}(?:,{_W}and|,|and|&){_W}(\d{{1,5}}){_END}(?![ \n]{{0,4}}[a-z(]{{0,20}}[ \n]{{0,4}}(?:nodule|lesion|mass))"
)
_AXIS_NUMBER = re.compile(rf"({_NUMBER})(?:{_AXIS}{_W}-?{_W}({_UNIT}))?")
_RANGE_OF_SIZES = re.compile(rf"{_NUMBER}{_W}(?:-|to){_W}{_NUMBER}")
# No length ("5 mm Hg"), or the distance to something else ("2 cm above the carina").
_NO_SIZE = re.compile(
    r"[ \n]{0,4}(?:hg\b|h2o|/|per\b|water|(?:above|below|beneath|distal|proximal|cranial|caudal|away)\b"
    r"|(?:superior|inferior|anterior|posterior|lateral|medial)(?:ly)?[ \n]to\b|from[ \n]the[ \n](?!prior|previous))"
)

_ANCHOR = re.compile(
    r"<a\s[^<>]{0,400}?href\s{0,4}=\s{0,4}[\"']?([^\"'\s<>]{1,500})[^<>]{0,400}>(?:[^<]|<(?!/?a[\s>])){0,300}(</a\s{0,4}>)",
    re.IGNORECASE,
)
_MARKDOWN = re.compile(r"\[[^\[\]\n]{1,200}(\]\(((?:[a-z][a-z0-9+.-]{1,20}:|#|/|\.)[^\s()]{0,500})\))", re.IGNORECASE)

_PAIR_WORDS = (
    "previously prior previous now currently and to by x cm mm axial coronal sagittal image images im img series se ser"
    " see best seen measuring key eg e g for example arrow bookmark bmk approximately approx"
)
_NO_PAIR_BEFORE = re.compile(
    r"\b(?:ratio|proportion|dilution|mixture|score|grade|gleason|odds)\b[ \n]*(?:of|is|was)?[ \n]*$"
)
_TIME_BEFORE = re.compile(r"\b(?:at|time|hours|hrs|until|from)[ \n]*$")
_PAIR_WORD = frozenset(_PAIR_WORDS.split())
_WORD = re.compile(r"[a-z]+")


class Piece(IntEnum):
    """What a piece of a bookmark is."""

    HYPERLINK = 0
    SIZE = 1
    REFERENCE = 2


@dataclass(frozen=True, slots=True)
class Pointer:
    """One piece of a bookmark.

    Attributes:
        piece: what it is.
        start: first character.
        end: one past the last character.
        target: of a hyperlink.
        sizes_mm: of a size.
        series: of a reference.
        image: of a reference.
        last_image: of a reference to a range of images.
    """

    piece: Piece
    start: int
    end: int
    target: str = ""
    sizes_mm: tuple[float, ...] = ()
    series: int | None = None
    image: int | None = None
    last_image: int | None = None


def find_pointers(text: str, clean: str) -> list[Pointer]:
    """All pieces of bookmarks, in the order of the text; they do not overlap.

    Args:
        text: the original text, for the targets of links.
        clean: the same, cleaned.
    """
    lower = clean.lower()
    found: list[Pointer] = []
    position = 0
    while start := _START.search(lower, position):
        match = _PIECE.match(lower, start.start())
        pointers = _read(match, lower, clean) if match else []
        found += pointers
        position = pointers[-1].end if pointers else start.start() + 1
    links = _links(text)
    return _with_links(found, links, clean) if links else found


def _read(match: re.Match[str], lower: str, clean: str) -> list[Pointer]:
    kind = match.lastgroup
    start, end = match.span()
    if kind in {"boxed", "hyperlink"}:
        group = next((name for name in ("boxed", "id", "digits") if match[name]), None)
        target = clean[slice(*match.span(group))] if group else ""
        return [Pointer(Piece.HYPERLINK, start, end, target=target)]
    if kind == "size":
        is_size = not _NO_SIZE.match(lower, end)
        return [Pointer(Piece.SIZE, start, end, sizes_mm=_millimetres(match[0]))] if is_size else []
    if (kind == "pair" and not _is_pair(match, lower)) or (kind == "slash" and not _is_slash_pair(match)):
        return []
    series, image, last = next(names for names in _REFERENCES if match[names[1]] is not None)
    first = int(match[image])
    until = int(match[last]) if last and match[last] else None
    number = int(match[series]) if series else None
    pointers = [
        Pointer(
            Piece.REFERENCE,
            start,
            end,
            series=number,
            image=first,
            last_image=until if until and until > first else None,
        )
    ]
    word = match["w2"] or match["w7"] or ""
    if until is None and word.rstrip(".").endswith("s"):
        while more := _MORE_IMAGES.match(lower, pointers[-1].end):
            pointers.append(Pointer(Piece.REFERENCE, more.start(1), more.end(1), series=number, image=int(more[1])))
    return pointers


def _millimetres(size: str) -> tuple[float, ...]:
    axes = _AXIS_NUMBER.findall(size)
    scale = 0.0
    millimetres = []
    for number, unit in reversed(axes):
        if unit:
            scale = 10.0 if unit[0] == "c" else 1.0
        millimetres.append(round(float(number.replace(",", ".")) * scale, 3))
    if _RANGE_OF_SIZES.match(size):
        return (max(millimetres),)
    return tuple(reversed(millimetres))


def _is_pair(match: re.Match[str], lower: str) -> bool:
    """Is ``7:61`` an image: between brackets that hold nothing else than such references, and no time of day?"""
    if match["s9"].startswith("0"):
        return False
    start = max(0, match.start() - 80)
    before = lower[start : match.start()]
    bracket = max(before.rfind("("), before.rfind("["))
    if bracket < 0 or max(before.rfind(")"), before.rfind("]")) > bracket:
        return False
    after = lower[match.end() : match.end() + 80]
    ends = [index for index in (after.find(")"), after.find("]")) if index >= 0]
    if not ends:
        return False
    inside = before[bracket + 1 :] + after[: min(ends)]
    if any(word not in _PAIR_WORD for word in _WORD.findall(inside)) or "/" in inside:
        return False
    lead = lower[max(0, start + bracket - 30) : start + bracket]
    if _NO_PAIR_BEFORE.search(lead):
        return False
    is_clock = int(match["s9"]) < 24 and len(match["i9"]) == 2 and int(match["i9"]) < 60
    return not (is_clock and _TIME_BEFORE.search(lead))


def _is_slash_pair(match: re.Match[str]) -> bool:
    """Is ``4/136`` an image: neither a date (4 March, April 2015) nor a fraction?"""
    first, second = int(match["s10"]), int(match["i10"])
    is_year = 1900 <= second < 2100
    return first < second and ((second > 99 and not (is_year and first <= 12)) or (second > 31 and first > 12))


def _links(text: str) -> list[Pointer]:
    """HTML anchors and Markdown links: each as the characters that close it, so that its words stay words."""
    links = []
    if "</a" in text or "</A" in text:
        links += [Pointer(Piece.HYPERLINK, *m.span(2), target=m[1]) for m in _ANCHOR.finditer(text)]
    if "](" in text:
        links += [Pointer(Piece.HYPERLINK, *m.span(1), target=m[2]) for m in _MARKDOWN.finditer(text)]
    return sorted(links, key=lambda link: link.start)


def _with_links(found: list[Pointer], links: list[Pointer], clean: str) -> list[Pointer]:
    """Add the links; a hyperlink token at the end of a link's words takes its target; what is inside a target goes."""
    merged: list[Pointer] = []
    link_end = 0
    for is_piece, pointer in sorted(
        [*((False, link) for link in links), *((True, piece) for piece in found)], key=lambda item: item[1].start
    ):
        if pointer.start < link_end:
            continue
        if not is_piece:
            link_end = pointer.end
            if merged and merged[-1].end > pointer.start:
                merged.pop()
            last = merged[-1] if merged else None
            if last and last.piece is Piece.HYPERLINK and not clean[last.end : pointer.start].strip(" \n"):
                merged[-1] = replace(last, end=pointer.end, target=pointer.target)
                continue
        merged.append(pointer)
    return merged
