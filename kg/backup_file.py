"""Backup files: a ZIP with a manifest that names every other member with its size and SHA-256."""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Any

from kg.errors import InputError
from kg.schema import SCHEMA_VERSION

MANIFEST = "lesionkg-backup.json"
FORMAT = 1
"""Version of the manifest."""

ENGINE, PORTABLE = "engine", "portable"
"""Kinds: the embedded engine's files, or lines that any graph can load."""

_CHUNK = 1 << 20
_NAME = re.compile(r"[\w][\w.-]*")


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside: its size in bytes and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes:
        kind: ``engine`` or ``portable``.
        created: when it was made, ISO 8601, UTC.
        schema_version: of the graph.
        nodes: number of nodes, but for the schema stamp.
        relationships: number of relationships.
        content_hash: SHA-256 over all of them, see :mod:`kg.graph_lines`.
        revision: number of the newest revision; 0 in a graph without ontology.
        ontology: its name.
        ontology_hash: as stamped on it.
        matrix_hashes: as stamped on it, by label set.
        files: the members.
        format: version of this manifest.
    """

    kind: str
    created: str
    schema_version: int
    nodes: int
    relationships: int
    content_hash: str
    revision: int
    ontology: str
    ontology_hash: str
    matrix_hashes: Mapping[str, str]
    files: Mapping[str, Member]
    format: int = FORMAT


def finish(file: Path, manifest: Manifest) -> None:
    """Put the manifest into the ZIP and the whole onto the disk."""
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1))
    sync(file)


def members(file: Path) -> dict[str, Member]:
    """Every member with its size and SHA-256, read from the ZIP itself."""
    found = {}
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            digest = hashlib.sha256()
            with archive.open(info) as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
            found[info.filename] = Member(info.file_size, digest.hexdigest())
    return found


@contextmanager
def opened(file: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """A backup and its manifest.

    Raises:
        InputError: no such file, not a backup, damaged, or made by a newer version.
    """
    with _reading(file):
        archive = zipfile.ZipFile(file)
    with archive:
        with _reading(file):
            manifest = _manifest(file, archive)
        yield archive, manifest


def extract(file: Path, archive: zipfile.ZipFile, manifest: Manifest, folder: Path) -> None:
    """Write the members into a folder, each checked while it is written.

    Raises:
        InputError: a member is not what the manifest says.
    """
    for name, member in manifest.files.items():
        with _reading(file):
            stream = archive.open(name)
        with stream, (folder / name).open("xb") as out:
            digest = hashlib.sha256()
            size = 0
            while chunk := _read(file, stream):
                size += len(chunk)
                if size > member.size:
                    break
                digest.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        if size != member.size or digest.hexdigest() != member.sha256:
            raise _damaged(file, f"{name} has another checksum")
    sync(folder)


def sync(path: Path) -> None:
    """Put a file, or the entries of a folder, onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(file: Path, stream: IO[bytes]) -> bytes:
    with _reading(file):
        return stream.read(_CHUNK)


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """What reading a damaged ZIP raises (names that are no UTF-8 among it) as the one error it means."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{file}: does not exist; name a file that `lesionkg graph backup` wrote") from error
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise _damaged(file, "it is no whole ZIP") from error


def _manifest(file: Path, archive: zipfile.ZipFile) -> Manifest:
    names = archive.namelist()
    if MANIFEST not in names:
        raise InputError(f"{file}: is no backup of lesionkg; name a file that `lesionkg graph backup` wrote")
    try:
        value: dict[str, Any] = json.loads(archive.read(MANIFEST))
        newer = value["format"] > FORMAT or value["schema_version"] > SCHEMA_VERSION
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(file, "its manifest is not readable") from error
    if newer:
        raise InputError(f"{file}: was made by a newer version; install a newer lesionkg")
    try:
        known = {field.name: value[field.name] for field in fields(Manifest)}
        known["files"] = {str(name): Member(**member) for name, member in value["files"].items()}
        manifest = Manifest(**known)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(file, "its manifest is not readable") from error
    if sorted(names) != sorted([*manifest.files, MANIFEST]) or not all(map(_NAME.fullmatch, manifest.files)):
        raise _damaged(file, "it holds other files than its manifest says")
    if manifest.kind not in (ENGINE, PORTABLE):
        raise _damaged(file, "its manifest names no known kind")
    return manifest


def _damaged(file: Path, why: str) -> InputError:
    return InputError(f"{file}: is no backup, or damaged ({why}); use another one")
