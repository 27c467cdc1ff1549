"""The checks that every report goes through, whatever it was read from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ingest.reports.dates import iso_date
from ingest.reports.report import Report, ReportProblem

LONGEST_REPORT = 20_000_000
"""Characters; a report beyond is refused. Real ones have thousands; one of 10 MB is still mined, in seconds."""

LONGEST_ID = 200
"""Characters; a longer id is taken for a column of something else."""

_BROKEN = re.compile("[\ud800-\udfff]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_RECENT = 1 << 14


def checked(
    where: str,
    report: str,
    texts: Sequence[tuple[str, str]],
    patient: str = "",
    study: str = "",
    date: str = "",
    encoding: str = "utf-8",
) -> Iterator[Report | ReportProblem]:
    """A report, or why it is none; a warning before it when its date cannot be understood.

    Args:
        where: where it stands, for one without a usable id.
        report: its id.
        texts: column names and texts; several are joined, each under its name as a header.
        patient: the patient's id.
        study: the study's id.
        date: date of the study, in any form.
        encoding: what the source was decoded as; bytes that do not decode arrive as lone surrogates (PEP 383).
    """
    report = report.strip()
    if not report:
        yield ReportProblem(where, "has no report id")
        return
    if len(report) > LONGEST_ID or _UNPRINTABLE.search(report) or _BROKEN.search(report):
        yield ReportProblem(where, "its report id is too long or not printable; is it the right column?")
        return
    parts = [(name, text) for name, text in texts if text.strip()]
    text = parts[0][1] if len(texts) == 1 and parts else "\n\n".join(f"{_header(name)}\n{text}" for name, text in parts)
    if not text:
        yield ReportProblem(report, "has no text")
    elif len(text) > LONGEST_REPORT:
        yield ReportProblem(report, f"is longer than {LONGEST_REPORT:,} characters; divide it")
    elif any(_BROKEN.search(value) for value in (text, patient, study, date)):
        yield ReportProblem(report, f"is not valid {encoding}; name its encoding")
    else:
        try:
            day = iso_date(date)
        except ValueError as error:
            day = ""
            yield ReportProblem(report, f"its date is left empty: {error}; write it as YYYY-MM-DD", left_out=False)
        yield Report(report, text, patient.strip(), study.strip(), day)


def _header(column: str) -> str:
    return f"{column.strip().replace('_', ' ')}:"


class SeenIds:
    """The ids of a batch, at about 8 bytes each: 64-bit hashes, sorted, with the latest ones in a set.

    Two of ten million different ids share a hash with a probability of 3 in a million.
    """

    def __init__(self) -> None:
        self._sorted: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._recent: set[int] = set()

    def add(self, name: str) -> bool:
        """Remember an id.

        Returns:
            Whether it was new.
        """
        value = hash(name)
        if value in self._recent:
            return False
        place = int(np.searchsorted(self._sorted, value))
        if place < self._sorted.size and self._sorted[place] == value:
            return False
        self._recent.add(value)
        if len(self._recent) >= _RECENT:
            fresh = np.fromiter(self._recent, np.int64, len(self._recent))
            self._sorted = np.sort(np.concatenate([self._sorted, fresh]), kind="stable")
            self._recent.clear()
        return True
