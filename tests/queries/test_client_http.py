"""The client's way to a server: another try where that is safe, and errors of the classes that the server meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from kg import errors
from kg.errors import ConflictError, LesionKGError, NotFoundError, StoreUnreachableError, UsageError
from queries.client import Client
from queries.client_cache import FileCache
from queries.client_http import TRIES, Wire

Answer = Callable[[httpx.Request], httpx.Response]


def wire(answer: Answer, pauses: list[float]) -> Wire:
    """A wire to a made-up server that notes its pauses."""
    transport = httpx.MockTransport(answer)
    return Wire("http://server:1", "a token", 1, httpx.Client(transport=transport), pauses.append)


def failing(times: int, failure: Exception | int, seen: list[httpx.Request]) -> Answer:
    """Fails so often, then echoes."""

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if len(seen) > times:
            return httpx.Response(200, content=request.read())
        if isinstance(failure, int):
            return httpx.Response(failure, json={"error": "StoreBusyError", "message": "busy"})
        raise failure

    return answer


@pytest.mark.parametrize("failure", [httpx.ConnectError("x"), httpx.ReadError("x"), 503])
def test_a_request_that_changes_nothing_twice_is_sent_again_with_longer_pauses(failure: Exception | int) -> None:
    seen: list[httpx.Request] = []
    pauses: list[float] = []
    sent = wire(failing(3, failure, seen), pauses).send("PUT", "/x", again=True, content=lambda: iter([b"a", b"b"]))
    assert (sent.content, len(seen)) == (b"ab", 4)
    assert pauses == sorted(set(pauses))
    assert {request.headers["Authorization"] for request in seen} == {"Bearer a token"}


@pytest.mark.parametrize(("again", "tries"), [(True, TRIES), (False, 1)])
def test_after_the_last_try_it_says_who_cannot_be_reached(again: bool, tries: int) -> None:
    seen: list[httpx.Request] = []
    with pytest.raises(StoreUnreachableError, match="http://server:1"):
        wire(failing(99, httpx.ConnectError("x"), seen), []).send("POST", "/x", again=again)
    assert len(seen) == tries
    with pytest.raises(errors.StoreBusyError, match="busy"):
        wire(failing(99, 503, []), []).send("GET", "/x", again=again)


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (409, {"error": "ConflictError", "message": "one line"}, ConflictError),
        (404, {"error": "NotFoundError", "message": "one line"}, NotFoundError),
        (401, {"error": "NotSignedInError", "message": "one line"}, UsageError),
        (403, {"error": "NotAllowedError", "message": "one line"}, UsageError),
        (500, {"error": "annotations", "message": "one line"}, LesionKGError),
        (500, {"error": "InternalError", "message": "one line"}, LesionKGError),
    ],
)
def test_an_error_is_of_the_class_that_the_server_meant(
    status: int, said: dict[str, str], kind: type[LesionKGError]
) -> None:
    with pytest.raises(LesionKGError, match="one line") as caught:
        wire(lambda request: httpx.Response(status, json=said), []).send("GET", "/x", again=True)
    assert type(caught.value) is kind


def test_a_server_of_another_kind_is_called_so() -> None:
    with pytest.raises(NotFoundError, match="is it a lesionkg server"):
        wire(lambda request: httpx.Response(404, text="<html>"), []).send("GET", "/x", again=True)
    with pytest.raises(UsageError, match="is no address"):
        Client("server:8080")


def test_kept_files_are_given_back_only_whole(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache")
    assert cache.find("a") is None
    cache.keep("a", '"1"', b"x\ny")
    cache.keep("b", '"2"', b"")
    assert (cache.find("a"), cache.find("b")) == (('"1"', b"x\ny"), ('"2"', b""))
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes() + b"!")
    assert (cache.find("a"), cache.find("b")) == (None, None)
