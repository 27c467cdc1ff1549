"""Blank what is not report text, character for character, so that every offset stays what it was.

The steps run in an order in which none can make work for an earlier one; so cleaning a cleaned text changes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from html.entities import html5

CONTROL = "control characters"
FOREIGN = "letters outside ASCII"
HL7 = "HL7 escapes"
HTML = "html"
RTF = "rtf"

_DIRTY = re.compile(r"[^\n -~]|[\\&<]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")

# One character for one character. What is not listed is decomposed ("é" is "e"), or becomes a space.
_TYPOGRAPHY = {
    **dict.fromkeys("\v\f\x85\u2028\u2029", "\n"),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4\u02bc", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043", "-"),
    **dict.fromkeys("\u2022\u2023\u25aa\u25cf\u25cb\u25e6\u2219\u00b7\uf0b7", "*"),
    **{"\u00d7": "x", "\u2715": "x", "\u2a2f": "x", "\u2264": "<", "\u2265": ">", "\u2044": "/", "\u2215": "/"},
    **{"\u2026": ".", "\u00b5": "u", "\u03bc": "u", "\u00b2": "2", "\u00b3": "3"},
    **{"\u2236": ":", "\u201a": ",", "\u00d8": "O", "\u00f8": "o", "\u0142": "l", "\u0141": "L"},
}

_ENTITY = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
# A bookmark may stand between angle brackets. A "<" before a letter would look like a tag the next time: it goes too.
_TAG = re.compile(
    r"<(?!(?:OTHER[_ ])?(?:BOOKMARK|BMK))(?:(/?[a-z][a-z0-9:-]*)(?:\s[^<>]*|/)?>|[!?][^<>]*>|(?=[a-z/!?]))",
    re.IGNORECASE,
)
_LINE_TAGS = frozenset(
    {"br", *(f"{slash}{name}" for slash in ("", "/") for name in ("p", "div", "li", "tr", "ul", "ol"))}
)

_HL7 = re.compile(r"\\(?:(\.(?:br|sp|ce)(?:[+-]?\d{1,3})?)|\.[a-z]{2}(?:[+-]?\d{1,3})?|[HNFSTRE]|X[0-9A-Fa-f]{2,16})\\")
_RTF_START = re.compile(r"\s{0,64}\{\\rtf")
_RTF_TOKEN = re.compile(r"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'[0-9a-fA-F]{2}|\\[^a-zA-Z]|[{}]")
_RTF_LEFTOVER = re.compile(
    r"\\(par|pard|line|tab|plain|b0?|i0?|ul|ulnone|ulw|fs\d{1,3}|f\d{1,2}|cf\d{1,2}|lang\d{1,5}|q[clrj]|[sl][abi]-?\d{1,5}"
    r"|fi-?\d{1,5}|ansi|deff\d|viewkind\d|uc\d)(?![a-zA-Z0-9])|\\'[0-9a-fA-F]{2}"
)
_RTF_LINES = frozenset({"par", "line", "sect", "page", "row"})
_RTF_TABLES = frozenset(
    {"fonttbl", "colortbl", "stylesheet", "info", "pict", "header", "footer", "generator", "object"}
)


class _Folding(dict[int, str]):
    """``str.translate`` table that works out one character at a time, the first time it is met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        folded = _TYPOGRAPHY.get(character)
        if folded is None:
            base = unicodedata.normalize("NFKD", character)[:1]
            # A ligature ("fi" in one character) would lose a letter, and a digit above or below the line is no digit.
            whole = len(unicodedata.normalize("NFKC", character)) == 1 and unicodedata.category(character) != "No"
            folded = base if whole and " " <= base <= "~" and code > 126 else " "
        self[code] = folded
        return folded


_FOLDING = _Folding({code: chr(code) for code in (0x0A, *range(0x20, 0x7F))})


def clean_text(text: str) -> tuple[str, tuple[str, ...]]:
    """Blank control characters, HTML, RTF and HL7 markup and whatever is not ASCII; keep case and line ends.

    Typographic characters become their ASCII counterparts (``×`` is x, curly quotes are straight), accented letters
    lose the accent, tags and control words that end a line become a line end and spaces.

    Args:
        text: any text.

    Returns:
        The clean text, exactly as long as ``text``, of characters 0x20 to 0x7E and line feeds; and what was blanked,
        as words of a closed list, sorted.
    """
    if not _DIRTY.search(text):
        return text, ()
    remnants = set()
    if _CONTROL.search(text):
        remnants.add(CONTROL)
    clean = text
    if "\r" in clean:
        clean = clean.replace("\r\n", " \n").replace("\r", "\n")
    if not clean.isascii() or not clean.isprintable():
        folded = clean.translate(_FOLDING)
        if not clean.isascii() and any(a.isalnum() and b == " " for a, b in zip(clean, folded, strict=True) if a > "~"):
            remnants.add(FOREIGN)
        clean = folded
    for mark, name, blank in _STEPS:
        if mark in clean:
            blanked = blank(clean)
            if blanked != clean and name:
                remnants.add(name)
            clean = blanked
    return clean, tuple(sorted(remnants))


def _blank_entities(text: str) -> str:
    def character(found: re.Match[str]) -> str:
        name = found[1]
        if name.startswith("#"):
            code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
            value = chr(code) if code < 0x110000 else " "
        else:
            value = html5.get(f"{name};", found[0])
            if len(value) > 1:
                return found[0]
        # A semicolon would end an entity that the text begins.
        return value.translate(_FOLDING).replace(";", " ").ljust(len(found[0]))

    return _ENTITY.sub(character, text)


def _line_end(found: re.Match[str]) -> str:
    return "\n".ljust(len(found[0]))


def _blank_tags(text: str) -> str:
    def blank(found: re.Match[str]) -> str:
        return _line_end(found) if (found[1] or "").lower() in _LINE_TAGS else " " * len(found[0])

    return _TAG.sub(blank, text)


def _blank_hl7(text: str) -> str:
    return _HL7.sub(lambda found: _line_end(found) if found[1] else " " * len(found[0]), text)


def _blank_rtf(text: str) -> str:
    if not _RTF_START.match(text):
        return _RTF_LEFTOVER.sub(
            lambda found: _line_end(found) if found[1] in _RTF_LINES else " " * len(found[0]), text
        )
    pieces: list[str] = []
    position = depth = 0
    skipped: int | None = None
    for found in _RTF_TOKEN.finditer(text):
        between = text[position : found.start()]
        pieces.append(between if skipped is None else " " * len(between))
        position = found.end()
        mark = found[0]
        if mark == "{":
            depth += 1
        elif mark == "}":
            if skipped == depth:
                skipped = None
            depth -= 1
        elif skipped is None and (mark == "\\*" or found[1] in _RTF_TABLES):
            skipped = depth
        pieces.append(_line_end(found) if skipped is None and found[1] in _RTF_LINES else " " * len(mark))
    rest = text[position:]
    pieces.append(rest if skipped is None else " " * len(rest))
    return "".join(pieces)


def _fold_backslashes(text: str) -> str:
    return text.replace("\\", "/")


_STEPS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("&", HTML, _blank_entities),
    ("\\", HL7, _blank_hl7),
    ("\\", RTF, _blank_rtf),
    ("\\", "", _fold_backslashes),
    ("<", HTML, _blank_tags),
)
