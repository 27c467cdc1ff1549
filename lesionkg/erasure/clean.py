"""Taking a patient out of the files of a data folder.

Tables lose his rows, texts his ids; a page, picture or frozen export that shows him is removed, for it can be made
anew.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kg.erasure_traces import Traces
from kg.errors import StoreError
from lesionkg.erasure.search import rows_naming, table_names_patient

_MADE_ANEW = {
    *(".html", ".htm", ".svg", ".png", ".jpg", ".jpeg", ".webp", ".pdf", ".xlsx", ".graphml"),
    *(".npz", ".npy", ".gz", ".arrow", ".feather", ".partial"),
}
"""Endings of exports that are removed whole."""

_WHOLE = ("lesionkg-cohort/",)
"""Formats whose content is hashed: one without a row is damaged, so the file goes."""


def clean_file(path: Path, traces: Traces) -> str:
    """Take the patient out of a file that names him.

    Returns:
        What was done: ``rows removed``, ``ids removed``, ``file removed``; empty when the format is not known, and the
        file is as it was.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        if path.is_symlink():
            return ""
        suffix = path.suffix.lower()
        if suffix in _MADE_ANEW or (suffix in _CLEANERS and traces.in_text(path.name)):
            path.unlink()
            return "file removed"
        cleaner = _CLEANERS.get(suffix)
        if cleaner is None:
            return ""
        return _replace(path, *cleaner(path.read_bytes(), traces))
    except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
        raise StoreError(
            f"{path.name}: cannot be cleaned ({type(error).__name__}); remove it from the data folder, then erase again"
        ) from error


def _replace(path: Path, content: bytes | None, done: str) -> str:
    if content is None:
        path.unlink()
        return "file removed"
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.chmod(path.stat().st_mode)
    partial.replace(path)
    return done


def _delimited(delimiter: str) -> Callable[[bytes, Traces], tuple[bytes | None, str]]:
    def clean(data: bytes, traces: Traces) -> tuple[bytes | None, str]:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter))
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(
            row for row in rows if not traces.in_value(row)
        )
        return out.getvalue().encode(), "rows removed"

    return clean


def _lines(data: bytes, traces: Traces) -> tuple[bytes | None, str]:
    lines = data.decode("utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not traces.in_text(line)).encode(), "rows removed"


def _text(data: bytes, traces: Traces) -> tuple[bytes | None, str]:
    return traces.redacted(data.decode("utf-8")).encode(), "ids removed"


def _json(data: bytes, traces: Traces) -> tuple[bytes | None, str]:
    value = json.loads(data)
    if isinstance(value, dict) and str(value.get("format", "")).startswith(_WHOLE):
        return None, ""
    clean = traces.redacted_value(_without_rows(value, traces))
    return (json.dumps(clean, ensure_ascii=False, indent=1) + "\n").encode(), "rows removed"


def _without_rows(value: Any, traces: Traces) -> Any:
    """The value without those items of its outermost lists that name the patient."""
    if isinstance(value, list):
        return [item for item in value if not traces.in_value(item)]
    if isinstance(value, dict):
        return {key: _without_rows(item, traces) for key, item in value.items()}
    return value


def _parquet(data: bytes, traces: Traces) -> tuple[bytes | None, str]:
    table = pq.read_table(io.BytesIO(data))
    meta = (table.schema.metadata or {}).get(b"lesionkg", b"")
    gone = set(rows_naming(table, traces))
    left = table.take(pa.array([row for row in range(table.num_rows) if row not in gone], pa.int64()))
    if any(name.encode() in meta for name in _WHOLE) or table_names_patient(left, traces):
        return None, ""
    out = pa.BufferOutputStream()
    pq.write_table(left, out, compression="zstd")
    return bytes(out.getvalue()), "rows removed"


_CLEANERS: dict[str, Callable[[bytes, Traces], tuple[bytes | None, str]]] = {
    ".csv": _delimited(","),
    ".tsv": _delimited("\t"),
    ".jsonl": _lines,
    ".ndjson": _lines,
    ".json": _json,
    ".parquet": _parquet,
    ".cypher": _text,
    ".txt": _text,
    ".md": _text,
    ".log": _text,
    ".yaml": _text,
    ".yml": _text,
}
