"""Files as answers: with a strong ETag, unchanged ones not sent again, and parts of them on request (RFC 9110)."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from starlette.responses import Response

from lesionkg.api.problems import answer, problems

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)

KEPT = 12
"""Files that are kept ready, the ones asked for last."""


@dataclass(frozen=True)
class File:
    """A file to be downloaded.

    Attributes:
        content: its bytes.
        name: what it is saved as.
        media_type: of the content.
        identity: what the content is known by; stands in the ETag beside a hash of the bytes.
        headers: further facts.
    """

    content: bytes
    name: str
    media_type: str
    identity: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        """Strong entity tag: equal for equal bytes only."""
        return f'"{self.identity}-{hashlib.sha256(self.content).hexdigest()[:16]}"'


class Shelf:
    """The files that were built last; threads may share it."""

    def __init__(self) -> None:
        self._files: OrderedDict[Hashable, tuple[Hashable, File]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, version: Hashable, build: Callable[[], File]) -> File:
        """The file of a key, built when it is not there, or there in another version, which is forgotten."""
        with self._lock:
            found = self._files.get(key)
            if found is not None and found[0] == version:
                self._files.move_to_end(key)
                return found[1]
            self._files.pop(key, None)
        made = build()
        with self._lock:
            self._files[key] = (version, made)
            while len(self._files) > KEPT:
                self._files.popitem(last=False)
        return made


def _shelf(request: Request) -> Shelf:
    state = request.app.state
    if not hasattr(state, "shelf"):
        state.shelf = Shelf()
    shelf: Shelf = state.shelf
    return shelf


Files = Annotated[Shelf, Depends(_shelf)]


@dataclass(frozen=True)
class Conditions:
    """What a client has already, and which part it wants."""

    method: str
    none_match: str
    bytes: str
    if_range: str


def _conditions(
    request: Request,
    if_none_match: Annotated[str, Header(description="ETags of what the client has.")] = "",
    range_: Annotated[
        str, Header(alias="Range", description="One part of the file, e.g. `bytes=0-1023`; other forms send all of it.")
    ] = "",
    if_range: Annotated[str, Header(description="Send the part only if the file still has this ETag.")] = "",
) -> Conditions:
    return Conditions(request.method, if_none_match, range_, if_range)


Conditional = Annotated[Conditions, Depends(_conditions)]


def send(file: File, wanted: Conditions) -> Response:
    """Answer with the file, a part of it, or that the client has it already."""
    headers = {
        **file.headers,
        "ETag": file.etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'attachment; filename="{file.name}"',
    }
    if _matches(wanted.none_match, file.etag):
        return Response(None, 304, headers)
    size, status, content = len(file.content), 200, file.content
    part = _part(wanted.bytes, size) if wanted.if_range in ("", file.etag) else None
    if part is not None and wanted.method == "GET":
        if part.start >= part.stop:
            outside = {"Content-Range": f"bytes */{size}", "ETag": file.etag}
            return answer(416, "UsageError", f"range {wanted.bytes}: the file has {size} bytes; ask again", outside)
        status, content = 206, file.content[part]
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    headers["Content-Length"] = str(len(content))
    return Response(b"" if wanted.method == "HEAD" else content, status, headers, file.media_type)


def file_answers(media: Mapping[str, str], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented answers of a route that sends a file.

    Args:
        media: what each media type is.
        statuses: of further errors.
    """
    content = {kind: {"schema": {"type": "string", "format": "binary", "title": what}} for kind, what in media.items()}
    etag = {"ETag": {"schema": {"type": "string"}, "description": "Strong entity tag of the bytes."}}
    return {
        **problems(404, 416, *statuses),
        200: {"description": "The file.", "content": content, "headers": etag},
        206: {"description": "The part that was asked for.", "content": content, "headers": etag},
        304: {"description": "The client has it already.", "headers": etag},
    }


def _matches(header: str, etag: str) -> bool:
    """Whether an If-None-Match names the tag; the comparison is weak."""
    tags = (tag.strip().removeprefix("W/") for tag in header.split(","))
    return header.strip() == "*" or etag in tags


def _part(header: str, size: int) -> slice | None:
    """The part that a Range header names; empty when it lies outside, None when there is no such header."""
    found = _RANGE.fullmatch(header.replace(" ", ""))
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        return slice(max(size - int(last), 0), size)
    if last and int(last) < int(first):
        return None
    return slice(int(first), min(int(last) + 1 if last else size, size))
