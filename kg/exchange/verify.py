"""Whether a release folder is still what was released.

Checksums guard against damage and edits by mistake. They cannot tell who made a release: whoever can change a file can
change its checksum too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg.errors import InputError, LesionKGError
from kg.exchange.release import CHECKSUMS, FORMAT, MANIFEST, stem
from kg.matrices import RelationMatrices
from kg.owl import load_owl

_LINE = re.compile(r"([0-9a-f]{64})  ([^/\\\0]+)")
_CHUNK = 2**20
"""Bytes that are read at once."""


@dataclass(frozen=True)
class Verification:
    """What a release folder says and whether it is true.

    Attributes:
        folder: where it is.
        ontology: name of the released ontology.
        version: version of the release.
        date: date of the release.
        files: how many files the checksums list.
        problems: what is not as released, one line each; empty for a whole release.
    """

    folder: Path
    ontology: str
    version: str
    date: str
    files: int
    problems: tuple[str, ...]


def verify_release(folder: Path | str) -> Verification:
    """Compare every file with its checksum, and the ontology and its matrices with the hashes in the manifest.

    Raises:
        InputError: the folder is no release: checksums or manifest are missing, or not ours.
    """
    place = Path(folder)
    sums = _checksums(place / CHECKSUMS)
    told = _manifest(place / MANIFEST)
    problems = list(_files(place, sums))
    if not problems:
        problems = list(_content(place, told))
    return Verification(place, told["ontology"], told["version"], told["date"], len(sums), tuple(problems))


def _checksums(file: Path) -> dict[str, str]:
    """SHA-256 by file name."""
    sums = {}
    for number, line in enumerate(_text(file).splitlines(), start=1):
        found = _LINE.fullmatch(line)
        if found is None:
            raise InputError(f"{file}: line {number} is no checksum and file name; get the release again")
        sums[found[2]] = found[1]
    if MANIFEST not in sums:
        raise InputError(f"{file}: does not list {MANIFEST}; get the release again")
    return sums


def _manifest(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(_text(file))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: is not JSON; get the release again") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise InputError(f"{file}: is not of format {FORMAT}; it was made by another version or program")
    texts = ("ontology", "version", "date", "ontology_hash")
    if not all(isinstance(told.get(key), str) for key in texts) or not isinstance(told.get("matrix_hashes"), dict):
        raise InputError(f"{file}: lacks one of {', '.join((*texts, 'matrix_hashes'))}; get the release again")
    return told


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); give the folder of a release") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: is not UTF-8 text; get the release again") from error


def _files(folder: Path, sums: dict[str, str]) -> Iterator[str]:
    there = {file.name: file for file in folder.iterdir()}
    for name, digest in sorted(sums.items()):
        file = there.get(name)
        if file is None:
            yield f"{name}: is missing"
        elif file.is_symlink() or not file.is_file():
            yield f"{name}: is not a plain file"
        elif _digest(file) != digest:
            yield f"{name}: differs from its checksum"
    for name in sorted(there.keys() - sums.keys() - {CHECKSUMS}):
        yield f"{name}: was not released"


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); check its permissions") from error
    return digest.hexdigest()


def _content(folder: Path, told: dict[str, Any]) -> Iterator[str]:
    """What the manifest says and the files do not; the matrices are computed again from the ontology."""
    try:
        found = sorted(folder.glob("*.ttl"))
        if len(found) != 1:
            yield f"{MANIFEST}: {len(found)} Turtle files, not one"
            return
        ontology = load_owl(found[0])
        said = (told["ontology"], told["version"], told["ontology_hash"])
        if (ontology.name, ontology.version, ontology.content_hash) != said or found[0].stem != stem(ontology):
            yield f"{found[0].name}: its name, version or hash is not that of {MANIFEST}"
        stored = {m.label_set: m.matrix_hash for m in map(RelationMatrices.load, sorted(folder.glob("*.safetensors")))}
        computed = {s.name: RelationMatrices.from_ontology(ontology, s.name).matrix_hash for s in ontology.label_sets}
        for label_set in sorted({*stored, *computed, *told["matrix_hashes"]}):
            if len({hashes.get(label_set) for hashes in (stored, computed, told["matrix_hashes"])}) != 1:
                yield f"label set {label_set}: matrices, ontology and {MANIFEST} disagree"
    except LesionKGError as error:
        yield str(error)
