"""Searching a file for a patient, whatever its format: packed and columnar ones are read as what they hold."""

from __future__ import annotations

import gzip
import io
import mmap
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kg.backup_file import MANIFEST
from kg.erasure_traces import Traces

_GZIP = b"\x1f\x8b"
_DEEPEST = 4
"""Archives inside of archives that are looked into."""


class UnreadableError(Exception):
    """A file cannot be read as what it says it is, so nobody can say what it holds."""


def names_patient(path: Path, traces: Traces) -> bool:
    """Whether a file holds an id of the patient, or has one as a part of its name.

    Raises:
        UnreadableError: it cannot be read.
    """
    if traces.in_text(path.name):
        return True
    try:
        if path.stat().st_size == 0:
            return False
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _plain(data, traces) or _inside(data[:4], path, traces, 0)
    except (OSError, ValueError, pa.ArrowException, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise UnreadableError(type(error).__name__) from error


def is_backup(path: Path) -> bool:
    """Whether a file is a backup of a graph."""
    try:
        with zipfile.ZipFile(path) as archive:
            return MANIFEST in archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def table_names_patient(table: pa.Table, traces: Traces) -> bool:
    """Whether a table names the patient in a value, a column's name, or its metadata."""
    meta = (table.schema.metadata or {}).items()
    if any(traces.in_bytes(key) or traces.in_bytes(value) for key, value in meta):
        return True
    return traces.in_value(table.column_names) or any(True for _ in rows_naming(table, traces))


def rows_naming(table: pa.Table, traces: Traces) -> Iterator[int]:
    """Rows of a table that name the patient."""
    kept = [name for name in table.column_names if _may_hold_text(table.schema.field(name).type)]
    texts = table.select(kept).to_pylist() if kept else []
    return (row for row, values in enumerate(texts) if traces.in_value(values))


def _may_hold_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _may_hold_text(kind.value_type)
    if kind.num_fields:
        return any(_may_hold_text(kind.field(i).type) for i in range(kind.num_fields))
    return not (pa.types.is_primitive(kind) or pa.types.is_null(kind))


def _inside(start: bytes, source: Path | io.BytesIO, traces: Traces, depth: int) -> bool:
    """Whether what is packed into a file names the patient."""
    if depth > _DEEPEST:
        raise ValueError("packed too often")
    if start == b"PAR1":
        return table_names_patient(pq.read_table(source), traces)
    if start[:2] == _GZIP:
        with gzip.open(source) as file:
            return _content(file.read(), traces, depth)
    if start == b"PK\x03\x04":
        with zipfile.ZipFile(source) as archive:
            return any(
                traces.in_text(name) or _content(archive.read(name), traces, depth) for name in archive.namelist()
            )
    if start == b"\x93NUM":
        with io.BytesIO(source.read_bytes()) if isinstance(source, Path) else source as stream:
            array = np.load(stream, allow_pickle=False)
        return array.dtype.kind in "US" and traces.in_value([str(value) for value in array.ravel()])
    return False


def _content(data: bytes, traces: Traces, depth: int) -> bool:
    return _plain(data, traces) or _inside(data[:4], io.BytesIO(data), traces, depth + 1)


def _plain(data: bytes | mmap.mmap, traces: Traces) -> bool:
    """Whether bytes name the patient as they are: in text as a word, in anything else as bytes."""
    if not traces.in_bytes(data):
        return False
    whole = bytes(data)
    try:
        return b"\0" in whole or traces.in_text(whole.decode("utf-8"))
    except UnicodeDecodeError:
        return True
