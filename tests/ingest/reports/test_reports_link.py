"""Bookmarks are matched with lesions; what fits two is linked to neither."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.reports.document import Bookmark, BookmarkKind
from ingest.reports.link import LesionPlace, Link, Outcome, Reason, Tolerance, link

LINKED, UNLINKED, AMBIGUOUS = Outcome.LINKED, Outcome.UNLINKED, Outcome.AMBIGUOUS

LESIONS = [
    LesionPlace("a", series=4, image=136, sizes_mm=(10.0, 9.0)),
    LesionPlace("b", series=4, image=140, sizes_mm=(30.0, 20.0), target="7"),
    LesionPlace("c", series=4, image=140, sizes_mm=(12.0, 11.0)),
    LesionPlace("d", series=5, image=60, sizes_mm=(15.0, 8.0)),
    LesionPlace("e", series=6, image=60),
    LesionPlace("f", series=7, image=80),
    LesionPlace("g", series=7, image=82),
]


def bookmark(**values: Any) -> Bookmark:
    return Bookmark(0, 1, BookmarkKind.REFERENCE, **values)


@pytest.mark.parametrize(
    ("values", "outcome", "lesions", "reason"),
    [
        pytest.param({"series": 4, "image": 136}, LINKED, "a", Reason.IMAGE, id="series and image"),
        pytest.param({"series": 4, "image": 137}, LINKED, "a", Reason.IMAGE, id="one image beside"),
        pytest.param({"series": 4, "image": 134}, UNLINKED, "", Reason.NO_LESION, id="two images beside"),
        pytest.param({"series": 5, "image": 136}, UNLINKED, "", Reason.NO_LESION, id="another series"),
        pytest.param({"series": 4, "image": 134, "last_image": 138}, LINKED, "a", Reason.IMAGE, id="range"),
        pytest.param({"series": 4, "image": 140}, AMBIGUOUS, "bc", Reason.SEVERAL, id="two on one image"),
        pytest.param({"series": 4, "image": 140, "sizes_mm": (31.0,)}, LINKED, "b", Reason.SIZE, id="the size decides"),
        pytest.param({"series": 4, "image": 140, "target": "7"}, LINKED, "b", Reason.TARGET, id="the target decides"),
        pytest.param({"target": "7"}, LINKED, "b", Reason.TARGET, id="a target alone"),
        pytest.param({"target": "8"}, UNLINKED, "", Reason.NO_LESION, id="an unknown target"),
        pytest.param({"target": "8", "series": 4, "image": 136}, LINKED, "a", Reason.IMAGE, id="image instead"),
        pytest.param(
            {"series": 4, "image": 136, "sizes_mm": (40.0,)}, UNLINKED, "", Reason.OTHER_SIZE, id="another size"
        ),
        pytest.param({"image": 136}, LINKED, "a", Reason.IMAGE, id="no series, one lesion"),
        pytest.param({"image": 60}, AMBIGUOUS, "de", Reason.SEVERAL, id="no series, two lesions"),
        pytest.param({"image": 60, "sizes_mm": (15.0,)}, AMBIGUOUS, "de", Reason.SEVERAL, id="one size is unknown"),
        pytest.param({"image": 60, "sizes_mm": (40.0,)}, LINKED, "e", Reason.SIZE, id="one size does not fit"),
        pytest.param({"series": 7, "image": 81}, AMBIGUOUS, "fg", Reason.SEVERAL, id="between two"),
        pytest.param({"series": 7, "image": 80}, LINKED, "f", Reason.IMAGE, id="the image itself comes first"),
        pytest.param({"sizes_mm": (10.0,)}, UNLINKED, "", Reason.NO_IMAGE, id="no image"),
        pytest.param({"series": 4, "image": 136, "prior": True}, UNLINKED, "", Reason.PRIOR, id="an earlier study"),
    ],
)
def test_a_bookmark_is_linked_where_one_lesion_fits(
    values: dict[str, Any], outcome: Outcome, lesions: str, reason: Reason
) -> None:
    assert link([bookmark(**values)], LESIONS) == (Link(0, outcome, tuple(lesions), reason),)


def test_a_prior_bookmark_is_compared_with_the_prior_study_only() -> None:
    prior = [LesionPlace("old", series=4, image=136)]
    both = [bookmark(series=4, image=136), bookmark(series=4, image=136, prior=True)]
    assert [found.lesions for found in link(both, LESIONS, prior_lesions=prior)] == [("a",), ("old",)]


def test_two_lesions_of_one_target_are_told_apart_by_image_and_size() -> None:
    lesions = [LesionPlace("a", 1, 5, (10.0,), "x"), LesionPlace("b", 1, 9, (30.0,), "x")]
    found = link(
        [bookmark(target="x"), bookmark(target="x", series=1, image=9), bookmark(target="x", sizes_mm=(10.0,))], lesions
    )
    assert [(each.outcome, each.lesions) for each in found] == [
        (AMBIGUOUS, ("a", "b")), (LINKED, ("b",)), (LINKED, ("a",)),
    ]  # fmt: skip


def test_a_lesion_marked_on_several_images_is_one_lesion() -> None:
    lesions = [LesionPlace("a", 1, 5, (10.0,), "x"), LesionPlace("a", 1, 6, (12.0,), "x")]
    found = link([bookmark(target="x"), bookmark(series=1, image=5, last_image=6)], lesions)
    assert [(each.outcome, each.lesions) for each in found] == [(LINKED, ("a",))] * 2


def test_tolerances_can_be_set() -> None:
    near = bookmark(series=4, image=131, sizes_mm=(40.0,))
    assert link([near], LESIONS, Tolerance(images=5, size_mm=float("inf")))[0].lesions == ("a",)
    assert link([near], LESIONS, Tolerance(images=4, size_mm=float("inf")))[0].outcome is UNLINKED


def test_an_unknown_series_fits_and_an_unknown_image_does_not() -> None:
    lesions = [LesionPlace("a", image=5), LesionPlace("b", series=1)]
    assert link([bookmark(series=1, image=5)], lesions)[0].lesions == ("a",)


numbers = st.integers(0, 4)
sizes = st.lists(st.floats(1, 30), max_size=3).map(tuple)
targets = st.sampled_from(["", "x", "y"])
places = st.lists(
    st.builds(LesionPlace, st.text("abc", min_size=1), st.none() | numbers, st.none() | numbers, sizes, targets),
    max_size=6,
    unique_by=lambda place: place.id,
)
marks = st.lists(
    st.builds(
        bookmark,
        series=st.none() | numbers,
        image=st.none() | numbers,
        sizes_mm=sizes,
        target=targets,
        prior=st.booleans(),
    ),
    max_size=4,
)


@given(marks, places)
def test_the_order_of_lesions_decides_nothing_and_every_bookmark_has_a_link(
    bookmarks: list[Bookmark], lesions: list[LesionPlace]
) -> None:
    found = link(bookmarks, lesions)
    assert found == link(bookmarks, lesions[::-1])
    assert [each.bookmark for each in found] == list(range(len(bookmarks)))
    for each, mark in zip(found, bookmarks, strict=True):
        fewest, most = {LINKED: (1, 1), UNLINKED: (0, 0), AMBIGUOUS: (2, 6)}[each.outcome]
        assert fewest <= len(each.lesions) <= most
        assert not (mark.prior and each.lesions)
