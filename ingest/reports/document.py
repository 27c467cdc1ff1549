"""A report's text with its sections, sentences and bookmarks; all offsets are character offsets into that text."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class BookmarkKind(StrEnum):
    """What points at the image."""

    HYPERLINK = "hyperlink"
    """A hyperlink token, with or without a size and an image reference behind it."""
    REFERENCE = "reference"
    """A series and image, or an image alone, written out; usually with a size."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A place in a sentence that points at one lesion on one image.

    Attributes:
        start: first character.
        end: one past the last character; hyperlink, sizes and reference that belong together are one bookmark.
        kind: what points.
        target: id that the hyperlink carries, "" when it carries none.
        sizes_mm: one, two or three axes in mm, in the order of the text; empty when no size is given.
        series: series number, None when not given.
        image: image number; the first of a range.
        last_image: last image of a range, else None.
        prior: the reference is to an earlier study.
    """

    start: int
    end: int
    kind: BookmarkKind
    target: str = field(default="", repr=False)
    sizes_mm: tuple[float, ...] = ()
    series: int | None = None
    image: int | None = None
    last_image: int | None = None
    prior: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence.

    Attributes:
        start: first character.
        end: one past the last character.
        section: a word of a closed list (:data:`ingest.reports.sections.SECTIONS`: "findings", "impression", ...),
            "" when the text names none; never words of the report.
        organ: a word of the closed list of organ headers ("lungs", "mediastinum", ...), "" when there is none.
        bookmarks: the bookmarks inside, in the order of the text.
    """

    start: int
    end: int
    section: str = ""
    organ: str = ""
    bookmarks: tuple[Bookmark, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A report's text, divided.

    Attributes:
        text: the original text.
        clean: the same text at the same length: markup, control characters and whatever is not ASCII are spaces, so
            that an offset into one is an offset into the other. Case is kept.
        sentences: in the order of the text; they do not overlap.
        remnants: what was blanked, as words of a closed list ("html", "rtf", "control characters", ...).
        lone_sizes: number of sizes that stand in no bookmark: they point at no image.
    """

    text: str = field(repr=False)
    clean: str = field(repr=False)
    sentences: tuple[Sentence, ...]
    remnants: tuple[str, ...] = ()
    lone_sizes: int = 0
