"""The patch cache: patches of N lesions in one memory-mapped file, so that training decodes no image.

A folder with ``patches.i16`` (N x 3 x size x size int16, little-endian, C order), ``lesions.parquet`` (one row a
lesion, in the order of the patches) and ``cache.json`` (format, geometry, content hash). ``cache.json`` is written
last: a folder without it is a cache under construction.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.images.geometry import PatchGeometry
from kg.errors import InputError

FORMAT = "lesionkg-patches/1"
PIXELS, LESIONS, MANIFEST = "patches.i16", "lesions.parquet", "cache.json"

CACHE_SCHEMA = pa.schema(
    [
        pa.field("lesion", pa.string(), nullable=False),
        pa.field("box", pa.list_(pa.float32(), 4), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("substituted", pa.list_(pa.int32()), nullable=False),
    ]
)
"""``box``: x1, y1, x2, y2 of the lesion in patch pixels, not below 0, and beyond ``size`` where the lesion overflows;
``sha256``: of the lesion's patch; ``substituted``: numbers of slices that were missing, and a nearer one was taken."""


@dataclass(frozen=True, eq=False)
class PatchCache:
    """An opened cache of N patches.

    Attributes:
        folder: where it lies.
        geometry: of its patches.
        content_hash: SHA-256 over geometry, lesion ids, boxes and patches, in order of lesion id.
        table: N rows of :data:`CACHE_SCHEMA`.
        pixels: N x 3 x size x size int16, read-only memory map (see :data:`ingest.images.geometry.STEPS_PER_HU`).
    """

    folder: Path
    geometry: PatchGeometry
    content_hash: str
    table: pa.Table
    pixels: np.ndarray

    @property
    def lesions(self) -> tuple[str, ...]:
        """N lesion ids."""
        return tuple(self.table["lesion"].to_pylist())

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Row of each lesion."""
        return {lesion: row for row, lesion in enumerate(self.lesions)}

    @cached_property
    def boxes(self) -> np.ndarray:
        """N x 4 float32, x1, y1, x2, y2 of each lesion in patch pixels."""
        return np.asarray(self.table["box"].combine_chunks().flatten().to_numpy(), np.float32).reshape(-1, 4)

    @classmethod
    def open(cls, folder: Path | str) -> PatchCache:
        """Open a cache.

        Raises:
            InputError: no such folder, an unfinished or truncated cache, or another format.
        """
        where = Path(folder)
        try:
            manifest = json.loads((where / MANIFEST).read_text(encoding="utf-8"))
            if manifest["format"] != FORMAT:
                raise InputError(f"{where}: format {manifest['format']!r}, expected {FORMAT!r}; build the cache again")
            geometry = PatchGeometry(**manifest["geometry"])
            table = pq.read_table(where / LESIONS).cast(CACHE_SCHEMA)
            shape = (table.num_rows, 3, geometry.size, geometry.size)
            wanted, found = int(np.prod(shape)) * 2, (where / PIXELS).stat().st_size
            if wanted != found:
                raise InputError(f"{where}: {PIXELS} has {found:,} bytes, expected {wanted:,}; build the cache again")
            pixels = np.memmap(where / PIXELS, "<i2", "r", shape=shape) if shape[0] else np.zeros(shape, "<i2")
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise InputError(
                f"{where}: not a whole patch cache ({type(error).__name__}); build it with `lesionkg ingest images`"
            ) from error
        return cls(where, geometry, manifest["content_hash"], table, pixels)


def finish_cache(folder: Path, geometry: PatchGeometry, rows: pa.Table) -> PatchCache:
    """Turn a folder whose ``patches.i16`` is complete into a cache.

    Args:
        folder: holds ``patches.i16``.
        geometry: of its patches.
        rows: of :data:`CACHE_SCHEMA`, in the order of the patches.
    """
    table = rows.cast(CACHE_SCHEMA).combine_chunks()
    partial = folder / (LESIONS + ".partial")
    pq.write_table(table, partial, compression="zstd")
    partial.replace(folder / LESIONS)
    manifest = {"format": FORMAT, "geometry": geometry.as_dict(), "content_hash": content_hash(geometry, table)}
    partial = folder / (MANIFEST + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / MANIFEST)
    return PatchCache.open(folder)


def write_cache(
    folder: Path | str, geometry: PatchGeometry, lesions: Sequence[str], pixels: np.ndarray, boxes: np.ndarray
) -> PatchCache:
    """Write a cache from patches in memory.

    Args:
        folder: made when absent.
        geometry: of the patches.
        lesions: N ids.
        pixels: N x 3 x size x size int16.
        boxes: N x 4, in patch pixels.
    """
    where = Path(folder)
    where.mkdir(parents=True, exist_ok=True)
    stored = np.ascontiguousarray(pixels, "<i2")
    stored.tofile(where / PIXELS)
    rows = pa.table(
        [
            list(lesions),
            pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(boxes, np.float32).ravel()), 4),
            [digest(patch) for patch in stored],
            pa.array([[]] * len(stored), pa.list_(pa.int32())),
        ],
        schema=CACHE_SCHEMA,
    )
    return finish_cache(where, geometry, rows)


def digest(patch: np.ndarray) -> str:
    """SHA-256 of one patch as it is stored."""
    return hashlib.sha256(np.ascontiguousarray(patch, "<i2").tobytes()).hexdigest()


def content_hash(geometry: PatchGeometry, table: pa.Table) -> str:
    """Hash of all that a model can see of the patches; the order of rows does not enter."""
    rows = zip(table["lesion"].to_pylist(), table["box"].to_pylist(), table["sha256"].to_pylist(), strict=True)
    content = [geometry.as_dict(), sorted(rows)]
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()
