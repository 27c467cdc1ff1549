"""RoI pooling against loops that follow the definitions, one bin at a time."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from learn.image.recipe import RoiMode
from learn.image.roi import SAMPLES, roi_pool

MAX_POOLED = (RoiMode.OFFICIAL, RoiMode.TIGHT)
SEEDS = st.integers(0, 2**31 - 1)
quick = settings(max_examples=60, deadline=None)


def rounded(value: float) -> int:
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def pooled_by_loop(features: Tensor, boxes: Tensor, scale: float, size: int, mode: RoiMode) -> Tensor:
    """RoIPool by its definition (specification, section 3)."""
    out = features.new_zeros(*features.shape[:2], size, size)
    height, width = features.shape[2:]
    for image, box in enumerate(boxes.tolist()):
        left, top, right, bottom = (rounded(v * scale) for v in box)
        if mode is RoiMode.OFFICIAL:
            right, bottom = right + 1, bottom + 1
        else:
            left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
            right, bottom = min(right, width), min(bottom, height)
        wide, high = max(right - left, 1), max(bottom - top, 1)
        for row in range(size):
            y1 = min(max(top + row * high // size, 0), height)
            y2 = min(max(top + math.ceil((row + 1) * high / size), 0), height)
            for column in range(size):
                x1 = min(max(left + column * wide // size, 0), width)
                x2 = min(max(left + math.ceil((column + 1) * wide / size), 0), width)
                if x1 < x2 and y1 < y2:
                    out[image, :, row, column] = features[image, :, y1:y2, x1:x2].amax((1, 2))
    return out


def aligned_by_loop(features: Tensor, boxes: Tensor, scale: float, size: int) -> Tensor:
    """RoIAlign by its definition: bilinear samples, one at a time."""
    out = features.new_zeros(*features.shape[:2], size, size)
    height, width = features.shape[2:]

    def place(low: float, high: float, sample: int, length: int) -> tuple[int, int, float]:
        low, high = (min(max(v, 0), length / scale) for v in (low, high))
        at = low + (high - low) * (sample + 0.5) / (size * SAMPLES)
        at = min(max((at + 0.5) * scale - 0.5, 0), length - 1)
        return int(at), min(int(at) + 1, length - 1), at - int(at)

    for image, (left, top, right, bottom) in enumerate(boxes.tolist()):
        for row in range(size * SAMPLES):
            above, below, down = place(top, bottom, row, height)
            for column in range(size * SAMPLES):
                before, after, along = place(left, right, column, width)
                lines = features[image, :, above] * (1 - down) + features[image, :, below] * down
                out[image, :, row // SAMPLES, column // SAMPLES] += lines[:, before] * (1 - along)
                out[image, :, row // SAMPLES, column // SAMPLES] += lines[:, after] * along
    return out / SAMPLES**2


@st.composite
def cases(draw: st.DrawFn) -> tuple[Tensor, Tensor, float]:
    """Maps of odd and even sizes, and boxes on, across and beyond their edges; corners fall on halves and between."""
    scale = 1 / draw(st.sampled_from([1, 2, 4, 8, 16]))
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    batch = draw(st.integers(1, 3))
    corner = st.integers(-8, 8 * 40).map(lambda eighths: eighths / 8 / scale)
    boxes = []
    for _ in range(batch):
        x, y = sorted((draw(corner), draw(corner))), sorted((draw(corner), draw(corner)))
        boxes.append([x[0], y[0], x[1], y[1]])
    random = torch.Generator().manual_seed(draw(SEEDS))
    # Few distinct values, below and above 0: ties, and bins whose largest value is less than that of an empty bin.
    features = torch.randint(-6, 7, (batch, 2, height, width), generator=random).float() / 2
    return features, torch.tensor(boxes), scale


@pytest.mark.parametrize("mode", MAX_POOLED)
@quick
@given(case=cases(), size=st.sampled_from([5, 5, 5, 1, 2, 7]))
def test_pooling_equals_the_loop_bit_for_bit(mode: RoiMode, case: tuple[Tensor, Tensor, float], size: int) -> None:
    features, boxes, scale = case
    assert torch.equal(roi_pool(features, boxes, scale, size, mode), pooled_by_loop(features, boxes, scale, size, mode))


@quick
@given(case=cases())
def test_alignment_equals_the_loop(case: tuple[Tensor, Tensor, float]) -> None:
    features, boxes, scale = case
    ours = roi_pool(features.double(), boxes.double(), scale, 5, RoiMode.ALIGN)
    torch.testing.assert_close(ours, aligned_by_loop(features.double(), boxes.double(), scale, 5))


@pytest.mark.parametrize("mode", MAX_POOLED)
@quick
@given(
    st.integers(0, 20),
    st.integers(0, 20),
    st.integers(1, 20),
    st.integers(1, 20),
    SEEDS,
)
def test_inside_the_map_pooling_is_adaptive_max_pooling_of_the_crop(
    mode: RoiMode, left: int, top: int, wide: int, high: int, seed: int
) -> None:
    features = torch.randn(1, 3, 40, 40, generator=torch.Generator().manual_seed(seed))
    past = 1 if mode is RoiMode.OFFICIAL else 0
    box = torch.tensor([[left, top, left + wide - past, top + high - past]], dtype=torch.float32)
    crop = features[:, :, top : top + high, left : left + wide]
    assert torch.equal(roi_pool(features, box, 1.0, 5, mode), F.adaptive_max_pool2d(crop, 5))


def test_official_pooling_of_the_whole_patch_leaves_nine_bins_of_the_coarsest_map_empty() -> None:
    whole = torch.tensor([[0.0, 0.0, 120.0, 120.0]])
    coarsest, finer = -torch.ones(1, 1, 7, 7), -torch.ones(1, 1, 15, 15)
    official = roi_pool(coarsest, whole, 1 / 16)[0, 0]
    assert int((official == 0).sum()) == 9
    assert (official[4] == 0).all()
    assert (official[:, 4] == 0).all()
    assert (roi_pool(finer, whole, 1 / 8) == -1).all()
    assert (roi_pool(coarsest, whole, 1 / 16, mode=RoiMode.TIGHT) == -1).all()


@pytest.mark.parametrize(
    ("coordinate", "column"),
    [
        pytest.param(1.0, 1, id="half away from 0, odd"),
        pytest.param(5.0, 3, id="half away from 0, even"),
        pytest.param(4.9, 2, id="below a half"),
    ],
)
def test_corners_are_rounded_half_away_from_zero(coordinate: float, column: int) -> None:
    features = torch.arange(8.0).expand(1, 1, 8, 8)
    box = torch.tensor([[coordinate] * 4])
    assert (roi_pool(features, box, 0.5) == column).all()


def test_a_box_three_times_the_map_is_pooled_as_the_official_arithmetic_has_it() -> None:
    features = torch.randn(1, 4, 30, 30, generator=torch.Generator().manual_seed(1))
    box = torch.tensor([[0.0, 0.0, 89.0, 89.0]])
    pooled = roi_pool(features, box, 1.0)
    assert torch.equal(pooled[:, :, 0, 0], features[:, :, :18, :18].amax((2, 3)))
    assert torch.equal(pooled[:, :, 1, 1], features[:, :, 18:, 18:].amax((2, 3)))
    assert (pooled[:, :, 2:] == 0).all()


@quick
@given(st.floats(-3, 3), st.floats(-3, 3), st.lists(st.floats(4, 56), min_size=4, max_size=4))
def test_aligned_bins_of_a_sloping_map_hold_the_height_at_their_centres(
    slope_x: float, slope_y: float, corners: list[float]
) -> None:
    pixel = torch.arange(64, dtype=torch.float64)
    patch = slope_x * pixel + slope_y * pixel[:, None]
    features = F.avg_pool2d(patch[None, None], 4)
    left, right = sorted(corners[:2])
    top, bottom = sorted(corners[2:])
    pooled = roi_pool(
        features, torch.tensor([[left, top, right, bottom]], dtype=torch.float64), 1 / 4, 5, RoiMode.ALIGN
    )
    share = (torch.arange(5, dtype=torch.float64) + 0.5) / 5
    x, y = left + (right - left) * share, top + (bottom - top) * share
    torch.testing.assert_close(pooled[0, 0], slope_x * x + slope_y * y[:, None])


@pytest.mark.parametrize("mode", list(RoiMode))
def test_gradients_agree_with_finite_differences(mode: RoiMode) -> None:
    draw = torch.Generator().manual_seed(3)
    features = torch.randn(2, 2, 7, 9, generator=draw, dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor([[1.0, 2, 12, 9], [4, 0, 30, 40]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda f: roi_pool(f, boxes, 0.5, 5, mode), features)


@pytest.mark.parametrize(
    ("mode", "bins"),
    [pytest.param(RoiMode.OFFICIAL, 16, id="official"), pytest.param(RoiMode.TIGHT, 25, id="tight")],
)
def test_the_gradient_goes_to_one_largest_value_of_each_bin_and_to_none_of_an_empty_one(
    mode: RoiMode, bins: int
) -> None:
    features = torch.zeros(1, 1, 7, 7, requires_grad=True)
    roi_pool(features, torch.tensor([[0.0, 0.0, 120.0, 120.0]]), 1 / 16, 5, mode).sum().backward()
    assert features.grad is not None
    assert float(features.grad.sum()) == bins


@pytest.mark.parametrize("mode", list(RoiMode))
def test_pooling_keeps_the_number_format_of_the_map(mode: RoiMode) -> None:
    features = torch.randn(2, 3, 15, 15, generator=torch.Generator().manual_seed(5)).bfloat16()
    boxes = torch.tensor([[3.0, 5, 40, 44], [0, 0, 120, 120]])
    pooled = roi_pool(features, boxes, 1 / 8, 5, mode)
    assert pooled.dtype == torch.bfloat16
    if mode is not RoiMode.ALIGN:
        assert torch.equal(pooled.float(), roi_pool(features.float(), boxes, 1 / 8, 5, mode))


@pytest.mark.parametrize("mode", MAX_POOLED)
def test_a_map_in_channels_last_order_is_pooled_to_the_same_values(mode: RoiMode) -> None:
    features = torch.randn(2, 3, 15, 15, generator=torch.Generator().manual_seed(5))
    boxes = torch.tensor([[3.0, 5, 40, 44], [0, 0, 120, 120]])
    last = features.contiguous(memory_format=torch.channels_last)
    assert torch.equal(roi_pool(last, boxes, 1 / 8, 5, mode), roi_pool(features, boxes, 1 / 8, 5, mode))


@pytest.mark.parametrize("mode", list(RoiMode))
def test_the_exported_pooling_has_one_length_for_all_boxes_and_gives_the_same_values(mode: RoiMode) -> None:
    class Pooling(torch.nn.Module):
        def forward(self, features: Tensor, boxes: Tensor) -> Tensor:
            return roi_pool(features, boxes, 0.5, 5, mode)

    draw = torch.Generator().manual_seed(6)
    batch = torch.export.Dim("batch", min=1)
    example = torch.randn(2, 3, 20, 20, generator=draw), torch.tensor([[1.0, 2, 9, 9]] * 2)
    exported = torch.export.export(Pooling(), example, dynamic_shapes=({0: batch}, {0: batch})).module()
    features = torch.randn(3, 3, 20, 20, generator=draw)
    boxes = torch.tensor([[0.0, 0, 40, 40], [0, 0, 90, 120], [13, 7, 13, 8]])
    torch.testing.assert_close(exported(features, boxes), roi_pool(features, boxes, 0.5, 5, mode), rtol=0, atol=0)
