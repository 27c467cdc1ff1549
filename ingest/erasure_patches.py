"""Lesions taken out of a patch cache: their pixels are overwritten where they lie.

The last patches of the file move into the places of those that go, and the file ends earlier. The order of rows does
not enter a cache's hash. Killed at any moment, doing it again ends in the same state.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.images.geometry import PatchGeometry
from ingest.images.patch_cache import CACHE_SCHEMA, LESIONS, MANIFEST, PIXELS, content_hash, finish_cache
from ingest.images.unfinished_cache import PROBLEMS
from kg.errors import InputError


def find_caches(folder: Path) -> list[Path]:
    """Folders of patch caches anywhere below a folder."""
    return sorted({path.parent for path in folder.rglob(PIXELS) if not path.parent.name.startswith(".")})


def find_unfinished(folder: Path) -> list[Path]:
    """Folders of builds that did not end, and of caches that a killed build had replaced."""
    return sorted({path.parent for path in folder.rglob(PIXELS) if path.parent.name.startswith(".")})


def lesions_in_cache(folder: Path, lesions: Collection[str]) -> int:
    """How many of the lesions have a patch, or are told of as left out.

    Raises:
        InputError: not a patch cache.
    """
    return sum(lesion in lesions for lesion in _table(folder)["lesion"].to_pylist()) + sum(
        row[0] in lesions for row in _problems(folder)
    )


def erase_from_cache(folder: Path, lesions: Collection[str]) -> int:
    """Take lesions out of a cache.

    Returns:
        How many patches it held of them.

    Raises:
        InputError: not a patch cache.
    """
    table, geometry = _table(folder), _geometry(folder)
    names = table["lesion"].to_pylist()
    gone = [row for row, lesion in enumerate(names) if lesion in lesions]
    left = len(names) - len(gone)
    holes = [row for row in gone if row < left]
    movers = [row for row in range(left, len(names)) if names[row] not in lesions]
    row_bytes = 3 * geometry.size**2 * 2
    _write_problems(folder, lesions)
    if not gone and _is_whole(folder, table, geometry):
        return 0
    order = list(range(left))
    with (folder / PIXELS).open("r+b") as file:
        for hole, mover in zip(holes, movers, strict=True):
            file.seek(mover * row_bytes)
            patch = file.read(row_bytes)
            file.seek(hole * row_bytes)
            file.write(patch)
            order[hole] = mover
        for row in (row for row in gone if row >= left):
            file.seek(row * row_bytes)
            file.write(bytes(row_bytes))
        file.flush()
        os.fsync(file.fileno())
        if gone:
            _replace(folder / LESIONS, _parquet(table.take(pa.array(order, pa.int64()))))
        file.truncate(left * row_bytes)
        os.fsync(file.fileno())
    if left:
        finish_cache(folder, geometry, _table(folder))
    else:
        shutil.rmtree(folder)  # an empty cache is none
    return len(gone)


def _table(folder: Path) -> pa.Table:
    try:
        return pq.read_table(folder / LESIONS).cast(CACHE_SCHEMA).combine_chunks()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(
            f"{folder}: not a whole patch cache ({type(error).__name__}); remove the folder, then build it again"
        ) from error


def _geometry(folder: Path) -> PatchGeometry:
    try:
        return PatchGeometry(**json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["geometry"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder}: not a whole patch cache ({type(error).__name__}); remove the folder, then build it again"
        ) from error


def _is_whole(folder: Path, table: pa.Table, geometry: PatchGeometry) -> bool:
    stamped = json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("content_hash")
    fits = (folder / PIXELS).stat().st_size == table.num_rows * 3 * geometry.size**2 * 2
    return bool(fits and stamped == content_hash(geometry, table))


def _problems(folder: Path) -> Iterator[list[str]]:
    try:
        text = (folder / PROBLEMS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return iter(())
    return (row for row in csv.reader(io.StringIO(text)) if row)


def _write_problems(folder: Path, lesions: Collection[str]) -> None:
    rows = list(_problems(folder))
    if any(row[0] in lesions for row in rows):
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(row for row in rows if row[0] not in lesions)
        _replace(folder / PROBLEMS, out.getvalue().encode())


def _parquet(table: pa.Table) -> bytes:
    out = pa.BufferOutputStream()
    pq.write_table(table, out, compression="zstd")
    return bytes(out.getvalue())


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)
