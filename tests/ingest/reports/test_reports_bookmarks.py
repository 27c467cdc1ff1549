"""Hyperlinks, sizes and references become bookmarks; what only looks like them does not."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.reports.document import Bookmark, BookmarkKind
from ingest.reports.parse import parse

HYPERLINK, REFERENCE = BookmarkKind.HYPERLINK, BookmarkKind.REFERENCE


def bookmarks(text: str) -> list[Bookmark]:
    return [bookmark for sentence in parse(text).sentences for bookmark in sentence.bookmarks]


def spans(text: str) -> list[str]:
    document = parse(text)
    return [document.clean[b.start : b.end] for s in document.sentences for b in s.bookmarks]


@pytest.mark.parametrize(
    ("reference", "series", "image", "last"),
    [
        ("(series 4, image 136)", 4, 136, None),
        ("(7:61)", 7, 61, None),
        ("[7:61]", 7, 61, None),
        ("((7:61))", 7, 61, None),
        ("(7:61-63)", 7, 61, 63),
        ("ser. 3, im. 45", 3, 45, None),
        ("series 7 image 61", 7, 61, None),
        ("series #7, image #61", 7, 61, None),
        ("Series: 7 Image: 61", 7, 61, None),
        ("SERIES 7, IMAGE 61", 7, 61, None),
        ("series number 7 image number 61", 7, 61, None),
        ("series 7 (image 61)", 7, 61, None),
        ("series 7\nimage 61", 7, 61, None),
        ("se 4 im 23", 4, 23, None),
        ("ser/im 4/23", 4, 23, None),
        ("series 7:61", 7, 61, None),
        ("S4 I136", 4, 136, None),
        ("(S4/I136)", 4, 136, None),
        ("image 33 of series 2", 2, 33, None),
        ("image 33, series 2", 2, 33, None),
        ("images 33-35 on series 2", 2, 33, 35),
        ("image 6-16", 6, 16, None),
        ("image 6:16", 6, 16, None),
        ("series 4, images 45-47", 4, 45, 47),
        ("series 4, images 45 to 47", 4, 45, 47),
        ("series 4, image 45-47", 4, 45, 47),
        ("images 45-47", None, 45, 47),
        ("image 45", None, 45, None),
        ("slice 45", None, 45, None),
        ("im. 45", None, 45, None),
        ("(4/136)", 4, 136, None),
        ("(34/45)", 34, 45, None),
    ],
)
def test_a_reference_is_read(reference: str, series: int | None, image: int, last: int | None) -> None:
    text = f"There is a nodule {reference} in the right lung."
    (bookmark,) = bookmarks(text)
    assert (bookmark.kind, bookmark.series, bookmark.image, bookmark.last_image) == (REFERENCE, series, image, last)
    assert text[bookmark.start : bookmark.end] == reference
    assert not bookmark.prior


@pytest.mark.parametrize(
    "text",
    [
        "PA and lateral at 7:34 p.m.",
        "Seen at 7:34 and again at 9:15.",
        "Discussed at (7:34) with the team.",
        "Discussed (7:34 pm) with the team.",
        "Discussed (07:34).",
        "Seen (at 7:34, in the clinic).",
        "A ratio of 2:1 is normal.",
        "A ratio of (2:1) is normal.",
        "Gleason (3:4).",
        "Compared with 3/4/2015 and 2015-03-04.",
        "Compared with (3/4/2015).",
        "About 1/2 of it, (1/2) or (3/4).",
        "Seen in (4/23) and (4/2015) and (12/50).",
        "Levels L4:5 and L4/5 and S1 and T12.",
        "Pain 7/10.",
        "A series of 3 images was made.",
        "Four images: 2 views.",
        "Images 3 mm apart.",
        "IM 10 mg was given.",
        "Slice thickness 5 mm.",
        "Series 4 was degraded.",
        "The bookmarked pages.",
        "She is seen 5 times, I 3.",
    ],
)
def test_what_only_looks_like_a_reference_is_none(text: str) -> None:
    assert bookmarks(text) == []


@pytest.mark.parametrize(
    ("size", "millimetres"),
    [
        ("12 mm", (12.0,)),
        ("2.3-cm", (23.0,)),
        (".9 cm", (9.0,)),
        ("1,5 cm", (15.0,)),
        ("5-6 mm", (6.0,)),
        ("1 to 2 cm", (20.0,)),
        ("15.2 centimeters", (152.0,)),
        ("1.0 cm x 0.9 cm", (10.0, 9.0)),
        ("1.0 x 0.9 cm", (10.0, 9.0)),
        ("1.0 × 0.9 cm", (10.0, 9.0)),
        ("3.1 by 2.0 cm", (31.0, 20.0)),
        ("1 cm x 9 mm", (10.0, 9.0)),
        ("12x9x8mm", (12.0, 9.0, 8.0)),
        ("3 cm AP x 2 cm TR x 1 cm CC", (30.0, 20.0, 10.0)),
        ("3 cm (AP) x 2 cm (transverse)", (30.0, 20.0)),
        ("3.1 (AP) x 2 (TR) cm", (31.0, 20.0)),
        ("3 AP x 2 TR x 1 CC cm", (30.0, 20.0, 10.0)),
    ],
)
def test_a_size_is_read_in_millimetres(size: str, millimetres: tuple[float, ...]) -> None:
    assert [bookmark.sizes_mm for bookmark in bookmarks(f"A nodule BOOKMARK ({size}) in the lung.")] == [millimetres]
    alone = parse(f"A nodule of {size} in the lung.")
    assert alone.sentences[0].bookmarks == ()
    assert alone.lone_sizes == 1


@pytest.mark.parametrize("text", ["4 cm2", "4 cm²", "4 cm^2", "10 mm/s", "5 mmHg", "5 mm Hg", "5 cm H2O", "T1.2 cmx"])
def test_other_units_are_no_sizes(text: str) -> None:
    assert parse(f"It is {text} there.").lone_sizes == 0


@pytest.mark.parametrize("text", ["2 cm above the carina", "2 cm from the apex", "2 cm superior to it"])
def test_a_distance_is_no_size(text: str) -> None:
    (bookmark,) = bookmarks(f"A nodule (4:20) {text}.")
    assert bookmark.sizes_mm == ()


def test_what_it_came_from_is_no_distance() -> None:
    assert parse("Decreased to 1.2 cm from the prior 1.5 cm.").lone_sizes == 2


@pytest.mark.parametrize(
    ("token", "target"),
    [
        ("BOOKMARK", ""),
        ("OTHER_BMK", ""),
        ("BMK", ""),
        ("bookmark", ""),
        ("BOOKMARK_12", "12"),
        ("BOOKMARK12", "12"),
        ("BOOKMARK#12", "12"),
        ("BOOKMARK_a1B", "a1B"),
        ("[BOOKMARK 12]", "12"),
        ("<BOOKMARK_12>", "12"),
    ],
)
def test_a_hyperlink_token_is_read(token: str, target: str) -> None:
    text = f"A large nodule {token} in the right middle lobe."
    (bookmark,) = bookmarks(text)
    assert (bookmark.kind, bookmark.target) == (HYPERLINK, target)
    assert text[bookmark.start : bookmark.end] == token


def test_the_words_of_a_link_stay_words() -> None:
    text = 'A <a href="http://pacs/7">solid nodule</a> and <a href="#8"><u>BOOKMARK</u></a> and a [cyst](#9).'
    document = parse(text)
    found = document.sentences[0].bookmarks
    assert [bookmark.target for bookmark in found] == ["http://pacs/7", "#8", "#9"]
    outside = list(document.clean)
    for bookmark in found:
        outside[bookmark.start : bookmark.end] = " " * (bookmark.end - bookmark.start)
    assert "".join(outside).split() == ["A", "solid", "nodule", "and", "and", "a", "[cyst", "."]


def test_numbers_inside_a_target_are_no_reference() -> None:
    (bookmark,) = bookmarks("A [cyst](http://pacs/series-4/image-5/image-6-16) there.")
    assert (bookmark.series, bookmark.image) == (None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The first two: Yan et al., 2020, sentence tokenisation; LesaNet, figure 1.
        pytest.param(
            "left upper lobe <u>BOOKMARK</u> (1.0 cm x 0.9 cm) (series 4, image 136) and left lower lobe",
            [{"kind": HYPERLINK, "sizes_mm": (10.0, 9.0), "series": 4, "image": 136}],
            id="hyperlink, size and reference",
        ),
        pytest.param(
            "BOOKMARK in the right middle lobe, OTHER_BMK in the right lower lobe",
            [{"kind": HYPERLINK}, {"kind": HYPERLINK}],
            id="two hyperlinks",
        ),
        pytest.param(
            "a nodule measuring 1.2 cm (4:20)", [{"sizes_mm": (12.0,), "series": 4, "image": 20}], id="size first"
        ),
        pytest.param(
            "a nodule (4:20) measuring up to 1.2 cm",
            [{"sizes_mm": (12.0,), "series": 4, "image": 20}],
            id="size behind",
        ),
        pytest.param(
            "nodules, 1.0 cm (4:20) and 2.0 cm (4:30)",
            [{"sizes_mm": (10.0,), "image": 20}, {"sizes_mm": (20.0,), "image": 30}],
            id="size and reference twice",
        ),
        pytest.param(
            "nodules (4:20), 2.0 cm (4:30)", [{"image": 20}, {"sizes_mm": (20.0,), "image": 30}], id="nearer reference"
        ),
        pytest.param(
            "BOOKMARK 1.2 cm, BOOKMARK_2 1.5 cm",
            [{"kind": HYPERLINK, "sizes_mm": (12.0,)}, {"kind": HYPERLINK, "sizes_mm": (15.0,), "target": "2"}],
            id="hyperlink and size twice",
        ),
        pytest.param("a nodule (7:61, 1.2 cm)", [{"sizes_mm": (12.0,), "series": 7, "image": 61}], id="one bracket"),
        pytest.param(
            "nodules on series 4, images 45, 46 and 50",
            [{"series": 4, "image": 45}, {"series": 4, "image": 46}, {"series": 4, "image": 50}],
            id="list of images",
        ),
        pytest.param(
            "1.2 cm, previously 0.9 cm (4:20)",
            [{"sizes_mm": (12.0,), "image": 20, "prior": False}],
            id="the reference of the current size",
        ),
        pytest.param(
            "1.5 cm (previously 1.2 cm) (2:8)",
            [{"sizes_mm": (15.0,), "image": 8, "prior": False}],
            id="prior size in brackets",
        ),
        pytest.param(
            "previously 1.2 cm, now 1.5 cm (2:8)",
            [{"sizes_mm": (15.0,), "image": 8, "prior": False}],
            id="now",
        ),
        pytest.param(
            "1.5 cm (2:8), previously 1.2 cm (3:18)",
            [{"sizes_mm": (15.0,), "image": 8, "prior": False}, {"sizes_mm": (12.0,), "image": 18, "prior": True}],
            id="now and before",
        ),
        pytest.param("unchanged from prior (series 3, image 5)", [{"image": 5, "prior": True}], id="prior"),
        pytest.param("compared with (series 3, image 5)", [{"image": 5, "prior": True}], id="compared with"),
        pytest.param("on the study of 3/14/2015 (3:5)", [{"image": 5, "prior": True}], id="on the study of"),
        pytest.param("1.2 cm (3:5) on the prior study", [{"sizes_mm": (12.0,), "prior": True}], id="prior behind"),
        pytest.param(
            "compared with the prior study, there is a nodule (4:20)",
            [{"image": 20, "prior": False}],
            id="a new clause is about now",
        ),
    ],
)
def test_what_belongs_together_is_one_bookmark(text: str, expected: list[dict[str, Any]]) -> None:
    found = bookmarks(text)
    assert [{name: getattr(b, name) for name in e} for b, e in zip(found, expected, strict=True)] == expected


def test_a_bookmark_takes_its_brackets_with_it() -> None:
    assert spans("a nodule ((1.0 cm) [series 4, image 136]) here") == ["((1.0 cm) [series 4, image 136])"]
    assert spans("(a nodule (4:20))") == ["(4:20)"]


@pytest.mark.parametrize("text", ["A (BOOKMARK liver) mass", "A ((BOOKMARK liver)) mass"])
def test_a_word_behind_a_token_in_brackets_is_a_word(text: str) -> None:
    (bookmark,) = bookmarks(text)
    assert (text[bookmark.start : bookmark.end], bookmark.target) == ("BOOKMARK", "")


def test_a_number_of_lesions_behind_a_list_of_images_is_no_image() -> None:
    found = bookmarks("Cysts (series 4, images 12 and 14), and on series 5, images 20 and 3 lesions")
    assert [bookmark.image for bookmark in found] == [12, 14, 20]


def test_spaces_within_brackets_do_not_matter() -> None:
    assert spans("A ( BOOKMARK ) mass") == ["( BOOKMARK )"]


def test_nested_brackets_do_not_matter() -> None:
    assert [b.image for b in bookmarks("(" * 500 + "a nodule (7:61)" + ")" * 400)] == [61]


def test_the_public_chest_reports_hold_no_bookmark(indiana_texts: list[str]) -> None:
    documents = [parse(text) for text in indiana_texts]
    assert sum(len(sentence.bookmarks) for document in documents for sentence in document.sentences) == 0
    assert sum(document.lone_sizes for document in documents) == 152
