"""LesaNet's head over any feature vector: scores, refined scores and an embedding (LesaNet, figure 2)."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Outputs(NamedTuple):
    """What the network says of B lesions.

    Attributes:
        score: B x C logits before score propagation.
        refined: B x C logits after it.
        embedding: B x D, unit length.
    """

    score: Tensor
    refined: Tensor
    embedding: Tensor


class Trunk(nn.Module):
    """Whatever turns what is known of B lesions into B x F features; the head is the same over every one.

    A trunk sets ``width`` to F and has a ``forward`` that returns B x F.
    """

    width: int


class LabelNetwork(nn.Module):
    """A trunk under LesaNet's head: score layer, score propagation layer (SPL) and embedding layer.

    The score layer is linear in the trunk's output, the SPL starts as the identity, and the embedding is normalised to
    unit length, which the released code does and the paper does not mention.

    Args:
        trunk: features of a lesion.
        labels: C.
        embedding: D.
        generator: source of the head's initial weights; the process-wide one when None.
    """

    def __init__(self, trunk: Trunk, labels: int, embedding: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.trunk = trunk
        self.score = linear(trunk.width, labels, generator)
        self.propagation = nn.Linear(labels, labels)
        nn.init.eye_(self.propagation.weight)
        nn.init.zeros_(self.propagation.bias)
        self.embedding = linear(trunk.width, embedding, generator)

    def forward(self, *inputs: Tensor) -> Outputs:
        """Outputs for B lesions; the inputs are the trunk's."""
        features = self.trunk(*inputs)
        score = self.score(features)
        return Outputs(score, self.propagation(score), F.normalize(self.embedding(features), dim=1))


class HiddenLayers(Trunk):
    """A plain trunk: hidden layers with ReLU and dropout over B x F features of any kind.

    Args:
        features: F, columns of the input.
        width: units of each hidden layer.
        depth: number of hidden layers.
        dropout: share of hidden units dropped while training.
        generator: source of all randomness, initial weights and dropout alike; two networks with generators of the same
            seed are equal bit for bit, whatever else the process draws.
    """

    def __init__(
        self, features: int, width: int, depth: int, dropout: float, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        for place, (n_in, n_out) in enumerate(pairwise([features] + [width] * depth)):
            self.add_module(str(place), linear(n_in, n_out, generator))
        self.width = width
        self.dropout = dropout
        self.generator = generator

    def forward(self, features: Tensor) -> Tensor:
        """B x ``width`` for B x F features."""
        hidden = features
        for layer in self.children():
            hidden = self._drop(torch.relu(layer(hidden)))
        return hidden

    def _drop(self, hidden: Tensor) -> Tensor:
        if not self.training or self.dropout == 0:
            return hidden
        keep = torch.rand(hidden.shape, generator=self.generator) >= self.dropout
        return hidden * (keep / (1 - self.dropout))


def linear(n_in: int, n_out: int, generator: torch.Generator | None = None) -> nn.Linear:
    """A fully connected layer with PyTorch's default initialisation, drawn from ``generator``."""
    layer = nn.Linear(n_in, n_out)
    bound = n_in**-0.5
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer
