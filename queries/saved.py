"""Saved queries: files that everybody who uses the data folder may run.

A file ``queries/NAME.cypher`` begins with comment lines as a named query does, of which only the title must be there::

    // title: Large lesions of the liver
    // author: anna
    // param least: number = 50 -- smallest long diameter in mm
    MATCH ...
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kg.errors import ConflictError, LesionKGError, UsageError
from queries.catalogue import catalogue
from queries.free import header
from queries.guard import read_only
from queries.parameters import Parameter

SUFFIX = ".cypher"
MOST_BYTES = 100_000
"""Size of a file above which it is not read."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_AUTHOR = re.compile(r"// author: (?P<author>.+)")
_WRITTEN = ("// title: ", "// question: ", "// author: ")


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A saved query.

    Attributes:
        name: its file's name without ``.cypher``.
        title: a few words.
        question: the question it answers; may be empty.
        author: who saved it; empty for a file that was put there by hand.
        parameters: those that its comment lines describe.
        text: the whole file.
        problem: why it cannot be run; empty when it can.
    """

    name: str
    title: str
    question: str
    author: str
    parameters: tuple[Parameter, ...]
    text: str
    problem: str = ""


class SavedQueries:
    """The saved queries of a data folder; processes and threads may share it.

    Args:
        folder: made with the first query.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[SavedQuery]:
        """Every query, by name; a damaged file is among them with its problem. Other files are passed over."""
        if not self.folder.is_dir():
            return []
        names = sorted(path.name.removesuffix(SUFFIX) for path in self.folder.glob(f"*{SUFFIX}"))
        return [_read(self.folder, name) for name in names if _NAME.fullmatch(name) and self._path(name).is_file()]

    def read(self, name: str) -> SavedQuery:
        """The query of this name.

        Raises:
            UsageError: there is none.
        """
        _require_name(name)
        if not self._path(name).is_file():
            raise UsageError(f"saved query {name!r}: there is none; the query page lists those that are there")
        return _read(self.folder, name)

    def save(self, name: str, title: str, text: str, author: str, question: str = "", over: bool = False) -> SavedQuery:
        """Write a query, whole or not at all.

        Args:
            name: lower-case letters, digits and hyphens.
            title: a few words, one line.
            text: Cypher that only reads; comment lines with title, question and author are replaced.
            author: who saves it.
            question: the question it answers, one line.
            over: write it in place of one of that name.

        Raises:
            UsageError: the name, title or a comment line does not fit, or a named query has the name.
            QueryRefusedError: the text does not only read.
            ConflictError: there is one of that name already.
            LesionKGError: the file cannot be written.
        """
        _require_name(name)
        if name in catalogue():
            raise UsageError(f"saved query {name!r}: a named query has this name; choose another")
        said = zip(_WRITTEN, (title, question, author), strict=True)
        lines = [f"{start}{_line(one, start)}" for start, one in said if one.strip()]
        if not title.strip():
            raise UsageError(f"saved query {name!r}: has no title; give a few words")
        body = "\n".join(_without(text.splitlines())).strip()
        whole = "\n".join((*lines, body)) + "\n"
        read_only(whole)
        header(name, whole)
        if len(whole.encode()) > MOST_BYTES:
            raise UsageError(f"saved query {name!r}: longer than {MOST_BYTES:,} bytes; shorten it")
        self._write(name, whole, over)
        return self.read(name)

    def remove(self, name: str) -> None:
        """Remove a query.

        Raises:
            UsageError: there is none of this name.
        """
        _require_name(name)
        try:
            self._path(name).unlink()
        except FileNotFoundError:
            raise UsageError(f"saved query {name!r}: there is none; somebody may have removed it") from None
        except OSError as error:
            raise LesionKGError(
                f"saved query {name!r}: cannot be removed ({error.strerror}); check the rights of {self.folder}"
            ) from error

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{SUFFIX}"

    def _write(self, name: str, whole: str, over: bool) -> None:
        """Write beside it and move into place; without ``over`` by a link, which fails where a file is."""
        partial = ""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor, partial = tempfile.mkstemp(prefix=f".{name}.", dir=self.folder)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(whole)
                stream.flush()
                os.fsync(stream.fileno())
            if over:
                Path(partial).replace(self._path(name))
            else:
                os.link(partial, self._path(name))
        except FileExistsError:
            raise ConflictError(
                f"saved query {name!r}: there is one already; choose another name, or replace it"
            ) from None
        except OSError as error:
            raise LesionKGError(
                f"saved query {name!r}: cannot be written ({error.strerror}); check the rights of {self.folder}"
            ) from error
        finally:
            if partial:
                Path(partial).unlink(missing_ok=True)


def _read(folder: Path, name: str) -> SavedQuery:
    text = ""
    try:
        path = folder / f"{name}{SUFFIX}"
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"saved query {name!r}: longer than {MOST_BYTES:,} bytes; shorten it")
        text = path.read_text(encoding="utf-8")
        facts, parameters, _ = header(name, text)
        read_only(text)
    except (OSError, UnicodeDecodeError, LesionKGError) as error:
        problem = str(error) if isinstance(error, LesionKGError) else f"saved query {name!r}: cannot be read"
        return SavedQuery(name, name, "", _author(text), (), text, problem)
    described = tuple(parameters.values())
    return SavedQuery(name, facts.get("title", name), facts.get("question", ""), _author(text), described, text)


def _author(text: str) -> str:
    found = next((match for line in _head(text.splitlines()) if (match := _AUTHOR.fullmatch(line))), None)
    return found["author"].strip() if found else ""


def _head(lines: Iterable[str]) -> list[str]:
    head = []
    for line in lines:
        if not line.startswith("//"):
            break
        head.append(line)
    return head


def _without(lines: list[str]) -> list[str]:
    head = _head(lines)
    return [line for line in head if not line.startswith(_WRITTEN)] + lines[len(head) :]


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"saved query {name!r}: no name for a file; use up to 64 lower-case letters, digits and hyphens"
        )


def _line(said: str, start: str) -> str:
    said = said.strip()
    if not said.isprintable() or len(said) > 200:
        raise UsageError(f"saved query: its {start.strip('/: ')} is no line of at most 200 characters; shorten it")
    return said
