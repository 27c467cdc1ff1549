"""From stored patches to what the network sees."""

from __future__ import annotations

import torch
from torch import Tensor

from ingest.images.geometry import STEPS_PER_HU, WINDOW_HU

WINDOW_WIDTH = WINDOW_HU[1] - WINDOW_HU[0]
"""Of the one intensity window, in HU."""

_GREY = 255.0
_MEAN = 50.0


def as_input(pixels: Tensor) -> Tensor:
    """Network input for stored patches, on the device they are on.

    The window becomes 0 to 255 grey levels, 50 is taken off and the result divided by 255 (released code, order of
    pre-processing): -0.196 to 0.804.

    Args:
        pixels: int16 of any shape, eighths of a Hounsfield unit above the low end of the window.

    Returns:
        float32 of the same shape.
    """
    return pixels.to(torch.float32).mul_(1 / (STEPS_PER_HU * WINDOW_WIDTH)).sub_(_MEAN / _GREY)
