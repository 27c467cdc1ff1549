"""Dates are read where they can mean one day only."""

from __future__ import annotations

import pytest

from ingest.reports.dates import iso_date


@pytest.mark.parametrize(
    "value",
    [
        "2015-03-24", "20150324", "2015/03/24", "2015.3.24", "2015-03-24T10:11:12", "2015-03-24 10:11",
        "20150324101112.5",
        "24 March 2015", "24-MAR-2015", "24th Mar. 2015", "March 24, 2015", "Mar 24 2015", "3/24/2015",
        "24/3/2015",        "24.03.2015", " 2015-03-24 ",
    ],
)  # fmt: skip
def test_a_date_becomes_iso_8601(value: str) -> None:
    assert iso_date(value) == "2015-03-24"


def test_a_day_that_is_its_month_is_sure_and_nothing_stays_nothing() -> None:
    assert iso_date("4/4/2015") == "2015-04-04"
    assert iso_date(" ") == ""


@pytest.mark.parametrize(
    "value",
    ["3/4/2015", "03.04.2015", "3/24/15", "2015-02-30", "20151301", "24 Foo 2015", "yesterday", "2015", "1" * 40],
)
def test_what_is_no_date_or_two_is_refused_without_repeating_it(value: str) -> None:
    with pytest.raises(ValueError) as caught:
        iso_date(value)
    assert value not in str(caught.value)
