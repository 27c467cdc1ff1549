"""Dates of studies, in the forms that can be understood in one way only."""

from __future__ import annotations

import re
from datetime import date

_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ].{1,32})?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{2,6}(?:\.\d{1,6})?)?")
_SHORT = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:[T ].{1,32})?")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4})")
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


def iso_date(value: str) -> str:
    """A date as ISO 8601 (``2015-03-24``); "" for nothing.

    Understood: ISO dates and date-times, DICOM's DA and DT (PS3.5, 6.2: ``20150324``), ``24 March 2015``,
    ``Mar 24, 2015`` and ``24-MAR-2015``, and ``3/24/2015``, ``24.3.2015`` where only one of the two can be the month.

    Raises:
        ValueError: it is no date, or could be two. The message does not hold it.
    """
    text = value.strip()
    if not text:
        return ""
    if found := _ISO.fullmatch(text):
        return date(int(found[1]), int(found[3]), int(found[4])).isoformat()
    if found := _COMPACT.fullmatch(text):
        return date(int(found[1]), int(found[2]), int(found[3])).isoformat()
    if found := _DAY_FIRST.fullmatch(text):
        return date(int(found[3]), _month(found[2]), int(found[1])).isoformat()
    if found := _MONTH_FIRST.fullmatch(text):
        return date(int(found[3]), _month(found[1]), int(found[2])).isoformat()
    if found := _SHORT.fullmatch(text):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        if first != second and max(first, second) <= 12:
            raise ValueError("day and month cannot be told apart")
        return date(year, min(first, second), max(first, second)).isoformat()
    raise ValueError("no date in a known form")


def _month(name: str) -> int:
    lower = name.lower()
    for number, month in enumerate(_MONTHS, 1):
        if lower == month or lower == month[:3] or (lower == "sept" and number == 9):
            return number
    raise ValueError("no month of that name")
