"""What the network is given for a stored patch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from learn.image.inputs import as_input


def in_words(hu: float) -> float:
    """The released pre-processing of one pixel, as its text describes it: window, 0 to 255, minus 50, over 255."""
    grey = 255 * min(max((hu + 1024) / 4095, 0), 1)
    return (grey - 50) / 255


@given(st.integers(0, 32760))
def test_a_stored_value_becomes_what_the_released_preprocessing_makes_of_its_hounsfield_units(value: int) -> None:
    assert float(as_input(torch.tensor(value, dtype=torch.int16))) == pytest.approx(
        in_words(value / 8 - 1024), abs=2e-7
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(0, -50 / 255, id="low end of the window"),
        pytest.param(32760, 205 / 255, id="high end"),
        pytest.param(8 * 1024, 1024 / 4095 - 50 / 255, id="water"),
    ],
)
def test_ends_of_the_window(value: int, expected: float) -> None:
    assert float(as_input(torch.tensor(value, dtype=torch.int16))) == pytest.approx(expected, abs=1e-6)


def test_shape_is_kept_and_the_stored_patch_is_left_as_it_is() -> None:
    stored = torch.from_numpy(np.arange(2 * 3 * 4 * 4, dtype=np.int16).reshape(2, 3, 4, 4))
    before = stored.clone()
    out = as_input(stored)
    assert (out.shape, out.dtype) == (stored.shape, torch.float32)
    assert torch.equal(stored, before)
    assert (out.flatten().diff() > 0).all()
