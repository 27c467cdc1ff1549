"""ConvNeXt blocks as five stages, the first at the patch's own resolution: lesions are small."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from learn.image.taps import Stages, scaled

_BLOCKS = (1, 1, 2, 4, 2)
_LAYER_SCALE = 1e-6


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, maps: Tensor) -> Tensor:
        """The shape of the input, B x C x H x W."""
        last = maps.permute(0, 2, 3, 1)
        return F.layer_norm(last, (last.shape[-1],), self.weight, self.bias, 1e-6).permute(0, 3, 1, 2)


class ConvNextBlock(nn.Module):
    """Depthwise 7 x 7, normalisation, two 1 x 1 with GELU, a scale for each channel (Liu et al. 2022, figure 4)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 7, padding=3, groups=channels),
            ChannelNorm(channels),
            nn.Conv2d(channels, 4 * channels, 1),
            nn.GELU(),
            nn.Conv2d(4 * channels, channels, 1),
        )
        self.scale = nn.Parameter(torch.full((channels, 1, 1), _LAYER_SCALE))

    def forward(self, maps: Tensor) -> Tensor:
        """The shape of the input, B x C x H x W."""
        return torch.add(maps, self.scale * self.body(maps))


def convnext_stages(width: float) -> Stages:
    """A 3 x 3 stem and ten blocks, halved by 2 x 2 convolutions in between.

    Args:
        width: multiplier on the channels.
    """
    channels = scaled(width)
    modules, n_in = [], 3
    for stage, (n_out, blocks) in enumerate(zip(channels, _BLOCKS, strict=True)):
        layers: list[nn.Module] = (
            [ChannelNorm(n_in), nn.Conv2d(n_in, n_out, 2, 2)]
            if stage
            else [nn.Conv2d(n_in, n_out, 3, padding=1), ChannelNorm(n_out)]
        )
        layers += [ConvNextBlock(n_out) for _ in range(blocks)]
        modules.append(nn.Sequential(*layers, ChannelNorm(n_out)))
        n_in = n_out
    return Stages(modules, channels)
