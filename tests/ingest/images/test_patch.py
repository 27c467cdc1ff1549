"""Patches against a slow, plain implementation of the same steps, on genuine slices and on made ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_series import made_slices
from plain_patch import plain_patch

from ingest.images.geometry import STEPS_PER_HU, PatchGeometry
from ingest.images.patch import extract_patch, stored
from ingest.images.png_series import open_png_series
from ingest.images.slice_source import Box
from ingest.release import Release
from kg.errors import InputError


class Held:
    """A series in memory."""

    name = "made"

    def __init__(self, slices: dict[int, np.ndarray], spacing_mm: float, slice_mm: float | None) -> None:
        self.slices, self.spacing_mm, self.slice_mm, self.numbers = slices, spacing_mm, slice_mm, slices.keys()

    def hu(self, number: int) -> np.ndarray:
        return self.slices[number].astype(np.float32)

    def oriented(self, box: Box) -> Box:
        return box


@pytest.mark.parametrize("index", range(4))
def test_genuine_lesions_give_the_patch_of_the_plain_implementation(shared_data: Path, index: int) -> None:
    row = Release.shipped().lesions.slice(index, 1).to_pylist()[0]
    folder = shared_data / "images" / "deeplesion_png16" / row["file"].rsplit("_", 1)[0]
    series = open_png_series(folder, row["spacing_mm"], row["slice_mm"])
    patch = extract_patch(series, row["key_slice"], tuple(row["box"]))
    slices = {n: series.hu(n) for n in series.numbers if abs(n - row["key_slice"]) <= 2}
    expected, box = plain_patch(slices, row["key_slice"], tuple(row["box"]), row["spacing_mm"], row["slice_mm"])
    np.testing.assert_allclose(patch.hu, expected, atol=1e-3)  # float32 of up to 3,071 HU
    np.testing.assert_allclose(patch.box, box, atol=1e-9)
    assert patch.substituted == ()
    # Soft tissue lies in the middle of a lesion of the body, not air: the box is where the lesion is.
    x1, y1, x2, y2 = patch.box.round().astype(int)
    assert -200 < float(patch.hu[1, y1:y2, x1:x2].mean()) < 300


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    spacing=st.floats(0.3, 1.9),
    interval=st.sampled_from([None, 0.5, 0.8, 1.0, 1.25, 2.0, 3.0, 5.0]),
    centre=st.tuples(st.floats(0, 47), st.floats(0, 39)),
    extent=st.tuples(st.floats(0.5, 60), st.floats(0.5, 60)),
)
def test_any_box_gives_the_patch_of_the_plain_implementation(
    seed: int, spacing: float, interval: float | None, centre: tuple[float, float], extent: tuple[float, float]
) -> None:
    slices = dict(enumerate(made_slices(11, seed=seed)))
    (x, y), (w, h) = centre, extent
    box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    patch = extract_patch(Held(slices, spacing, interval), 5, box, PatchGeometry(size=32))
    expected, expected_box = plain_patch(slices, 5, box, spacing, interval, size=32)
    np.testing.assert_allclose(patch.hu, expected, atol=1e-3)
    np.testing.assert_allclose(patch.box, expected_box, atol=1e-9)


def test_another_resolution_and_the_cap_on_the_resized_image() -> None:
    slices = dict(enumerate(made_slices(11, 60, 90)))
    for geometry in (PatchGeometry(size=24, spacing_mm=1.9), PatchGeometry(size=24, longest_side=70)):
        patch = extract_patch(Held(slices, 1.3, 2.5), 5, (20.2, 30.1, 33.3, 41.9), geometry)
        expected, box = plain_patch(
            slices, 5, (20.2, 30.1, 33.3, 41.9), 1.3, 2.5, 24, geometry.spacing_mm, geometry.longest_side
        )
        np.testing.assert_allclose(patch.hu, expected, atol=1e-3)
        np.testing.assert_allclose(patch.box, box)


def test_a_lesion_larger_than_the_patch_overflows_on_the_far_side_only() -> None:
    slices = dict(enumerate(made_slices(3, 200, 200)))
    patch = extract_patch(Held(slices, 1.0, None), 1, (10, 10, 190, 190), PatchGeometry(size=32))
    assert patch.box.tolist() == [0, 0, 106, 106]


def test_a_missing_neighbour_is_replaced_by_the_nearest_slice_and_recorded() -> None:
    planes = made_slices(11)
    whole = dict(enumerate(planes))
    series = Held({n: p for n, p in whole.items() if n not in (2, 3, 8)}, 1.0, 1.0)
    patch = extract_patch(series, 5, (10, 10, 20, 20), PatchGeometry(size=32))
    assert patch.substituted == (3,)
    nearer = dict(whole)
    nearer[3] = whole[4]
    expected, _ = plain_patch(nearer, 5, (10, 10, 20, 20), 1.0, 1.0, size=32)
    np.testing.assert_allclose(patch.hu, expected, atol=1e-3)
    alone = extract_patch(Held({5: whole[5]}, 1.0, 1.0), 5, (10, 10, 20, 20), PatchGeometry(size=32))
    assert alone.substituted == (3, 7)
    assert np.array_equal(alone.hu[0], alone.hu[1]) and np.array_equal(alone.hu[2], alone.hu[1])


def test_stored_patches_are_within_half_a_step_and_fit_their_type() -> None:
    patch = extract_patch(Held(dict(enumerate(made_slices(5))), 0.7, 2.0), 2, (10, 10, 20, 20), PatchGeometry(size=32))
    values = stored(patch)
    assert values.dtype == np.int16 and values.min() >= 0 and values.max() <= 4095 * STEPS_PER_HU
    assert np.abs(values / STEPS_PER_HU - 1024 - patch.hu).max() <= 0.5 / STEPS_PER_HU + 1e-3


@pytest.mark.parametrize(
    ("box", "says"),
    [
        pytest.param((10, 10, 10, 20), "no area", id="zero width"),
        pytest.param((20, 10, 10, 20), "inverted", id="inverted"),
        pytest.param((100, 10, 120, 20), "outside the image of 48 x 40", id="right of the image"),
        pytest.param((-50, 10, 20, 20), "outside the image", id="left of the image"),
        pytest.param((10, float("nan"), 20, 20), "no number", id="NaN"),
    ],
)
def test_a_box_that_is_none_is_refused_in_one_line(box: Box, says: str) -> None:
    series = Held(dict(enumerate(made_slices(5))), 1.0, 1.0)
    with pytest.raises(InputError, match=says) as caught:
        extract_patch(series, 2, box, PatchGeometry(size=32))
    assert "\n" not in str(caught.value)


def test_a_missing_key_slice_is_refused() -> None:
    with pytest.raises(InputError, match="no slice 9"):
        extract_patch(Held(dict(enumerate(made_slices(5))), 1.0, 1.0), 9, (10, 10, 20, 20))
