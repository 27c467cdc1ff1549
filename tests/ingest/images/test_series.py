"""PNG folders and DICOM series as sources of slices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from made_series import made_slices, write_dicom, write_dicom_series, write_png, write_png_series
from PIL import Image
from plain_patch import plain_patch

from ingest.images.dicom_series import open_dicom_series
from ingest.images.geometry import PatchGeometry
from ingest.images.patch import extract_patch
from ingest.images.png_series import open_png_series
from ingest.release import Release
from kg.errors import InputError

GEOMETRY = PatchGeometry(size=32)


def test_dicom_and_png_of_the_same_slices_give_the_same_patch(tmp_path: Path) -> None:
    slices = made_slices(7)
    write_png_series(tmp_path / "000009_01_01", slices)
    write_dicom_series(tmp_path / "dicom", slices)
    png, dicom = open_png_series(tmp_path / "000009_01_01", 0.8, 2.5), open_dicom_series(tmp_path / "dicom")
    assert (dicom.spacing_mm, dicom.slice_mm, list(dicom.numbers)) == (0.8, 2.5, [1, 2, 3, 4, 5, 6, 7])
    one, other = (extract_patch(s, 4, (10.5, 12.25, 22, 21), GEOMETRY) for s in (png, dicom))
    assert np.array_equal(one.hu, other.hu) and np.array_equal(one.box, other.box)


def test_genuine_dicom_slices_are_sorted_from_head_to_feet_in_hounsfield_units(shared_data: Path) -> None:
    folders = sorted({path.parent for path in (shared_data / "images" / "lidc_dicom").rglob("*.dcm")})
    assert len(folders) == 3
    for folder in folders:
        series = open_dicom_series(folder)
        assert series.slice_mm in (1.25, 2.5)
        # LIDC numbers its instances from head to feet.
        first = min(int(f.instance or 0) for f in series._slices.values())
        assert [series.number_of_instance(first + i) for i in range(len(series.numbers))] == list(series.numbers)
        centre = series.hu(1)[200:300, 200:300]
        assert centre.min() >= -1100 and centre.max() > 0
        # The same slices read file by file, in the order of their positions, and cut slowly.
        files = sorted((pydicom.dcmread(p) for p in folder.glob("*.dcm")), key=lambda d: -d.ImagePositionPatient[2])
        plain = {n: d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept) for n, d in enumerate(files, 1)}
        box = (250.25, 243.5, 281.0, 270.75)
        patch = extract_patch(series, 5, box)
        expected, expected_box = plain_patch(plain, 5, box, float(files[0].PixelSpacing[0]), series.slice_mm)
        np.testing.assert_allclose(patch.hu, expected, atol=1e-3)
        np.testing.assert_allclose(patch.box, expected_box)
        assert patch.substituted == ()


def test_slice_numbers_of_deeplesion_rise_from_head_to_feet() -> None:
    lesions = Release.shipped().lesions
    by_series: dict[tuple[int, ...], list[tuple[int, float]]] = {}
    columns = (lesions[name].to_pylist() for name in ("patient", "study", "series", "key_slice", "z"))
    for *series, key, z in zip(*columns, strict=True):
        if key is not None:
            by_series.setdefault(tuple(series), []).append((key, z))
    pairs = [(a, b) for found in by_series.values() for a in found for b in found if b[0] - a[0] > 10]
    # z rises towards the feet (spec of the data set: location normalised to the body).
    assert np.mean([b[1] > a[1] for a, b in pairs]) > 0.99


def test_mirrored_slices_are_turned_and_the_box_with_them(tmp_path: Path) -> None:
    slices = made_slices(5)
    write_dicom_series(tmp_path / "upright", slices)
    for place, hu in enumerate(slices, 1):
        turned = {"ImageOrientationPatient": [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0]}
        write_dicom(tmp_path / "prone" / f"{place}", hu[::-1, ::-1], place, **turned)
    box = (10.0, 12.0, 22.0, 21.0)
    there = (47 - box[2], 39 - box[3], 47 - box[0], 39 - box[1])
    one = extract_patch(open_dicom_series(tmp_path / "upright"), 3, box, GEOMETRY)
    other = extract_patch(open_dicom_series(tmp_path / "prone"), 3, there, GEOMETRY)
    assert np.array_equal(one.hu, other.hu) and np.array_equal(one.box, other.box)


def test_a_file_stands_for_its_series_among_others(tmp_path: Path) -> None:
    slices = made_slices(4)
    write_dicom_series(tmp_path, slices)
    write_dicom(tmp_path / "other", slices[0], 1, SeriesInstanceUID="1.2.3")
    with pytest.raises(InputError, match="2 series in it"):
        open_dicom_series(tmp_path)
    own = next(path for path in tmp_path.iterdir() if path.name != "other")
    assert len(open_dicom_series(own).numbers) == 4
    assert len(open_dicom_series(tmp_path / "other").numbers) == 1


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        pytest.param({"Modality": "MR"}, "not CT", id="not CT"),
        pytest.param({"ImageOrientationPatient": [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]}, "mixed orientations", id="mixed"),
        pytest.param({"PixelSpacing": [0.9, 0.9]}, "mixed pixel spacings", id="spacing"),
        pytest.param({"PixelSpacing": ["nan", "nan"]}, "NaN", id="NaN spacing"),
        pytest.param({"ImagePositionPatient": [-100.0, -90.0, 495.0]}, "two slices at one place", id="duplicate"),
        pytest.param({"ImagePositionPatient": [-100.0, -90.0, 480.0]}, "gap", id="gap"),
        pytest.param({"ImagePositionPatient": None}, "no ImagePositionPatient", id="no position"),
        pytest.param({"RescaleSlope": None}, "no RescaleSlope", id="no rescale"),
        pytest.param({"RescaleSlope": "nan"}, "no usable number", id="NaN rescale"),
        pytest.param({"RescaleType": "ED"}, "not Hounsfield units", id="electron density"),
        pytest.param({"NumberOfFrames": 4}, "several frames", id="multi-frame"),
    ],
)
def test_a_series_that_is_none_is_refused_with_the_reason(tmp_path: Path, tags: dict[str, Any], says: str) -> None:
    slices = made_slices(4)
    write_dicom_series(tmp_path, slices[:3])
    write_dicom(tmp_path / "odd", slices[3], 4, **tags)
    with pytest.raises(InputError, match=says) as caught:
        open_dicom_series(tmp_path, "series R-1")
    assert "\n" not in str(caught.value) and "SECRET" not in str(caught.value) and "Secret" not in str(caught.value)


def test_tilted_and_non_axial_series_are_refused(tmp_path: Path) -> None:
    for place, hu in enumerate(made_slices(4), 1):
        write_dicom(tmp_path / "tilt" / str(place), hu, place, ImagePositionPatient=[-100.0, place * 0.7, -2.5 * place])
        flat = {"ImageOrientationPatient": [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]}
        write_dicom(tmp_path / "coronal" / str(place), hu, place, **flat)
    with pytest.raises(InputError, match="tilted gantry"):
        open_dicom_series(tmp_path / "tilt")
    with pytest.raises(InputError, match="not axial"):
        open_dicom_series(tmp_path / "coronal")


def test_truncated_pixels_are_an_error_without_content(tmp_path: Path) -> None:
    write_dicom_series(tmp_path, made_slices(3))
    series = open_dicom_series(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(InputError, match="slice 2 cannot be decoded") as caught:
        series.hu(2)
    assert "SECRET" not in str(caught.value)


def test_what_is_wrong_with_a_tag_is_never_quoted_in_a_warning(tmp_path: Path) -> None:
    # A UID that is none, as a careless export may write it; the test run turns warnings into errors.
    write_dicom(tmp_path / "one", made_slices(1)[0], 1, SeriesInstanceUID="SECRET^PERSON")
    assert list(open_dicom_series(tmp_path).numbers) == [1]


def test_empty_and_absent_folders_are_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="no DICOM file"):
        open_dicom_series(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        open_dicom_series(tmp_path / "absent")
    with pytest.raises(InputError, match=r"no slice such as 103\.png"):
        open_png_series(tmp_path, 1.0)


@pytest.mark.parametrize("spacing", [float("nan"), 0.0, -1.0])
def test_a_spacing_that_is_none_is_refused(tmp_path: Path, spacing: float) -> None:
    write_png_series(tmp_path, made_slices(1))
    with pytest.raises(InputError, match="pixel spacing"):
        open_png_series(tmp_path, spacing)


def test_png_slices_of_another_depth_or_cut_short_are_refused(tmp_path: Path) -> None:
    (hu,) = made_slices(1)
    write_png(tmp_path / "001.png", hu)
    Image.fromarray(np.zeros((40, 48), np.uint8)).save(tmp_path / "002.png")
    write_png(tmp_path / "003.png", hu)
    (tmp_path / "003.png").write_bytes((tmp_path / "003.png").read_bytes()[:900])
    write_png(tmp_path / "004.png", hu)
    damaged = bytearray((tmp_path / "004.png").read_bytes())
    damaged[-20] ^= 0xFF  # in the checksum of the pixels
    (tmp_path / "004.png").write_bytes(damaged)
    series = open_png_series(tmp_path, 1.0)
    assert np.array_equal(series.hu(1), hu)
    with pytest.raises(InputError, match="damaged"):
        series.hu(4)
    with pytest.raises(InputError, match="not 16-bit"):
        series.hu(2)
    with pytest.raises(InputError, match="cannot be decoded"):
        series.hu(3)
