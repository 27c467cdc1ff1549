"""Put the pieces of bookmarks together: hyperlink, size and image reference of one lesion are one bookmark.

Two pieces belong together when nothing but punctuation and a few words like "measuring" stand between them, and the
bookmark has no such piece yet. A size without hyperlink or reference points at no image; it is only counted.

"prior", "previously", "compared with" and "the study of" (a date) make the piece behind them one of an earlier study.
In ``1.5 cm, previously 1.2 cm (series 2, image 8)`` the reference is taken for the current size's, which has none of
its own; in ``1.5 cm (series 2, image 8), previously 1.2 cm (series 3, image 18)`` the second bookmark is a prior one.
"""

from __future__ import annotations

import re
from itertools import zip_longest

from ingest.reports.document import Bookmark, BookmarkKind
from ingest.reports.pointers import Piece, Pointer, find_pointers

_FURTHEST = 100
_DATE = r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}-\d{1,2}-\d{1,2}"
_GLUE_WORDS = (
    "which that is are measuring measures measured size sized of up to now currently today approximately approx about"
    " on at in seen best greatest largest maximum maximal maximally longest long short axis dimension dimensions"
    " diameter axial coronal sagittal transverse craniocaudal plane respectively e.g"
)
_STUDY_WORDS = (
    "study exam examination ct scan mri mr pet imaging of on from dated date the a at was were is measured measuring"
    " measurement measurements measures size image images seen located best approximately approx about"
)


def _words(words: str) -> str:
    return "|".join(rf"{word}\b\.?" for word in words.replace(".", r"\.").split())


_GLUE = re.compile(
    rf"(?!.{{0,90}}\n[ ]{{0,30}}\n)(?:[ \n()\[\]{{}}<>,;:=*_|~'\"-]|(?:{_words(_GLUE_WORDS)})|{_DATE})*",
    re.IGNORECASE | re.DOTALL,
)
_PRIOR = (
    r"\b(?:prior|previous(?:ly)?|formerly|earlier|compar(?:ed|ison|ing)(?:[ \n](?:to|with))?|vs\.|versus"
    r"|study[ \n](?:of|dated|from))"
)
_PRIOR_BEFORE = re.compile(
    rf"{_PRIOR}(?:[ \n:=()\[\]-]|(?:{_words(_STUDY_WORDS)})|{_PRIOR}|{_DATE}|x{{2,8}})*$", re.IGNORECASE
)
_PRIOR_AFTER = re.compile(
    r"[ \n)\]]{0,4},?[ \n]{0,2}(?:on|in|of)[ \n](?:the[ \n])?"
    r"(?:prior|previous|comparison|earlier|old|(?:study|exam|examination|ct|mri|scan)[ \n](?:of|dated|from))\b",
    re.IGNORECASE,
)
_OPENING, _CLOSING = "([{<", ")]}>"


class _Group:
    """A bookmark in the making."""

    def __init__(self, first: Pointer, prior: bool) -> None:
        self.pieces: dict[Piece, Pointer] = {first.piece: first}
        self.start = first.start
        self.end = first.end
        self.prior = prior

    @property
    def awaits_reference(self) -> bool:
        return not self.prior and Piece.SIZE in self.pieces and Piece.REFERENCE not in self.pieces

    def add(self, pointer: Pointer, prior: bool) -> None:
        self.pieces[pointer.piece] = pointer
        self.end = pointer.end
        self.prior = self.prior or prior

    def bookmark(self, start: int, end: int) -> Bookmark:
        hyperlink = self.pieces.get(Piece.HYPERLINK)
        size = self.pieces.get(Piece.SIZE)
        reference = self.pieces.get(Piece.REFERENCE)
        return Bookmark(
            start,
            end,
            BookmarkKind.HYPERLINK if hyperlink else BookmarkKind.REFERENCE,
            target=hyperlink.target if hyperlink else "",
            sizes_mm=size.sizes_mm if size else (),
            series=reference.series if reference else None,
            image=reference.image if reference else None,
            last_image=reference.last_image if reference else None,
            prior=self.prior,
        )


def find_bookmarks(text: str, clean: str) -> tuple[list[Bookmark], int]:
    """All bookmarks of a report.

    Args:
        text: the original text, for the targets of links.
        clean: the same, cleaned.

    Returns:
        The bookmarks in the order of the text, which do not overlap; and the number of sizes that stand in none.
    """
    groups: list[_Group] = []
    lone_sizes = 0
    position = 0
    pointers = find_pointers(text, clean)
    for pointer, following in zip_longest(pointers, pointers[1:]):
        group = groups[-1] if groups else None
        gap = clean[position : pointer.start]
        near = group is not None and len(gap) <= _FURTHEST
        prior = _is_prior(pointer, clean, position)
        position = pointer.end
        if group and near and prior and pointer.piece is Piece.SIZE and group.awaits_reference and _is_aside(gap):
            lone_sizes += 1
            continue
        same_study = group and (not prior or group.prior or list(group.pieces) == [Piece.SIZE])
        fits = group and near and same_study and pointer.piece not in group.pieces
        if group and fits and _GLUE.fullmatch(gap) and not _belongs_behind(pointer, following, group, gap):
            group.add(pointer, prior)
        else:
            groups.append(_Group(pointer, prior))
    bookmarks: list[Bookmark] = []
    for group in groups:
        if list(group.pieces) == [Piece.SIZE]:
            lone_sizes += 1
            continue
        start, end = _with_brackets(clean, group.start, group.end, bookmarks[-1].end if bookmarks else 0)
        bookmarks.append(group.bookmark(start, end))
    return bookmarks, lone_sizes


def _belongs_behind(size: Pointer, following: Pointer | None, group: _Group, gap: str) -> bool:
    """Is a size nearer to the reference that follows, in a bookmark with a reference of its own?"""
    return (
        size.piece is Piece.SIZE
        and following is not None
        and following.piece is Piece.REFERENCE
        and Piece.REFERENCE in group.pieces
        and following.start - size.end < len(gap)
    )


def _is_prior(pointer: Pointer, clean: str, position: int) -> bool:
    """Does a piece belong to an earlier study?"""
    before = clean[max(position, pointer.start - _FURTHEST) : pointer.start]
    if _PRIOR_BEFORE.search(before):
        return True
    return pointer.piece is not Piece.SIZE and _PRIOR_AFTER.match(clean, pointer.end) is not None


def _is_aside(gap: str) -> bool:
    """Does a gap hold nothing but what introduces an earlier size?"""
    prior = _PRIOR_BEFORE.search(gap)
    return prior is not None and _GLUE.fullmatch(gap, 0, prior.start()) is not None


def _with_brackets(clean: str, start: int, end: int, earliest: int) -> tuple[int, int]:
    """A span with the brackets that it opens or closes, and those right around it."""
    depth = 0
    for character in clean[start:end]:
        if character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
    for _ in range(8):
        before = len(clean[max(earliest, start - 4) : start].rstrip(" \n")) + max(earliest, start - 4)
        following = clean[end : end + 4]
        after = end + len(following) - len(following.lstrip(" \n"))
        opens = before > earliest and clean[before - 1] in _OPENING
        closes = after < len(clean) and clean[after] in _CLOSING
        if closes and depth > 0:
            end, depth = after + 1, depth - 1
        elif opens and depth < 0:
            start, depth = before - 1, depth + 1
        elif opens and closes and depth == 0:
            start, end = before - 1, after + 1
        else:
            break
    return start, end
