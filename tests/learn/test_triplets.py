"""Similarity of label sets, and triplets drawn by it."""

from __future__ import annotations

from collections import Counter

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from kg.cohort import Cohort
from kg.matrices import RelationMatrices
from learn.triplets import label_similarity, sample_triplets

SEEDS = st.integers(0, 2**31 - 1)
quick = settings(max_examples=40, deadline=None)


def label_sets(seed: int, lesions: int = 12, labels: int = 6) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return (torch.rand(lesions, labels, generator=draw) < 0.35).float()


@quick
@given(SEEDS)
def test_similarity_is_symmetric_and_lies_between_zero_and_the_smaller_set(seed: int) -> None:
    labels = label_sets(seed)
    similarity, size = label_similarity(labels), labels.sum(dim=1)
    assert torch.equal(similarity, similarity.T)
    assert torch.allclose(similarity.diagonal(), size)
    assert (similarity >= 0).all()
    assert (similarity <= torch.minimum(size[:, None], size[None]) + 1e-6).all()


def test_similarity_of_sets_that_share_two_of_four() -> None:
    assert float(label_similarity(torch.tensor([[1.0, 1, 1, 0], [0.0, 1, 1, 1]]))[0, 1]) == 1.0  # 2 * 2 / 4


@quick
@given(SEEDS, st.floats(0, 3))
def test_every_triplet_is_valid(seed: int, least: float) -> None:
    similarity = label_similarity(label_sets(seed))
    draw = torch.Generator().manual_seed(seed)
    anchor, near, far = sample_triplets(similarity, 300, least, draw).T
    assert (similarity[anchor, near] > similarity[anchor, far]).all()
    assert ((anchor != near) & (near != far) & (anchor != far)).all()
    others = similarity - torch.diag(torch.full((len(similarity),), torch.inf))
    close_enough = similarity[anchor, near] >= least
    is_closest = similarity[anchor, near] == others.max(dim=1).values[anchor]
    has_none = (others < least).all(dim=1)[anchor]
    assert (close_enough | (is_closest & has_none)).all()


def exact_shares(similarity: Tensor, least: float) -> dict[tuple[int, int, int], float]:
    """Probability of every valid triplet, by plain loops over the definition."""
    size = len(similarity)
    shares: dict[tuple[int, int, int], float] = {}
    for a in range(size):
        others = [i for i in range(size) if i != a]
        close = [i for i in others if similarity[a, i] >= least]
        if not close:
            close = [max(others, key=lambda i: float(similarity[a, i]))]
        for p in close:
            far = [i for i in others if similarity[a, i] < similarity[a, p]]
            for n in far:
                shares[a, p, n] = 1 / size / len(close) / len(far)
    return shares


def test_triplets_are_drawn_as_the_loops_of_the_definition_would() -> None:
    similarity = label_similarity(label_sets(1, lesions=7))
    count = 60_000
    found = sample_triplets(similarity, count, 1.0, torch.Generator().manual_seed(0))
    drawn = Counter(tuple(row) for row in found.tolist())
    expected = exact_shares(similarity, 1.0)
    assert set(drawn) == set(expected)
    for triplet, share in expected.items():
        assert abs(drawn[triplet] - share * count) < 5 * (share * count) ** 0.5 + 1
    assert abs(len(found) - sum(expected.values()) * count) < 5 * count**0.5


def test_lesions_that_are_all_alike_or_too_few_give_no_triplet() -> None:
    assert len(sample_triplets(label_similarity(torch.ones(5, 3)), 100)) == 0
    assert len(sample_triplets(label_similarity(torch.eye(2)), 100)) == 0


def test_a_real_batch_yields_nearly_as_many_triplets_as_asked_for(cohort: Cohort, matrices: RelationMatrices) -> None:
    labels = matrices.expand(cohort.subset("train").positive_matrix())[:128].toarray()
    similarity = label_similarity(torch.from_numpy(labels).float())
    assert len(sample_triplets(similarity, 5000, 1.0, torch.Generator().manual_seed(0))) > 4000
