"""The files of a data folder that name a patient, and what becomes of each."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from ingest.erasure_patches import erase_from_cache, find_caches, find_unfinished, lesions_in_cache
from ingest.images.patch_cache import LESIONS, PIXELS
from kg.erasure_tables import redact_tables
from kg.erasure_traces import Traces
from kg.errors import LesionKGError
from kg.relational import Database
from lesionkg.erasure.clean import clean_file
from lesionkg.erasure.place import Place
from lesionkg.erasure.runs import erase_from_run, find_runs
from lesionkg.erasure.search import UnreadableError, is_backup, names_patient

_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Named:
    """A file that names the patient, or that nobody can read.

    Attributes:
        path: the file.
        backup: it is a backup of a graph, which cannot be changed.
        unreadable: why it cannot be read; empty when it can.
    """

    path: Path
    backup: bool = False
    unreadable: str = ""


def all_files(place: Place) -> Iterator[Path]:
    """Every file below the data folder that is searched by itself; folders that are links are not entered."""
    for folder, _, names in os.walk(place.home):
        for name in sorted(names):
            path = Path(folder) / name
            if not place.is_elsewhere(path) and name != PIXELS:
                yield path


def files_naming(place: Place, traces: Traces) -> tuple[int, list[Named]]:
    """How many files were read, and those that name the patient."""
    read, found = 0, []
    for path in all_files(place):
        read += 1
        try:
            if names_patient(path, traces):
                found.append(Named(path, is_backup(path)))
        except UnreadableError as error:
            found.append(Named(path, unreadable=str(error)))
    return read, found


def clean_caches(place: Place, lesions: Collection[str]) -> list[str]:
    """Take the patient out of the patch caches; a build that did not end is removed: it does not say whose it is."""
    done = []
    for folder in find_unfinished(place.home):
        rmtree(folder)
        done.append(f"{shown(place, folder)}: an unfinished build, removed; it begins anew")
    for folder in find_caches(place.home):
        told = lesions_in_cache(folder, lesions)
        patches = erase_from_cache(folder, lesions)
        if told or patches:
            done.append(f"{shown(place, folder)}: {patches} patches removed")
    return done


def clean_runs(place: Place, lesions: Collection[str]) -> list[str]:
    """Take the patient's predictions out of the runs."""
    done = []
    for folder in find_runs(place.home):
        if gone := erase_from_run(folder, lesions):
            done.append(f"{shown(place, folder)}: predictions for {gone} lesions removed")
    return done


def clean_files(place: Place, traces: Traces) -> list[str]:
    """Take the patient out of all other files whose format is known."""
    kept = {folder / name for folder, config in find_runs(place.home).items() for name in config.get("files", ())}
    caches = {folder / LESIONS for folder in find_caches(place.home)}
    done = []
    for named in files_naming(place, traces)[1]:
        path = named.path
        if named.backup or named.unreadable or path in kept | caches:
            continue
        what = _clean_database(path, traces) if _is_database(path) else clean_file(path, traces)
        if what:
            done.append(f"{shown(place, path, traces)}: {what}")
    return done


def shown(place: Place, path: Path, traces: Traces | None = None) -> str:
    """A path below the data folder, with nothing of the patient in it."""
    name = str(path.relative_to(place.home)) if path.is_relative_to(place.home) else str(path)
    return traces.redacted(name) if traces else name


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _clean_database(path: Path, traces: Traces) -> str:
    try:
        with Database(path, "database") as database:
            rows = sum(redact_tables(database, traces).values())
            database.compact()
    except LesionKGError:
        return ""  # somebody else's; the proof tells that it still names him
    return f"{rows} rows cleaned"
