"""VGG-16 with batch normalisation as five stages (LesaNet, section 4.1)."""

from __future__ import annotations

from torch import nn

from learn.image.taps import Stages, scaled

_CONVOLUTIONS = (2, 2, 3, 3, 3)


def vgg_stages(width: float) -> Stages:
    """13 convolutions of 3 x 3 with bias, batch normalisation and ReLU after each.

    A stage's map is taken before the pooling that halves it, and none follows the last: the pooling opens the next
    stage.

    Args:
        width: multiplier on the channels.
    """
    channels = scaled(width)
    modules, n_in = [], 3
    for stage, (n_out, convolutions) in enumerate(zip(channels, _CONVOLUTIONS, strict=True)):
        layers: list[nn.Module] = [nn.MaxPool2d(2)] if stage else []
        for _ in range(convolutions):
            layers += [nn.Conv2d(n_in, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)]
            n_in = n_out
        modules.append(nn.Sequential(*layers))
    return Stages(modules, channels)
