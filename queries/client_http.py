"""Requests to a lesionkg server: the token, another try where that is safe, and errors as the server meant them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from kg import errors
from kg.errors import InputError, LesionKGError, NotFoundError, StoreUnreachableError, UsageError

TRIES = 5
"""Tries of a request that may be sent again."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 5.0
_BY_STATUS: dict[int, type[LesionKGError]] = {401: UsageError, 403: UsageError, 404: NotFoundError, 413: InputError}


class Wire:
    """The way to a server.

    Args:
        url: address of the server, e.g. ``http://127.0.0.1:8080``.
        token: who asks; None where the server asks for none.
        timeout_s: longest wait for the next bytes of an answer.
        http: what sends, instead of a client of our own: for proxies or certificates.
        pause: waits so many seconds.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        timeout_s: float,
        http: httpx.Client | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"server {url!r}: is no address; write it as http://host:8080")
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = http or httpx.Client(timeout=timeout_s)
        self._pause = pause

    def send(
        self,
        method: str,
        path: str,
        again: bool,
        headers: dict[str, str] | None = None,
        content: Callable[[], Any] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Send a request and give its answer.

        Args:
            method: of HTTP.
            path: below the address of the server.
            again: it may be sent again when no answer came, or the server could not answer just then.
            headers: further ones.
            content: makes the body anew for each try.
            options: of :meth:`httpx.Client.request`.

        Raises:
            StoreUnreachableError: no server answers.
            LesionKGError: the error that the server met, of the same class.
        """
        tries = TRIES if again else 1
        for number in range(1, tries + 1):
            try:
                answer = self._http.request(
                    method,
                    f"{self.url}{path}",
                    headers={**self._headers, **(headers or {})},
                    content=content() if content else None,
                    **options,
                )
            except httpx.TimeoutException as error:
                raise StoreUnreachableError(
                    f"server {self.url}: gave no answer in time ({type(error).__name__}); ask again, or for less"
                ) from error
            except httpx.HTTPError as error:
                if number == tries or not isinstance(error, httpx.TransportError):
                    raise StoreUnreachableError(
                        f"server {self.url}: cannot be reached ({type(error).__name__}); is `lesionkg serve` running "
                        "there?"
                    ) from error
            else:
                if answer.status_code != 503 or number == tries:
                    return _checked(answer, self.url)
            self._pause(min(_FIRST_PAUSE_S * 2 ** (number - 1), _LONGEST_PAUSE_S))
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """Release the connections."""
        self._http.close()


def _checked(answer: httpx.Response, url: str) -> httpx.Response:
    if answer.status_code < 400:
        return answer
    try:
        said = answer.json()
        kind, message = str(said["error"]), str(said["message"])
    except (ValueError, KeyError, TypeError):
        kind, message = "", f"server {url}: answered {answer.status_code} without a reason; is it a lesionkg server?"
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, LesionKGError):
        raise found(message)
    raise _BY_STATUS.get(answer.status_code, LesionKGError)(message)
