"""Closed-form RHEM against sampling, and vectorised triplets against a loop. Prints ratios measured in one run.

The batches are real: the first training lesions, with their expanded labels and reliable negatives.

Usage: ``OMP_NUM_THREADS=1 python benchmarks/losses.py``
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from ingest.release import Release
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped
from learn.losses import rhem_expected, rhem_sampled, triplet_loss
from learn.recipe import Relations
from learn.targets import training_targets
from learn.triplets import label_similarity, sample_triplets

BATCH, PAIRS, TRIPLETS, LEAST = 128, 10_000, 5_000, 1.0


def best(function: Callable[[], object], repeat: int) -> float:
    """Shortest wall time of several calls, in seconds."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def triplets_by_loop(similarity: Tensor, count: int, least: float, draw: torch.Generator) -> Tensor:
    """Triplets by the definition, one at a time."""
    size = len(similarity)
    itself = torch.arange(size)
    found = []
    for _ in range(count):
        anchor = int(torch.randint(size, (1,), generator=draw))
        row = similarity[anchor]
        close = torch.nonzero((row >= least) & (itself != anchor))[:, 0]
        if len(close) == 0:
            close = row.masked_fill(itself == anchor, -1).argmax()[None]
        near = int(close[torch.randint(len(close), (1,), generator=draw)])
        far = torch.nonzero((row < row[near]) & (itself != anchor))[:, 0]
        if len(far):
            found.append((anchor, near, int(far[torch.randint(len(far), (1,), generator=draw)])))
    return torch.tensor(found)


def gathered(embedding: Tensor, triplets: Tensor) -> Tensor:
    """The triplet loss from three gathered embeddings for each triplet."""
    anchor, near, far = embedding[triplets].unbind(1)
    return torch.nn.functional.triplet_margin_loss(anchor, near, far, margin=0.1, eps=0)


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    matrices = RelationMatrices.from_ontology(load_shipped("lesanet-repaired"), "lesanet-171")
    train = Release.shipped().cohort(matrices).subset("train")
    targets = training_targets(
        train.relevant_matrix()[:BATCH], train.uncertain_matrix()[:BATCH], matrices, Relations.EXPANDED
    )
    positive, reliable = torch.from_numpy(targets.positive).float(), torch.from_numpy(targets.reliable).float()
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(positive.shape, generator=draw).requires_grad_()
    similarity = label_similarity(positive)
    triplets = sample_triplets(similarity, TRIPLETS, LEAST, draw)
    embedding = torch.nn.functional.normalize(torch.randn(BATCH, 256, generator=draw), dim=1).requires_grad_()
    assert torch.isclose(gathered(embedding, triplets), triplet_loss(embedding, triplets), atol=1e-5)

    print(f"batch of {BATCH} lesions x {matrices.size} labels, one thread, best of several runs")
    for name, target, repeat, plain, ours in (
        (
            f"RHEM, forward and backward: closed form against {PAIRS:,} sampled pairs",
            4,
            100,
            lambda: rhem_sampled(logits, positive, reliable, PAIRS, generator=draw).backward(),
            lambda: rhem_expected(logits, positive, reliable).backward(),
        ),
        (
            f"{TRIPLETS:,} triplets: sampled together against a loop",
            40,
            3,
            lambda: triplets_by_loop(similarity, TRIPLETS, LEAST, draw),
            lambda: sample_triplets(similarity, TRIPLETS, LEAST, draw),
        ),
        (
            "triplet loss, forward and backward: distance matrix against gathered rows",
            None,
            20,
            lambda: gathered(embedding, triplets).backward(),
            lambda: triplet_loss(embedding, triplets).backward(),
        ),
    ):
        slow, fast = best(plain, repeat), best(ours, max(repeat, 50))
        wanted = "" if target is None else f" (at least {target}x wanted)"
        print(f"{name}: {slow * 1e3:.3f} ms -> {fast * 1e3:.3f} ms, {slow / fast:.1f}x{wanted}")


if __name__ == "__main__":
    main()
