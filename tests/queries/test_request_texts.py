"""Texts of a request must be whole characters, wherever they stand."""

from __future__ import annotations

import pytest

from kg.errors import UsageError
from queries.request import Request

HALF = "lu\ud83dng"
FREE = "RETURN $a AS a ORDER BY a"


@pytest.mark.parametrize(
    "request_",
    [
        Request(name=HALF),
        Request(cypher=f"RETURN '{HALF}' AS a ORDER BY a"),
        Request(name="lesions-under-label", parameters={"label": HALF}),
        Request(cypher=FREE, parameters={"a": ["lung", {"b": HALF}]}),
        Request(cypher=FREE, parameters={"a": {HALF: 1}}),
    ],
    ids=["name", "text", "parameter", "nested", "key"],
)
def test_half_a_surrogate_pair_is_refused_in_one_line(request_: Request) -> None:
    with pytest.raises(UsageError, match="half of a surrogate pair") as refused:
        request_.check()
    assert len(str(refused.value).splitlines()) == 1
    str(refused.value).encode()


def test_whole_characters_beyond_the_first_plane_are_fine() -> None:
    Request(cypher=FREE, parameters={"a": ["\U0001f9e0", {"Lunge": "größer"}]}).check()
