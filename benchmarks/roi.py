"""RoI pooling of LesaNet's five scales against a loop over lesions and bins, and its share of a training step.

Patches and boxes are drawn: sides from 10 to 60 pixels, as lesions of 1 to 5 cm have. Both ways give equal values.
Processor time of one thread, which other work on the machine leaves nearly as it is.

Usage: ``python benchmarks/roi.py``
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from learn.head import LabelNetwork
from learn.image.network import image_network
from learn.image.recipe import ImageRecipe, RoiMode
from learn.image.roi import roi_pool
from learn.image.taps import CHANNELS, GRID, LESION_STAGES, STRIDES

BATCH, SIZE, LABELS = 16, 120, 171


def seconds(function: Callable[[], object], repeat: int) -> float:
    """Least processor time of several calls, after one that does not count when there are several."""
    times = []
    for _ in range(repeat + (repeat > 1)):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def pooled_by_loop(features: Tensor, boxes: Tensor, scale: float, unbind: bool = False) -> Tensor:
    """RoIPool with a slice and a maximum for each bin of each lesion.

    With ``unbind`` the batch is taken apart once, and the gradient of a slice is as large as one lesion's map;
    otherwise it is as large as the batch's.
    """
    height, width = features.shape[2:]
    apart = features.unbind() if unbind else ()
    grids = []
    for lesion, box in enumerate(boxes.tolist()):
        left, top, right, bottom = (math.floor(v * scale + 0.5) for v in box)
        wide, high = max(right - left + 1, 1), max(bottom - top + 1, 1)
        bins = []
        for row in range(GRID):
            y1, y2 = top + row * high // GRID, min(top - (-(row + 1) * high // GRID), height)
            for column in range(GRID):
                x1, x2 = left + column * wide // GRID, min(left - (-(column + 1) * wide // GRID), width)
                if x1 >= x2 or y1 >= y2:
                    bins.append(features.new_zeros(features.shape[1]))
                elif unbind:
                    bins.append(apart[lesion][:, y1:y2, x1:x2].amax((1, 2)))
                else:
                    bins.append(features[lesion, :, y1:y2, x1:x2].amax((1, 2)))
        grids.append(torch.stack(bins, 1).view(-1, GRID, GRID))
    return torch.stack(grids)


def step(network: LabelNetwork, patch: Tensor, box: Tensor) -> None:
    """Forward and backward through everything."""
    out = network(patch, box)
    (out.score.square().mean() + out.refined.square().mean() + out.embedding.sum()).backward()


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    draw = torch.Generator().manual_seed(0)
    centre, half = 60 + 4 * torch.randn(BATCH, 2, generator=draw), 5 + 25 * torch.rand(BATCH, 2, generator=draw)
    box = torch.cat([centre - half, centre + half], 1)
    whole = torch.tensor([[0.0, 0.0, SIZE, SIZE]]).expand(BATCH, -1)
    levels = [
        (
            torch.randn(BATCH, n, SIZE // s, SIZE // s, generator=draw).requires_grad_(),
            (box, whole)[k >= LESION_STAGES],
            s,
        )
        for k, (n, s) in enumerate(zip(CHANNELS, STRIDES, strict=True))
    ]

    def pool(way: Callable[[Tensor, Tensor, float], Tensor]) -> Callable[[], None]:
        def all_levels() -> None:
            for maps, boxes, stride in levels:
                maps.grad = None
                way(maps, boxes, 1 / stride).sum().backward()

        return all_levels

    assert all(torch.equal(roi_pool(m, b, 1 / s), pooled_by_loop(m, b, 1 / s)) for m, b, s in levels)
    print(f"batch of {BATCH}, {SIZE} x {SIZE} pixels, forward and backward, one thread")
    ours = seconds(pool(roi_pool), 5)
    for name, unbind in (
        ("a slice of the batch for each bin", False),
        ("a slice of one lesion's map for each bin", True),
    ):
        loop = seconds(pool(partial(pooled_by_loop, unbind=unbind)), 1)
        wanted = "" if unbind else " (at least 20x wanted)"
        print(f"RoI pooling of five levels, {name}: {loop:.2f} s -> {ours:.3f} s, {loop / ours:.0f}x{wanted}")

    patch = torch.randn(BATCH, 3, SIZE, SIZE, generator=draw)
    for mode in RoiMode:
        network = image_network(ImageRecipe(roi=mode), LABELS, SIZE)
        whole_step = seconds(partial(step, network, patch, box), 2)
        pooling = seconds(pool(partial(roi_pool, mode=mode)), 5)
        print(
            f"{mode.value}: pooling {pooling:.3f} s of a full-width training step of {whole_step:.1f} s, "
            f"{pooling / whole_step:.1%} (under 8 % wanted)"
        )


if __name__ == "__main__":
    main()
