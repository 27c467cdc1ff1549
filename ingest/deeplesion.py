"""Reader of DL_info.csv, the table NIH publishes with the DeepLesion images.

A lesion's index is its row, counted from 0 after the header; label files refer to it, so rows are never sorted.
Coordinates in the file are 1-based; here they are 0-based. Diameters are in pixels there and in mm here (pixels times
the in-plane spacing; x and y spacing are equal throughout).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from kg.errors import InputError

OFFICIAL_ROWS = 32_735
COLUMNS = (
    "File_name",
    "Patient_index",
    "Study_index",
    "Series_ID",
    "Key_slice_index",
    "Measurement_coordinates",
    "Bounding_boxes",
    "Lesion_diameters_Pixel_",
    "Normalized_lesion_location",
    "Coarse_lesion_type",
    "Possibly_noisy",
    "Slice_range",
    "Spacing_mm_px_",
    "Image_size",
    "DICOM_windows",
    "Patient_gender",
    "Patient_age",
    "Train_Val_Test",
)
"""The columns of DL_info.csv, named as NIH names them."""

OFFICIAL_SPLITS = {1: "train", 2: "val", 3: "test"}

_FLOATS = pa.list_(pa.float64())
_INTS = pa.list_(pa.int32())
LESION_SCHEMA = pa.schema(
    [
        pa.field("index", pa.int32(), nullable=False),
        pa.field("patient", pa.int32(), nullable=False),
        pa.field("study", pa.int32(), nullable=False),
        pa.field("series", pa.int32(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("file", pa.string()),
        pa.field("key_slice", pa.int32()),
        pa.field("measurement", _FLOATS),
        pa.field("box", _FLOATS),
        pa.field("long_mm", pa.float64()),
        pa.field("short_mm", pa.float64()),
        pa.field("x", pa.float64()),
        pa.field("y", pa.float64()),
        pa.field("z", pa.float64()),
        pa.field("coarse_type", pa.int32()),
        pa.field("noisy", pa.bool_()),
        pa.field("slice_range", _INTS),
        pa.field("spacing_mm", pa.float64()),
        pa.field("slice_mm", pa.float64()),
        pa.field("image_size", _INTS),
        pa.field("window", _FLOATS),
        pa.field("sex", pa.string()),
        pa.field("age", pa.float64()),
    ]
)
"""One row a lesion in the order of the file. ``patient``, ``study`` and ``series`` are the published indices; ``split``
is DeepLesion's own; the other columns are as in :data:`kg.cohort.COHORT_SCHEMA`. ``coarse_type`` (1 to 8) was given by
hand to val and test lesions only: for display, never a feature."""

_NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?$"
_UNKNOWN = ["", "NaN", "nan", "NA"]


def read_dl_info(path: Path | str, expected_rows: int = OFFICIAL_ROWS) -> pa.Table:
    """All lesions of DL_info.csv, shape: ``expected_rows`` rows of :data:`LESION_SCHEMA`.

    A row may leave out every column but patient, study, series and split (a redistributed extract does, and adds a
    column ``lesion_idx`` that must then number the rows). An age of 0 or NaN, an empty sex and a slice interval that is
    not positive are unknown.

    Raises:
        InputError: no such file, not CSV, a column is missing, another number of rows, or a bad value (named by line
            and column, never by content).
    """
    table = _read_strings(Path(path))
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise InputError(f"{path}: column {missing[0]} is missing; give DL_info.csv as NIH publishes it")
    twice = [name for name in COLUMNS if table.column_names.count(name) > 1]
    if twice:
        raise InputError(f"{path}: column {twice[0]} is there twice; give DL_info.csv as NIH publishes it")
    if table.num_rows != expected_rows:
        raise InputError(
            f"{path}: {table.num_rows} lesions, expected {expected_rows}; a lesion's index is its row, "
            "so give the whole file in its own order"
        )
    return _Columns(path, table).lesions()


def _read_strings(path: Path) -> pa.Table:
    bad: list[csv.InvalidRow] = []

    def note(row: csv.InvalidRow) -> str:
        bad.append(row)
        return "error"

    try:
        with path.open("rb") as file:
            header = file.readline().decode("utf-8-sig").strip().split(",")
        return csv.read_csv(
            path,
            read_options=csv.ReadOptions(use_threads=False),
            parse_options=csv.ParseOptions(invalid_row_handler=note),
            convert_options=csv.ConvertOptions(
                column_types={name: pa.string() for name in header},
                strings_can_be_null=True,
                null_values=_UNKNOWN,
            ),
        )
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); give the path of DL_info.csv") from error
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        # Arrow's own message quotes the row, which may hold patient data.
        first = (
            f" (line {bad[0].number} has {bad[0].actual_columns} of {bad[0].expected_columns} values)" if bad else ""
        )
        raise InputError(f"{path}: not a CSV table{first}; give DL_info.csv as NIH publishes it") from error


class _Columns:
    """The text columns of one file, turned into numbers with errors that name line and column."""

    def __init__(self, path: Path | str, table: pa.Table) -> None:
        self.path = path
        self.table = table.combine_chunks()
        self.size = table.num_rows
        self.known = self._valid("File_name")

    def lesions(self) -> pa.Table:
        if "lesion_idx" in self.table.column_names:
            given = self._numbers("lesion_idx", 1, whole=True, optional=False)[:, 0]
            self._require("lesion_idx", given == np.arange(self.size), "rows are not numbered 0, 1, 2, ... in order")
        self._require_whole_rows()
        ids = {
            name: self._numbers(column, 1, whole=True, optional=False)[:, 0]
            for name, column in (("patient", "Patient_index"), ("study", "Study_index"), ("series", "Series_ID"))
        }
        for column, values in zip(("Patient_index", "Study_index", "Series_ID"), ids.values(), strict=True):
            self._require(column, values >= 0, "an index is negative")
        split = self._numbers("Train_Val_Test", 1, whole=True, optional=False)[:, 0]
        self._require("Train_Val_Test", np.isin(split, list(OFFICIAL_SPLITS)), "not 1 (train), 2 (val) or 3 (test)")
        spacing = self._numbers("Spacing_mm_px_", 3, some_unknown=True)
        self._require("Spacing_mm_px_", ~self.known | (spacing[:, 0] > 0), "the in-plane spacing is not positive")
        diameters = self._numbers("Lesion_diameters_Pixel_", 2)
        self._require("Lesion_diameters_Pixel_", ~self.known | (diameters > 0).all(1), "a diameter is not positive")
        box = self._numbers("Bounding_boxes", 4) - 1
        self._require("Bounding_boxes", ~self.known | (box[:, :2] < box[:, 2:]).all(1), "x1, y1 not below x2, y2")
        location = self._numbers("Normalized_lesion_location", 3)
        coarse = self._numbers("Coarse_lesion_type", 1, whole=True)[:, 0]
        self._require("Coarse_lesion_type", ~self.known | np.isin(coarse, [-1, *range(1, 9)]), "not -1 or 1 to 8")
        age = self._numbers("Patient_age", 1, some_unknown=True)[:, 0]
        self._require("Patient_age", ~(age < 0) & ~(age > 130), "not an age in years")
        noisy = self._numbers("Possibly_noisy", 1, whole=True)[:, 0]
        columns = {
            "index": np.arange(self.size),
            **ids,
            "split": np.array([None, *OFFICIAL_SPLITS.values()], dtype=object)[split.astype(int)],
            "file": self.table["File_name"],
            "key_slice": _scalars(self._numbers("Key_slice_index", 1, whole=True)[:, 0]),
            "measurement": _lists(np.round(self._numbers("Measurement_coordinates", 8) - 1, 6)),
            "box": _lists(np.round(box, 6)),
            "long_mm": _scalars(np.round(diameters[:, 0] * spacing[:, 0], 6)),
            "short_mm": _scalars(np.round(diameters[:, 1] * spacing[:, 0], 6)),
            "x": _scalars(location[:, 0]),
            "y": _scalars(location[:, 1]),
            "z": _scalars(location[:, 2]),
            "coarse_type": _scalars(np.where(coarse > 0, coarse, np.nan)),
            "noisy": pa.array(noisy > 0, mask=np.isnan(noisy)),
            "slice_range": _lists(self._numbers("Slice_range", 2, whole=True)),
            "spacing_mm": _scalars(spacing[:, 0]),
            "slice_mm": _scalars(np.where(spacing[:, 2] > 0, spacing[:, 2], np.nan)),
            "image_size": _lists(self._numbers("Image_size", 2, whole=True)),
            "window": _lists(self._numbers("DICOM_windows", 2)),
            "sex": self._sex(),
            "age": _scalars(np.where(age > 0, age, np.nan)),
        }
        arrays = [pa.array(v) if isinstance(v, np.ndarray) else v for v in columns.values()]
        return pa.table(arrays, names=list(columns)).cast(LESION_SCHEMA)

    def _valid(self, column: str) -> np.ndarray:
        return np.asarray(self.table[column].is_valid(), bool)

    def _require_whole_rows(self) -> None:
        """A row without a file name holds none of the optional columns; one with a file name holds all of them."""
        optional = set(COLUMNS[4:-1]) - {"Patient_gender", "Patient_age"}
        for column in (c for c in COLUMNS if c in optional):
            self._require(column, self._valid(column) == self.known, "filled in one of this row's columns, not in all")

    def _numbers(
        self, column: str, width: int, whole: bool = False, optional: bool = True, some_unknown: bool = False
    ) -> np.ndarray:
        """``width`` comma-separated numbers in each row, shape (rows, width); NaN in rows that are empty."""
        out = np.full((self.size, width), np.nan)
        valid = self._valid(column)
        if not optional:
            self._require(column, valid, "empty")
        text = self.table[column].combine_chunks().drop_null()
        parts = pc.split_pattern(text, ",")
        fits = np.ones(self.size, bool)
        fits[valid] = parts.value_lengths().to_numpy(zero_copy_only=False) == width
        self._require(column, fits, f"not {width} number{'s' if width > 1 else ''}")
        flat = pc.utf8_trim_whitespace(parts.flatten())
        if some_unknown:
            flat = pc.if_else(pc.is_in(flat, pa.array(_UNKNOWN)), None, flat)
        numeric = np.asarray(pc.match_substring_regex(flat, _NUMBER).fill_null(True), bool)
        fits[valid] = numeric.reshape(-1, width).all(1)
        self._require(column, fits, "not a number")
        out[valid] = flat.cast(pa.float64()).to_numpy(zero_copy_only=False).reshape(-1, width)
        # Beyond 32 bits nothing in the file makes sense; it also catches infinities.
        self._require(column, np.asarray(~(np.abs(out) >= 2**31).any(1)), "a number is out of range")
        if whole:
            self._require(column, np.asarray(~(np.nan_to_num(out) % 1 != 0).any(1)), "not a whole number")
        return out

    def _sex(self) -> pa.Array:
        text = pc.utf8_upper(pc.utf8_trim_whitespace(self.table["Patient_gender"]))
        allowed = pc.is_in(text, pa.array(["M", "F", "O"]))
        self._require("Patient_gender", np.asarray(pc.or_kleene(allowed, pc.is_null(text)), bool), "not M, F or O")
        return text

    def _require(self, column: str, holds: np.ndarray, reason: str) -> None:
        if not holds.all():
            line = int(np.flatnonzero(~holds)[0]) + 2
            more = int((~holds).sum()) - 1
            also = f" (and {more} more line{'s' if more > 1 else ''})" if more else ""
            raise InputError(
                f"{self.path}: line {line}, column {column}: {reason}{also}; restore the file NIH publishes"
            )


def _scalars(values: np.ndarray) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def _lists(values: np.ndarray) -> pa.Array:
    """Rows as lists, null where the row is NaN; shape (rows, width)."""
    missing = np.isnan(values).any(1)
    offsets = np.concatenate([[0], np.cumsum(~missing * values.shape[1])]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values[~missing].reshape(-1)), mask=pa.array(missing))
