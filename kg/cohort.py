"""A cohort: lesions, their labels and their split, frozen under one id.

Training, metrics and queries that name the same cohort id see the same lesions and labels. One Parquet file holds all
of it, so that training needs no graph.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy.sparse import csr_array

from kg import algebra
from kg.algebra import BoolMatrix
from kg.erased_cohort import Erased
from kg.errors import CohortError, InputError, UsageError

_FORMAT = "lesionkg-cohort/1"
_META_KEY = b"lesionkg"
SPLITS = ("train", "val", "test")

_NUMBERS = pa.list_(pa.float64())
_COLUMNS = pa.list_(pa.int16())
COHORT_SCHEMA = pa.schema(
    [
        pa.field("lesion", pa.string(), nullable=False),
        pa.field("index", pa.int32(), nullable=False),
        pa.field("patient", pa.string(), nullable=False),
        pa.field("study", pa.string(), nullable=False),
        pa.field("series", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("official_split", pa.string()),
        pa.field("relevant", _COLUMNS, nullable=False),
        pa.field("uncertain", _COLUMNS, nullable=False),
        pa.field("irrelevant", _COLUMNS, nullable=False),
        pa.field("long_mm", pa.float64()),
        pa.field("short_mm", pa.float64()),
        pa.field("x", pa.float64()),
        pa.field("y", pa.float64()),
        pa.field("z", pa.float64()),
        pa.field("box", _NUMBERS),
        pa.field("spacing_mm", pa.float64()),
        pa.field("slice_mm", pa.float64()),
        pa.field("slice_range", pa.list_(pa.int32())),
        pa.field("image_size", pa.list_(pa.int32())),
        pa.field("window", _NUMBERS),
        pa.field("sex", pa.string()),
        pa.field("age", pa.float64()),
        pa.field("noisy", pa.bool_()),
        pa.field("key_slice", pa.int32()),
        pa.field("measurement", _NUMBERS),
    ]
)
"""One row a lesion, sorted by ``index`` (the row of DL_info.csv). Lengths in mm where the name says so; ``x y z`` the
location normalised to the body, 0 to 1; ``box`` (x1, y1, x2, y2) and ``measurement`` (long axis x1, y1, x2, y2, short
axis x1, y1, x2, y2) in 0-based pixels of the key slice; ``window`` (low, high) in HU; ``age`` in years. Null where
unknown. The coarse lesion type is left out on purpose: it is no feature."""


@dataclass(frozen=True)
class Cohort:
    """N lesions with labels of C label columns.

    Attributes:
        id: ``name-`` and ten hexadecimal digits of a hash of content and ``matrix_hash``.
        name: what it is called; several cohorts may share a name.
        label_set: name of the label set that fixes the columns.
        label_ids: C label ids in column order.
        label_names: C preferred names at the time of freezing.
        revision: change sequence of the graph it was frozen from.
        ontology_hash: hash of that whole ontology.
        matrix_hash: hash of the label set's relation matrices at that revision: it fixes the labels as expanded.
        label_data_hash: hash of lesions, splits and label lists.
        table: N rows of :data:`COHORT_SCHEMA`.
        erased: what erasures of patients took out since it was frozen; the id is still the frozen one, the label-data
            hash that of what is left.
    """

    id: str
    name: str
    label_set: str
    label_ids: tuple[str, ...]
    label_names: tuple[str, ...]
    revision: int
    ontology_hash: str
    matrix_hash: str
    label_data_hash: str
    table: pa.Table
    erased: Erased | None = None

    @classmethod
    def freeze(
        cls,
        name: str,
        label_set: str,
        label_ids: Sequence[str],
        label_names: Sequence[str],
        revision: int,
        ontology_hash: str,
        matrix_hash: str,
        table: pa.Table,
    ) -> Cohort:
        """Check the rows, sort them by lesion index and name the result by its content.

        Raises:
            UsageError: the name does not fit an id.
            CohortError: a column is missing, a lesion appears twice, or a value is out of range.
        """
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
            raise UsageError(f"cohort name {name!r}: use lower-case letters, digits, '.', '_' and '-', 64 at most")
        rows = _checked(table, name, len(label_ids))
        data_hash = label_data_hash(label_ids, rows)
        return cls(
            id=_cohort_id(name, matrix_hash, content_hash(label_set, label_ids, rows)),
            name=name,
            label_set=label_set,
            label_ids=tuple(label_ids),
            label_names=tuple(label_names),
            revision=revision,
            ontology_hash=ontology_hash,
            matrix_hash=matrix_hash,
            label_data_hash=data_hash,
            table=rows,
        )

    def verify(self) -> None:
        """Compute the hashes again and compare.

        Raises:
            CohortError: the content is not what was frozen under this id.
        """
        found = label_data_hash(self.label_ids, self.table)
        if found != self.label_data_hash:
            raise CohortError(
                f"cohort {self.id}: its label lists or splits are not those that were frozen; freeze a new cohort"
            )
        is_whole = (
            _cohort_id(self.name, self.matrix_hash, self.content_hash) == self.id
            if self.erased is None
            else self.erased.content_hash == self.content_hash
        )
        if not is_whole:
            raise CohortError(f"cohort {self.id}: its lesions' metadata is not what was frozen; freeze a new cohort")

    def without_erased(self, lesions: int) -> Cohort:
        """This cohort, whose table lost the lesions of an erased patient, with the hashes of what is left.

        Args:
            lesions: how many it lost.
        """
        before = self.erased or Erased(0, "", ())
        erased = Erased(before.lesions + lesions, self.content_hash, (*before.label_data_hashes, self.label_data_hash))
        return replace(self, label_data_hash=label_data_hash(self.label_ids, self.table), erased=erased)

    @property
    def label_data_hashes(self) -> tuple[str, ...]:
        """Label-data hashes of this cohort, before erasures too; the newest first."""
        return (self.label_data_hash, *reversed(self.erased.label_data_hashes if self.erased else ()))

    @cached_property
    def content_hash(self) -> str:
        """Hash of everything but name and ontology; see :func:`content_hash`."""
        return content_hash(self.label_set, self.label_ids, self.table)

    @property
    def size(self) -> int:
        """N, the number of lesions."""
        return int(self.table.num_rows)

    def relevant_matrix(self) -> BoolMatrix:
        """Relevant labels as listed, N x C boolean."""
        return self._matrix("relevant")

    def uncertain_matrix(self) -> BoolMatrix:
        """Uncertain labels as listed, N x C boolean; a label may be relevant too."""
        return self._matrix("uncertain")

    def irrelevant_matrix(self) -> BoolMatrix:
        """Labels said of another lesion of the sentence, N x C boolean; never negatives, and only train has them."""
        return self._matrix("irrelevant")

    def positive_matrix(self) -> BoolMatrix:
        """What counts as positive: relevant or uncertain in train, relevant in val and test (LesaNet, section 4.1)."""
        train = csr_array(np.asarray(self.table["split"].to_numpy() == "train")[:, None])
        return algebra.union(self._matrix("relevant"), self._matrix("uncertain").multiply(train))

    def subset(self, split: str) -> Cohort:
        """The lesions of one split; a view of this cohort that keeps its id.

        Raises:
            UsageError: no such split.
        """
        if split not in SPLITS:
            raise UsageError(f"split {split!r}: not one of {', '.join(SPLITS)}")
        return self.filter(self.table["split"].to_numpy() == split)

    def filter(self, keep: np.ndarray) -> Cohort:
        """The lesions where ``keep`` (boolean, shape (N,)) is true; a view of this cohort that keeps its id."""
        return replace(self, table=self.table.filter(pa.array(np.asarray(keep, bool))))

    @cached_property
    def has_metadata(self) -> np.ndarray:
        """Which lesions have location, size and acquisition facts; boolean, shape (N,)."""
        return np.asarray(pc.is_valid(self.table["measurement"]), bool)

    @cached_property
    def has_positive(self) -> np.ndarray:
        """Which lesions have a positive label (see :meth:`positive_matrix`); boolean, shape (N,)."""
        return np.asarray(np.diff(self.positive_matrix().indptr) > 0)

    def _matrix(self, column: str) -> BoolMatrix:
        lists = self.table[column].combine_chunks()
        indptr = np.concatenate([[0], np.cumsum(lists.value_lengths().to_numpy())])
        columns = lists.flatten().to_numpy()
        ones = np.ones(len(columns), bool)
        return algebra.as_bool(csr_array((ones, columns, indptr), shape=(self.size, len(self.label_ids))))

    @property
    def summary(self) -> dict[str, Any]:
        """Everything but the rows, with the number of lesions by split: plain values for JSON."""
        splits = self.table["split"].to_pylist()
        return {
            **self._identity(),
            "lesions": {split: splits.count(split) for split in SPLITS},
            "labels": len(self.label_ids),
            "erased": self.erased.lesions if self.erased else 0,
        }

    def _identity(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "label_set": self.label_set,
            "revision": self.revision,
            "ontology_hash": self.ontology_hash,
            "matrix_hash": self.matrix_hash,
            "label_data_hash": self.label_data_hash,
        }

    def _erased(self) -> dict[str, Any]:
        return {"erased": self.erased.as_dict()} if self.erased else {}

    def write_parquet(self, path: Path | str) -> None:
        """Write everything to one file; equal content gives equal bytes.

        Raises:
            CohortError: this is only a part of the cohort (see :meth:`subset`).
        """
        self.verify()
        meta = {
            "format": _FORMAT,
            **self._identity(),
            "label_ids": self.label_ids,
            "label_names": self.label_names,
            **self._erased(),
        }
        text = json.dumps(meta, ensure_ascii=False, sort_keys=True)
        with _replacing(path) as partial:
            pq.write_table(self.table.replace_schema_metadata({_META_KEY: text}), partial, compression="zstd")

    @classmethod
    def read_parquet(cls, path: Path | str) -> Cohort:
        """Read a file written by :meth:`write_parquet`.

        Raises:
            InputError: no such file, truncated, not a cohort, or its content does not match its hashes.
        """
        try:
            table = pq.read_table(path)
            meta = json.loads((table.schema.metadata or {})[_META_KEY])
            if meta["format"] != _FORMAT:
                raise InputError(f"{path}: format {meta['format']!r}, expected {_FORMAT!r}; export the cohort again")
            cohort = cls(
                **{key: meta[key] for key in cls._identity_keys()},
                label_ids=tuple(meta["label_ids"]),
                label_names=tuple(meta["label_names"]),
                table=_checked(table.replace_schema_metadata(None), meta["name"], len(meta["label_ids"])),
                erased=Erased.from_dict(meta["erased"]) if "erased" in meta else None,
            )
            cohort.verify()
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError, CohortError) as error:
            raise InputError(f"{path}: not a whole cohort file ({_reason(error)}); export the cohort again") from error
        return cohort

    @staticmethod
    def _identity_keys() -> tuple[str, ...]:
        return ("id", "name", "label_set", "revision", "ontology_hash", "matrix_hash", "label_data_hash")

    def write_json(self, path: Path | str) -> None:
        """Write identity, labels and one object a lesion as UTF-8 JSON; unknown values are left out."""
        self.verify()
        lesions = [{k: v for k, v in row.items() if v is not None} for row in self.table.to_pylist()]
        labels = [{"id": i, "name": n} for i, n in zip(self.label_ids, self.label_names, strict=True)]
        document = {
            "format": _FORMAT, **self._identity(), **self._erased(), "labels": labels, "lesions": lesions,
        }  # fmt: skip
        with _replacing(path) as partial:
            partial.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def label_data_hash(label_ids: Sequence[str], table: pa.Table) -> str:
    """SHA-256 over the label columns, and lesion, split and the three label lists of every row, in order.

    Order and duplicates inside the lists count: they tell mentions from inferred parents.
    """
    columns = [table[c].to_pylist() for c in ("lesion", "split", "relevant", "uncertain", "irrelevant")]
    return _digest([list(label_ids), *columns])


def content_hash(label_set: str, label_ids: Sequence[str], table: pa.Table) -> str:
    """SHA-256 over the label set, the label data and all that is known of each lesion."""
    return _digest([label_set, list(label_ids), [[name, table[name].to_pylist()] for name in COHORT_SCHEMA.names]])


def _cohort_id(name: str, matrix_hash: str, content: str) -> str:
    return f"{name}-{_digest([content, matrix_hash])[:10]}"


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, separators=(",", ":"), allow_nan=False).encode()).hexdigest()


def _checked(table: pa.Table, name: str, labels: int) -> pa.Table:
    """The rows in the cohort's schema and order, with every constraint of it checked."""
    missing = [c for c in COHORT_SCHEMA.names if c not in table.column_names]
    if missing:
        raise CohortError(f"cohort {name}: no column {missing[0]}; freeze it again")
    for column in (f.name for f in COHORT_SCHEMA if not f.nullable):
        if table[column].null_count:
            raise CohortError(f"cohort {name}: {column} is empty for a lesion; freeze it again")
    try:
        rows = table.select(COHORT_SCHEMA.names).cast(COHORT_SCHEMA).sort_by("index").combine_chunks()
    except pa.ArrowException as error:
        raise CohortError(f"cohort {name}: a column has values of another type; freeze it again") from error
    index = rows["index"].to_numpy()
    if len(np.unique(index)) != len(index):
        raise CohortError(f"cohort {name}: lesion index {index[:-1][np.diff(index) == 0][0]} appears twice")
    unknown = set(rows["split"].unique().to_pylist()) - set(SPLITS)
    if unknown:
        raise CohortError(f"cohort {name}: split {sorted(unknown)[0]!r} is not one of {', '.join(SPLITS)}")
    for column in ("relevant", "uncertain", "irrelevant"):
        values = rows[column].combine_chunks().flatten().to_numpy()
        if values.size and (values.min() < 0 or values.max() >= labels):
            raise CohortError(f"cohort {name}: a {column} label lies outside the {labels} columns of its label set")
    return rows


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, CohortError) else type(error).__name__


class _replacing:
    """A file written beside its target and renamed onto it when all went well."""

    def __init__(self, path: Path | str) -> None:
        self.target = Path(path)
        self.partial = self.target.with_name(self.target.name + ".partial")

    def __enter__(self) -> Path:
        return self.partial

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.partial.replace(self.target)
        else:
            self.partial.unlink(missing_ok=True)
