"""Links the bookmarks of one study's reports to the marks that the vault knows, and makes new lesions where allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from ingest.marks import MOST_NUMBER, MarkRow
from ingest.mining.mine_report import hidden_target
from ingest.reports.document import Bookmark
from ingest.reports.link import LesionPlace, Outcome, link
from ingest.vault import Mark

MISSING = "its lesion is not in the graph"


@dataclass(frozen=True, slots=True)
class Found:
    """What a bookmark points at.

    Attributes:
        lesion: id of the lesion, "" when it was linked to none.
        reason: what decided, in words of a closed list.
        ambiguous: several lesions fit.
    """

    lesion: str
    reason: str
    ambiguous: bool = False


class StudyLinks:
    """Links bookmarks one by one, in the order of the reports, so that any number of workers gives the same.

    Args:
        marks: the marks of the study.
        missing: lesions of another origin that the graph does not hold (any more).
        make: makes the mark of a new lesion; None when bookmarks shall make none.
    """

    def __init__(
        self, marks: Sequence[Mark], missing: Set[str], make: Callable[[Bookmark], Mark] | None = None
    ) -> None:
        self.marks = list(marks)
        self.new: list[Mark] = []
        self._places = [_place(mark) for mark in marks]
        self._missing = missing
        self._make = make

    def find(self, bookmark: Bookmark) -> Found:
        """The lesion that a bookmark points at, made when it may be."""
        (found,) = link([bookmark], self._places)
        lesions = set(found.lesions)  # one lesion may be marked on several images
        if len(lesions) > 1:
            return Found("", found.reason, ambiguous=True)
        if lesions:
            (lesion,) = lesions
            return Found("", MISSING) if lesion in self._missing else Found(lesion, found.reason)
        if found.outcome == Outcome.UNLINKED and self._make and _says_where(bookmark):
            mark = self._make(bookmark)
            self.marks.append(mark)
            self.new.append(mark)
            self._places.append(_place(mark))
            return Found(mark.lesion, found.reason)
        return Found("", found.reason)


def new_row(bookmark: Bookmark, patient: str, study: str) -> MarkRow:
    """The row that a lesion table would have for the lesion of a bookmark with series and image."""
    sizes = sorted(bookmark.sizes_mm, reverse=True)
    return MarkRow(
        row=0,
        patient=patient,
        study=study,
        series=bookmark.series or 0,
        image=bookmark.image or 0,
        long_mm=sizes[0] if sizes else None,
        short_mm=sizes[1] if len(sizes) > 1 else None,
    )


def _place(mark: Mark) -> LesionPlace:
    sizes = tuple(size for size in (mark.long_mm, mark.short_mm) if size is not None)
    return LesionPlace(mark.lesion, mark.series_number, mark.image, sizes, hidden_target(mark.bookmark))


def _says_where(bookmark: Bookmark) -> bool:
    """In this study, and in numbers that DICOM allows."""
    numbers = (bookmark.series, bookmark.image)
    return not bookmark.prior and all(number is not None and number <= MOST_NUMBER for number in numbers)
