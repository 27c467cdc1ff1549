"""Which lesion each bookmark of a study's reports points at."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from ingest.marks import MarkRow
from ingest.mining.mine_report import hidden_target
from ingest.reports.document import Bookmark
from ingest.vault import Mark

_MOST_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Found:
    """What a bookmark points at.

    Attributes:
        lesion: id of the lesion, "" when none was found.
        reason: why none was found; words of a closed list.
        ambiguous: several lesions fit.
    """

    lesion: str = ""
    reason: str = ""
    ambiguous: bool = False


class StudyLinks:
    """Links the bookmarks of one study's reports, in the order in which they come.

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
        self._missing = missing
        self._make = make

    def link(self, bookmark: Bookmark) -> Found:
        """The lesion that a bookmark points at, made when it may be."""
        fitting = _fitting(bookmark, self.marks)
        if len(fitting) > 1:
            return Found(reason="several lesions fit", ambiguous=True)
        if fitting:
            (lesion,) = fitting
            return Found(reason="lesion not in the graph") if lesion in self._missing else Found(lesion)
        if bookmark.prior:
            return Found(reason="refers to an earlier study")
        if self._make and _places(bookmark):
            mark = self._make(bookmark)
            self.marks.append(mark)
            self.new.append(mark)
            return Found(mark.lesion)
        if not self.marks:
            return Found(reason="no lesion of the study is known")
        return Found(
            reason="no known lesion fits" if bookmark.target or bookmark.image is not None else "names no image"
        )


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


def _places(bookmark: Bookmark) -> bool:
    """The bookmark says where the lesion is, in numbers that DICOM allows."""
    numbers = (bookmark.series, bookmark.image)
    return all(number is not None and 0 <= number <= _MOST_NUMBER for number in numbers)


def _fitting(bookmark: Bookmark, marks: Sequence[Mark]) -> list[str]:
    by_target = {m.lesion for m in marks if bookmark.target and hidden_target(m.bookmark) == bookmark.target}
    if by_target:
        return sorted(by_target)
    if bookmark.prior:
        return []
    return sorted({m.lesion for m in marks if (m.series_number, m.image) == (bookmark.series, bookmark.image)})
