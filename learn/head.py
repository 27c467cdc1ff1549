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


class LabelNetwork(nn.Module):
    """Trunk of hidden layers, score layer, score propagation layer (SPL) and embedding layer.

    The trunk stands in for the pooled image features of the paper; the head is the paper's: the score layer is linear
    in the trunk's output, the SPL starts as the identity, and the embedding is normalised to unit length, which the
    released code does and the paper does not mention.

    Args:
        features: F, columns of the input.
        labels: C.
        width: units of each hidden layer.
        depth: number of hidden layers.
        dropout: share of hidden units dropped while training.
        embedding: D.
        generator: source of all randomness, initial weights and dropout alike; two networks with generators of the same
            seed are equal bit for bit, whatever else the process draws.
    """

    def __init__(
        self,
        features: int,
        labels: int,
        width: int,
        depth: int,
        dropout: float,
        embedding: int,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        sizes = [features] + [width] * depth
        self.trunk = nn.ModuleList(_linear(n_in, n_out, generator) for n_in, n_out in pairwise(sizes))
        self.score = _linear(width, labels, generator)
        self.propagation = nn.Linear(labels, labels)
        nn.init.eye_(self.propagation.weight)
        nn.init.zeros_(self.propagation.bias)
        self.embedding = _linear(width, embedding, generator)
        self.dropout = dropout
        self.generator = generator

    def forward(self, features: Tensor) -> Outputs:
        """Outputs for B x F features."""
        hidden = features
        for layer in self.trunk:
            hidden = self._drop(torch.relu(layer(hidden)))
        score = self.score(hidden)
        return Outputs(score, self.propagation(score), F.normalize(self.embedding(hidden), dim=1))

    def _drop(self, hidden: Tensor) -> Tensor:
        if not self.training or self.dropout == 0:
            return hidden
        keep = torch.rand(hidden.shape, generator=self.generator) >= self.dropout
        return hidden * (keep / (1 - self.dropout))


def _linear(n_in: int, n_out: int, generator: torch.Generator | None) -> nn.Linear:
    """PyTorch's default initialisation, drawn from ``generator``."""
    layer = nn.Linear(n_in, n_out)
    bound = n_in**-0.5
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer
