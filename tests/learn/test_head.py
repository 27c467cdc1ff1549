"""LesaNet's head: what holds before any training."""

from __future__ import annotations

import torch

from learn.head import HiddenLayers, LabelNetwork
from learn.losses import weighted_cross_entropy


def network(seed: int, dropout: float = 0.5) -> LabelNetwork:
    generator = torch.Generator().manual_seed(seed)
    return LabelNetwork(HiddenLayers(10, 16, 2, dropout, generator), 7, 4, generator)


def test_score_propagation_starts_as_the_identity() -> None:
    features = torch.randn(5, 10)
    out = network(0).eval()(features)
    assert torch.equal(out.refined, out.score)
    positive, one = (torch.rand(5, 7) < 0.5).float(), torch.ones(7)
    assert torch.equal(
        weighted_cross_entropy(out.score, positive, one, one), weighted_cross_entropy(out.refined, positive, one, one)
    )


def test_refined_score_of_a_label_takes_from_the_columns_of_its_row() -> None:
    head = network(0).eval()
    with torch.no_grad():
        head.propagation.weight[2, 5] = 0.25
        out = head(torch.randn(3, 10))
    torch.testing.assert_close(out.refined[:, 2], out.score[:, 2] + 0.25 * out.score[:, 5])


def test_embeddings_have_unit_length() -> None:
    out = network(0)(torch.randn(6, 10))
    torch.testing.assert_close(out.embedding.norm(dim=1), torch.ones(6))


def test_the_seed_alone_decides_weights_and_dropout() -> None:
    torch.manual_seed(1)
    features = torch.randn(6, 10)
    first, second = network(3), network(3)
    assert torch.equal(first(features).score, second(features).score)
    torch.rand(100)  # what others draw does not matter
    assert torch.equal(first(features).score, second(features).score)
    assert not torch.equal(network(4).score.weight, first.score.weight)


def test_dropout_keeps_the_expected_size_and_is_off_in_evaluation() -> None:
    layers = HiddenLayers(10, 16, 2, 0.25, torch.Generator().manual_seed(0))
    ones = torch.ones(200, 500)
    assert abs(float(layers._drop(ones).mean()) - 1) < 0.01
    assert abs(float((layers._drop(ones) == 0).float().mean()) - 0.25) < 0.01
    assert torch.equal(layers.eval()._drop(ones), ones)
