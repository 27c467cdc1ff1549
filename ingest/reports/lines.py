"""Text files, line by line: byte order marks, undecodable bytes, and lines of any length."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ingest.reports.check import LONGEST_REPORT
from kg.errors import InputError, UsageError

LONGEST_LINE = 2 * LONGEST_REPORT
"""Characters that are read of one line at most, so that no file can fill the memory."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def encoding_of(start: bytes, encoding: str) -> str:
    """The encoding that a byte order mark names, else the one given."""
    return next((name for mark, name in _MARKS if start.startswith(mark)), encoding)


def require_encoding(encoding: str) -> None:
    """Refuse an encoding that Python does not know.

    Raises:
        UsageError: there is no such encoding.
    """
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise UsageError(f"encoding {encoding}: is unknown; name one like utf-8, latin-1 or cp1252") from error


@contextmanager
def opened(path: Path, encoding: str) -> Iterator[TextIO]:
    """A text file, line ends kept; bytes that do not decode become lone surrogates.

    Raises:
        InputError: it cannot be opened.
    """
    try:
        binary = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    with binary:
        name = encoding_of(binary.peek(4)[:4], encoding)
        with io.TextIOWrapper(binary, encoding=name, errors="surrogateescape", newline="") as text:
            yield text
