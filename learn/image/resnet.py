"""Residual blocks as five stages, in the manner of ResNet-18 but with no early pooling: lesions are small."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from learn.image.taps import Stages, scaled

_BLOCKS = (1, 2, 2, 2, 2)


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation, added to the input (He et al. 2016, figure 2).

    The shortcut is a 1 x 1 convolution where size or channels change.
    """

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(n_out, n_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or n_in != n_out:
            self.shortcut = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))

    def forward(self, maps: Tensor) -> Tensor:
        """B x ``n_out`` x H' x W', H' and W' the input's over the stride, rounded up."""
        return torch.relu(self.body(maps) + self.shortcut(maps))


def resnet_stages(width: float) -> Stages:
    """A 3 x 3 stem and nine residual blocks.

    Args:
        width: multiplier on the channels.
    """
    channels = scaled(width)
    stem = nn.Sequential(
        nn.Conv2d(3, channels[0], 3, padding=1, bias=False), nn.BatchNorm2d(channels[0]), nn.ReLU(inplace=True)
    )
    modules, n_in = [], channels[0]
    for stage, (n_out, blocks) in enumerate(zip(channels, _BLOCKS, strict=True)):
        layers: list[nn.Module] = [] if stage else [stem]
        for block in range(blocks):
            layers.append(ResidualBlock(n_in, n_out, 2 if stage and not block else 1))
            n_in = n_out
        modules.append(nn.Sequential(*layers))
    return Stages(modules, channels)
