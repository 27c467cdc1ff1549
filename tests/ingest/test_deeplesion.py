"""Reading DL_info.csv: units and conventions, and what is wrong with a damaged file."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ingest.deeplesion import COLUMNS, OFFICIAL_ROWS, read_dl_info
from kg.errors import InputError

SYNTHETIC = {
    "File_name": "000007_02_01_030.png",
    "Patient_index": "7",
    "Study_index": "2",
    "Series_ID": "1",
    "Key_slice_index": "30",
    "Measurement_coordinates": "101, 201, 111, 201, 106, 198, 106, 204",
    "Bounding_boxes": "96, 193, 116, 209",
    "Lesion_diameters_Pixel_": "10, 6",
    "Normalized_lesion_location": "0.25, 0.5, 0.75",
    "Coarse_lesion_type": "-1",
    "Possibly_noisy": "0",
    "Slice_range": "24, 36",
    "Spacing_mm_px_": "0.5, 0.5, 5",
    "Image_size": "512, 512",
    "DICOM_windows": "-175, 275",
    "Patient_gender": "F",
    "Patient_age": "62",
    "Train_Val_Test": "1",
}
Writer = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """Writes a synthetic DL_info.csv of rows that differ from a plausible one in the given values."""

    def writer(*changes: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Path:
        path = tmp_path / "DL_info.csv"
        with path.open("w", newline="") as file:
            rows = csv.DictWriter(file, columns, extrasaction="ignore")
            rows.writeheader()
            rows.writerows({**SYNTHETIC, **change} for change in changes)
        return path

    return writer


def test_coordinates_become_zero_based_and_diameters_millimetres(write: Writer) -> None:
    row = read_dl_info(write({}), expected_rows=1).to_pylist()[0]
    assert row["measurement"] == [100, 200, 110, 200, 105, 197, 105, 203]
    assert row["box"] == [95, 192, 115, 208]
    assert (row["long_mm"], row["short_mm"]) == (5, 3)
    assert (row["spacing_mm"], row["slice_mm"]) == (0.5, 5)
    assert (row["x"], row["y"], row["z"]) == (0.25, 0.5, 0.75)
    assert (row["index"], row["patient"], row["study"], row["series"], row["split"]) == (0, 7, 2, 1, "train")
    assert (row["coarse_type"], row["noisy"], row["sex"], row["age"]) == (None, False, "F", 62)


@pytest.mark.parametrize("age", ["", "0", "NaN", "nan", "0.0"])
def test_an_age_of_zero_or_nan_is_unknown(write: Writer, age: str) -> None:
    assert read_dl_info(write({"Patient_age": age}), expected_rows=1)["age"].to_pylist() == [None]


@pytest.mark.parametrize("interval", ["NaN", "-5", "0"])
def test_a_slice_interval_that_is_not_positive_is_unknown(write: Writer, interval: str) -> None:
    row = read_dl_info(write({"Spacing_mm_px_": f"0.8, 0.8, {interval}"}), expected_rows=1).to_pylist()[0]
    assert (row["spacing_mm"], row["slice_mm"]) == (0.8, None)


def test_a_noisy_lesion_is_marked(write: Writer) -> None:
    assert read_dl_info(write({"Possibly_noisy": "1"}, {}), expected_rows=2)["noisy"].to_pylist() == [True, False]


def test_rows_keep_the_order_of_the_file(write: Writer) -> None:
    table = read_dl_info(write({"Patient_index": "9"}, {"Patient_index": "2"}), expected_rows=2)
    assert table["patient"].to_pylist() == [9, 2]
    assert table["index"].to_pylist() == [0, 1]


@pytest.mark.parametrize("missing", COLUMNS)
def test_a_missing_column_is_named(write: Writer, missing: str) -> None:
    path = write({}, columns=tuple(c for c in COLUMNS if c != missing))
    with pytest.raises(InputError, match=f"column {missing} is missing"):
        read_dl_info(path, expected_rows=1)


def test_a_column_that_is_there_twice_is_named(tmp_path: Path) -> None:
    path = tmp_path / "DL_info.csv"
    path.write_text(",".join((*COLUMNS, "Slice_range")) + "\n" + "1," * len(COLUMNS) + "1\n")
    with pytest.raises(InputError, match="column Slice_range is there twice"):
        read_dl_info(path)


def test_another_number_of_rows_is_refused(write: Writer) -> None:
    with pytest.raises(InputError, match="2 lesions, expected 32735"):
        read_dl_info(write({}, {}))


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        pytest.param("Patient_index", "x7", "not a number", id="letters"),
        pytest.param("Patient_index", "", "empty", id="no patient"),
        pytest.param("Patient_index", "-7", "negative", id="negative patient"),
        pytest.param("Key_slice_index", "30.5", "not a whole number", id="half a slice"),
        pytest.param("Bounding_boxes", "96, 193, 116", "not 4 numbers", id="short box"),
        pytest.param("Bounding_boxes", "116, 193, 96, 209", "x1, y1 not below", id="box inside out"),
        pytest.param("Bounding_boxes", "", "filled in one", id="no box"),
        pytest.param("Measurement_coordinates", "1, 2, 3, 4, 5, 6, 7, NaN", "not a number", id="not a number"),
        pytest.param("Normalized_lesion_location", "0.1; 0.2; 0.3", "not 3 numbers", id="other separator"),
        pytest.param("Lesion_diameters_Pixel_", "10, -6", "not positive", id="negative diameter"),
        pytest.param("Lesion_diameters_Pixel_", "1e999, 6", "out of range", id="infinite diameter"),
        pytest.param("Spacing_mm_px_", "0, 0, 5", "not positive", id="no spacing"),
        pytest.param("Coarse_lesion_type", "9", "not -1 or 1 to 8", id="unknown type"),
        pytest.param("Patient_gender", "W", "not M, F or O", id="unknown sex"),
        pytest.param("Patient_age", "-3", "not an age", id="negative age"),
        pytest.param("Patient_age", "620", "not an age", id="impossible age"),
        pytest.param("Train_Val_Test", "4", "not 1", id="fourth split"),
        pytest.param("File_name", "", "filled in one", id="only the file name is missing"),
    ],
)
def test_a_bad_value_is_named_by_line_and_column_but_not_shown(
    write: Writer, column: str, value: str, reason: str
) -> None:
    path = write({}, {column: value}, {})
    with pytest.raises(InputError) as caught:
        read_dl_info(path, expected_rows=3)
    message = str(caught.value)
    assert "line 3, column " in message
    assert reason in message
    assert "\n" not in message
    assert SYNTHETIC["File_name"] not in message
    assert len(value) < 4 or value not in message


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00\xff", id="a picture"),
        pytest.param(b"some words without any table\n", id="prose"),
        pytest.param((",".join(COLUMNS) + "\n000007_02_01_030.png,7\n").encode(), id="ragged"),
        pytest.param((",".join(COLUMNS) + "\n\xff\xfe" + "," * 17 + "\n").encode("latin-1"), id="other encoding"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_without_quoting_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "DL_info.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"DL_info\.csv") as caught:
        read_dl_info(path)
    assert "000007" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_dl_info(tmp_path / "absent.csv")


def test_a_lesion_number_that_is_not_the_row_is_refused(write: Writer) -> None:
    path = write({"lesion_idx": "0"}, {"lesion_idx": "2"}, columns=("lesion_idx", *COLUMNS))
    with pytest.raises(InputError, match="line 3, column lesion_idx: rows are not numbered"):
        read_dl_info(path, expected_rows=2)


@pytest.fixture(scope="module")
def real(shared_data: Path) -> pa.Table:
    """All real lesions."""
    return read_dl_info(shared_data / "deeplesion" / "lesions.csv")


def test_the_real_table_has_all_lesions_and_10752_with_all_columns(real: pa.Table) -> None:
    assert real.num_rows == OFFICIAL_ROWS
    assert OFFICIAL_ROWS - real["file"].null_count == 10_752
    assert len(set(real["patient"].to_pylist())) == 4_427
    splits = real["split"].to_pylist()
    assert [splits.count(s) for s in ("train", "val", "test")] == [22_919, 4_889, 4_927]


def test_real_boxes_reach_five_pixels_beyond_the_measured_end_points(real: pa.Table) -> None:
    known = real.filter(real["box"].is_valid())
    points = np.array(known["measurement"].to_pylist()).reshape(-1, 4, 2)
    box = np.array(known["box"].to_pylist())
    assert np.abs(points.min(1) - 5 - box[:, :2]).max() < 0.001
    assert np.abs(points.max(1) + 5 - box[:, 2:]).max() < 0.001


def test_real_diameters_are_the_measured_lengths_in_millimetres(real: pa.Table) -> None:
    known = real.filter(real["box"].is_valid())
    points = np.array(known["measurement"].to_pylist()).reshape(-1, 2, 2, 2)
    lengths = np.linalg.norm(points[:, :, 0] - points[:, :, 1], axis=-1) * known["spacing_mm"].to_numpy()[:, None]
    given = np.stack([known["long_mm"].to_numpy(), known["short_mm"].to_numpy()], axis=1)
    assert np.abs(lengths - given).max() < 0.01


def test_an_official_file_of_the_complete_real_rows_reads_as_the_extract(shared_data: Path, tmp_path: Path) -> None:
    with (shared_data / "deeplesion" / "lesions.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["File_name"]]
    path = tmp_path / "DL_info.csv"
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        out.writeheader()
        out.writerows(rows)
    table = read_dl_info(path, expected_rows=10_752)
    whole = read_dl_info(shared_data / "deeplesion" / "lesions.csv")
    expected = whole.filter(whole["file"].is_valid())
    assert table.drop_columns("index").equals(expected.drop_columns("index"))
