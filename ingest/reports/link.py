"""Which lesion does a bookmark point at? One decision for each bookmark of a report; nothing is guessed.

Within the lesions of the report's study:

1. a hyperlink's target that one lesion carries decides;
2. else the image: lesions of the series on the image itself (any image of a range), and only where there is none, those
   within the tolerance, for reports count images differently from viewers now and then;
3. a reference without a series is looked for in all series of the study;
4. where the bookmark and a lesion have sizes, the longest axes must agree within the tolerance: this decides between
   two lesions on one image, and keeps a bookmark from a lesion of another size where its own is not known;
5. whatever fits two lesions is ambiguous, and linked to neither.

A reference to an earlier study is only compared with that study's lesions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ingest.reports.document import Bookmark


class Outcome(StrEnum):
    """What became of a bookmark."""

    LINKED = "linked"
    """One lesion fits."""
    UNLINKED = "unlinked"
    """None fits."""
    AMBIGUOUS = "ambiguous"
    """Several fit."""


class Reason(StrEnum):
    """What decided."""

    TARGET = "hyperlink target"
    IMAGE = "image"
    SIZE = "image and size"
    SEVERAL = "several lesions fit"
    NO_IMAGE = "points at no image"
    NO_LESION = "no lesion there"
    OTHER_SIZE = "the lesion there has another size"
    PRIOR = "points at an earlier study"


@dataclass(frozen=True, slots=True)
class LesionPlace:
    """Where a lesion is; one that is marked on several images has several places.

    Attributes:
        id: the lesion's id.
        series: series number, None when unknown: then every series of a reference fits.
        image: image number; None when unknown: then no reference fits.
        sizes_mm: its axes, in any order; empty when unknown.
        target: what hyperlinks to it carry, "" when unknown.
    """

    id: str
    series: int | None = None
    image: int | None = None
    sizes_mm: tuple[float, ...] = ()
    target: str = ""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a bookmark and its lesion may be apart.

    Attributes:
        images: images, where no lesion is on the image itself.
        size_mm: difference of the longest axes, in mm; infinity leaves sizes out.
    """

    images: int = 1
    size_mm: float = 5.0


@dataclass(frozen=True, slots=True)
class Link:
    """What became of one bookmark.

    Attributes:
        bookmark: index of the bookmark.
        outcome: linked, unlinked or ambiguous.
        lesions: ids: the one lesion, none, or those between which nothing decides, sorted.
        reason: what decided.
    """

    bookmark: int
    outcome: Outcome
    lesions: tuple[str, ...]
    reason: Reason


def link(
    bookmarks: Sequence[Bookmark],
    lesions: Sequence[LesionPlace],
    tolerance: Tolerance = Tolerance(),
    prior_lesions: Sequence[LesionPlace] = (),
) -> tuple[Link, ...]:
    """Match the bookmarks of a report with lesions.

    Args:
        bookmarks: all of one report.
        lesions: those of the report's patient and study.
        tolerance: how far apart is still a match.
        prior_lesions: those of the earlier study it compares with, where that is known.

    Returns:
        One link for each bookmark, in the same order.
    """
    return tuple(
        _link(index, bookmark, prior_lesions if bookmark.prior else lesions, tolerance)
        for index, bookmark in enumerate(bookmarks)
    )


def _link(index: int, bookmark: Bookmark, lesions: Sequence[LesionPlace], tolerance: Tolerance) -> Link:
    if bookmark.prior and not lesions:
        return Link(index, Outcome.UNLINKED, (), Reason.PRIOR)
    pointed = [lesion for lesion in lesions if bookmark.target and lesion.target == bookmark.target]
    if len(_ids(pointed)) == 1:
        return Link(index, Outcome.LINKED, _ids(pointed), Reason.TARGET)
    if bookmark.image is None:
        if pointed:
            return _decided(index, pointed, bookmark, tolerance, Reason.TARGET)
        return Link(index, Outcome.UNLINKED, (), Reason.NO_LESION if bookmark.target else Reason.NO_IMAGE)
    there = _on_image(bookmark, pointed or lesions, 0) or _on_image(bookmark, pointed or lesions, tolerance.images)
    return _decided(index, there, bookmark, tolerance, Reason.IMAGE)


def _on_image(bookmark: Bookmark, lesions: Sequence[LesionPlace], images: int) -> list[LesionPlace]:
    first = bookmark.image or 0
    last = bookmark.last_image or first
    return [
        lesion
        for lesion in lesions
        if lesion.image is not None
        and first - images <= lesion.image <= last + images
        and (bookmark.series is None or lesion.series is None or lesion.series == bookmark.series)
    ]


def _decided(
    index: int, there: Sequence[LesionPlace], bookmark: Bookmark, tolerance: Tolerance, reason: Reason
) -> Link:
    if not there:
        return Link(index, Outcome.UNLINKED, (), Reason.NO_LESION)
    fitting = [lesion for lesion in there if _sizes_agree(bookmark.sizes_mm, lesion.sizes_mm, tolerance)]
    if not fitting:
        return Link(index, Outcome.UNLINKED, (), Reason.OTHER_SIZE)
    ids = _ids(fitting)
    if len(ids) > 1:
        return Link(index, Outcome.AMBIGUOUS, ids, Reason.SEVERAL)
    return Link(index, Outcome.LINKED, ids, reason if ids == _ids(there) else Reason.SIZE)


def _ids(lesions: Sequence[LesionPlace]) -> tuple[str, ...]:
    return tuple(sorted({lesion.id for lesion in lesions}))


def _sizes_agree(one: Sequence[float], other: Sequence[float], tolerance: Tolerance) -> bool:
    """Where a size is unknown, nothing speaks against it."""
    return not one or not other or abs(max(one) - max(other)) <= tolerance.size_mm
