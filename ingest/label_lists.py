"""Reader of the text-mined label lists that LesaNet's authors released for DeepLesion (one JSON file).

The file holds, for each split of LesaNet's own, lesion indices (rows of DL_info.csv) and for each lesion the columns of
its relevant and uncertain labels; for train also those of irrelevant labels. Order and duplicates inside a list carry
meaning (:mod:`ingest.mentions`) and are kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.deeplesion import OFFICIAL_ROWS
from kg.cohort import SPLITS
from kg.errors import InputError

KINDS = ("relevant", "uncertain", "irrelevant")

_COLUMNS = pa.list_(pa.int16())
LABEL_SCHEMA = pa.schema(
    [
        pa.field("index", pa.int32(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("relevant", _COLUMNS, nullable=False),
        pa.field("uncertain", _COLUMNS, nullable=False),
        pa.field("irrelevant", _COLUMNS, nullable=False),
    ]
)
"""One row a lesion, in the order of the file: train, val, test. Lists hold label columns as released; ``irrelevant`` is
empty in val and test, for which none were released."""


@dataclass(frozen=True)
class LabelLists:
    """Label lists of N lesions over C labels.

    Attributes:
        terms: C label names in column order.
        table: N rows of :data:`LABEL_SCHEMA`.
        others: those of its lesion indices that are no rows of DL_info.csv but numbers of lesions of another source.
    """

    terms: tuple[str, ...]
    table: pa.Table
    others: frozenset[int] = frozenset()

    @property
    def size(self) -> int:
        """N, the number of lesions."""
        return int(self.table.num_rows)

    def lists(self, kind: str) -> list[list[int]]:
        """The N lists of one kind: ``relevant``, ``uncertain`` or ``irrelevant``."""
        rows: list[list[int]] = self.table[kind].to_pylist()
        return rows

    def require_columns(self, names: Sequence[str], label_set: str) -> None:
        """Check that the columns are those of a label set, in its order.

        Raises:
            InputError: naming the first label that differs.
        """
        known = set(names)
        for term in self.terms:
            if term not in known:
                raise InputError(f"label file: {term!r} is not a label of {label_set}; give the file released with it")
        if self.terms != tuple(names):
            raise InputError(
                f"label file: its labels are not all of {label_set} in order; give the file released with it"
            )

    def require_lesions(self, lesions: int) -> None:
        """Check that every lesion index is a row of a table of ``lesions`` rows.

        Raises:
            InputError: an index lies beyond it, or belongs to a lesion of another source.
        """
        if self.others:
            raise InputError(
                f"label file: it has {len(self.others)} lesions of another source; give LesaNet's own file"
            )
        last = pc.max(self.table["index"]).as_py() if self.size else -1
        if last >= lesions:
            raise InputError(f"label file: lesion index {last} lies beyond the {lesions} lesions of DL_info.csv")


def read_label_lists(path: Path | str) -> LabelLists:
    """The released label lists.

    Raises:
        InputError: no such file, not JSON, a key is missing, lists of different lengths, an unknown label column, or a
            lesion index that is used twice or out of range.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); give the path of the label file") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a JSON file; give the label file released with LesaNet") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no JSON object; give the label file released with LesaNet")
    terms = _terms(path, content)
    parts = [_split(path, content, split, len(terms)) for split in SPLITS]
    table = pa.concat_tables(parts).combine_chunks()
    index = table["index"].to_numpy()
    values, counts = np.unique(index, return_counts=True)
    if (counts > 1).any():
        raise InputError(
            f"{path}: lesion index {values[counts > 1][0]} appears twice; a lesion has one row in one split"
        )
    others = _others(path, content)
    outside = index[((index < 0) | (index >= OFFICIAL_ROWS)) & ~np.isin(index, list(others))]
    if outside.size:
        raise InputError(f"{path}: lesion index {outside[0]} is not one of the {OFFICIAL_ROWS} rows of DL_info.csv")
    return LabelLists(terms, table, others)


def _others(path: Path | str, content: dict[str, Any]) -> frozenset[int]:
    """Numbers of lesions of another source: the keys of ``lesions`` in a file that ``lesionkg mine export`` wrote."""
    named = content.get("lesions", {})
    if not isinstance(named, dict) or not all(key.isdecimal() for key in named):
        raise InputError(f"{path}: key lesions does not map numbers to ids; export the labels again")
    return frozenset(map(int, named))


def _terms(path: Path | str, content: dict[str, Any]) -> tuple[str, ...]:
    terms = _value(path, content, "term_list")
    if not all(isinstance(term, str) and term for term in terms) or len(set(terms)) != len(terms) or not terms:
        raise InputError(f"{path}: term_list is not a list of distinct label names; restore the released file")
    return tuple(terms)


def _split(path: Path | str, content: dict[str, Any], split: str, labels: int) -> pa.Table:
    key = f"{split}_lesion_idxs"
    index = _typed(path, key, _value(path, content, key), pa.int32())
    columns: dict[str, pa.Array] = {"index": index, "split": pa.array([split] * len(index))}
    for kind in KINDS:
        key = f"{split}_{kind}_labels"
        if kind == "irrelevant" and split != "train":
            columns[kind] = pa.array([[]] * len(index), _COLUMNS)
            continue
        lists = _typed(path, key, _value(path, content, key), _COLUMNS)
        if len(lists) != len(index):
            raise InputError(
                f"{path}: {key} has {len(lists)} lists for {len(index)} lesions in {split}_lesion_idxs; "
                "restore the released file"
            )
        values = lists.flatten()
        if values.null_count or (len(values) and not 0 <= pc.min(values).as_py() <= pc.max(values).as_py() < labels):
            raise InputError(f"{path}: {key} names an unknown label; columns go from 0 to {labels - 1} (term_list)")
        columns[kind] = lists
    return pa.table(columns).cast(LABEL_SCHEMA)


def _value(path: Path | str, content: dict[str, Any], key: str) -> list[Any]:
    value = content.get(key)
    if not isinstance(value, list):
        state = "is not a list" if key in content else "is missing"
        raise InputError(f"{path}: key {key} {state}; give the label file released with LesaNet")
    return value


def _typed(path: Path | str, key: str, values: list[Any], kind: pa.DataType) -> pa.Array:
    try:
        # Inferred first: a cast would cut fractions and take true for 1.
        found = pa.array(values)
        array = found.cast(kind)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise _not_whole(path, key) from error
    innermost = found.type.value_type if pa.types.is_list(found.type) else found.type
    if not (pa.types.is_integer(innermost) or pa.types.is_null(innermost)):
        raise _not_whole(path, key)
    if array.null_count:
        raise InputError(f"{path}: {key} holds an empty entry; restore the released file")
    return array


def _not_whole(path: Path | str, key: str) -> InputError:
    return InputError(f"{path}: {key} holds something other than whole numbers; restore the released file")
