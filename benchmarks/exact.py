"""Exact inference on the 171 labels against a full-width training step, the plain reference and an integer programme.

Prints ratios measured in one run. The step is that of LesaNet's default recipe, forward and backward, measured with 8
lesions and scaled to 128: convolutions, nearly all of it, grow with the batch. Weights for decoding are real label sets
with synthetic noise.

Usage: ``OMP_NUM_THREADS=1 python benchmarks/exact.py``
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from torch import Tensor

from ingest.release import Release
from kg import algebra, exact
from kg.junction_tree import JunctionTree
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped
from learn.decode import Decoder, decide
from learn.exact import ExactInference
from learn.image.network import image_network
from learn.image.recipe import ImageRecipe
from learn.max_constraint import MaxConstraint

BATCH, STEP, PATCH, PROGRAMMES = 128, 8, 120, 32
NOISE = {"mild": 1.5, "strong": 4.0}


def best(function: Callable[[], object], repeat: int) -> float:
    """Shortest wall time of several calls, in seconds."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def training_step(labels: int) -> float:
    """Seconds of a full-width step of ``BATCH`` lesions, without its losses."""
    network = image_network(ImageRecipe(), labels, PATCH).train()
    patches = torch.randn(STEP, 3, PATCH, PATCH)
    boxes = torch.tensor([[30.0, 30.0, 90.0, 90.0]]).repeat(STEP, 1)

    def step() -> None:
        network.zero_grad()
        out = network(patches, boxes)
        torch.autograd.backward(out.score.sum() + out.refined.sum() + out.embedding.sum())

    return best(step, 2) * BATCH / STEP


class Programme:
    """The most probable legal label set as an integer programme (HiGHS)."""

    def __init__(self, matrices: RelationMatrices) -> None:
        edges, pairs = (
            algebra.to_pairs(matrices.parents),
            algebra.to_pairs(matrices.exclusive_minimal, symmetric=True),
        )
        count = len(edges) + len(pairs)
        signs = np.concatenate([np.ones(count), -np.ones(len(edges)), np.ones(len(pairs))])
        rows, columns = np.tile(np.arange(count), 2), np.concatenate([edges, pairs]).T.ravel()
        a = csr_array((signs, (rows, columns)), shape=(count, matrices.size))
        self.constraint = LinearConstraint(a, -np.inf, np.repeat([0.0, 1.0], [len(edges), len(pairs)]))

    def solve(self, weights: np.ndarray) -> np.ndarray:
        """N x C weights to N x C bool."""
        whole, bounds = np.ones(weights.shape[1]), Bounds(0, 1)
        solved = [milp(-z, integrality=whole, bounds=bounds, constraints=self.constraint).x for z in weights]
        return np.round(solved).astype(bool)


def upward_dense(scores: Tensor, at_or_below: Tensor) -> Tensor:
    """The max-constraint over all B x C x C pairs."""
    return torch.where(at_or_below, scores[:, None], -torch.inf).amax(2)


def main() -> None:
    """Measure and print."""
    matrices = RelationMatrices.from_ontology(load_shipped(), "lesanet-171")
    labels = Release.shipped().cohort(matrices).subset("test").relevant_matrix()[:BATCH].toarray()
    draw = np.random.default_rng(0)
    noisy = {n: np.where(labels, 2.0, -3.0) + draw.normal(0, s, labels.shape) for n, s in NOISE.items()}

    compiled = best(lambda: JunctionTree.compile(matrices), 3)
    tree = JunctionTree.compile(matrices)
    print(
        f"junction tree: treewidth {tree.treewidth}, {len(tree.bags)} bags on {tree.depth} levels, {tree.states} legal "
        f"states, at most {tree.most_states} in a bag, 2^{tree.log2_label_sets:.1f} legal label sets; "
        f"compiled in {compiled * 1e3:.0f} ms"
    )
    inference, programme, upward = ExactInference(tree), Programme(matrices), MaxConstraint(matrices)
    logits = torch.from_numpy(noisy["strong"]).float()
    leaf = logits.clone().requires_grad_()
    steps: dict[str, Callable[[], object]] = {
        "marginals, forward": lambda: inference.marginals(logits),
        "marginals, forward and backward": lambda: torch.autograd.backward(inference.marginals(leaf).sum()),
        "semantic loss, forward and backward": lambda: torch.autograd.backward(-inference.log_legal(leaf).mean()),
        "most probable label sets": lambda: inference.most_probable(logits),
    }
    step = training_step(matrices.size)
    print(f"\nfull-width training step of {BATCH}: {step:.1f} s ({STEP} lesions, scaled)")
    seconds = {name: best(function, 10) for name, function in steps.items()}
    for name, value in seconds.items():
        print(f"{name:40}{value * 1e3:8.1f} ms{value / step:10.3%} of the step")

    z = logits.double().numpy()
    apart = np.abs(inference.marginals(logits).numpy() - exact.marginals(tree, z)).max()
    plain = best(lambda: exact.marginals(tree, z), 3) / seconds["marginals, forward"]
    print(f"\nplain reference: marginals take {plain:.0f} x as long, largest difference {apart:.1e}")
    slow = best(lambda: programme.solve(z[:PROGRAMMES]), 1) / PROGRAMMES * BATCH
    print(
        f"integer programme ({PROGRAMMES} lesions, scaled): {slow / seconds['most probable label sets']:.0f} x as long"
    )

    half = np.full(matrices.size, 0.5)
    print(f"\n{'noise':8}{'programme agrees':>18}{'greedy':>8}{'max-constraint':>16}{'paper incoherent':>18}")
    for name, weights in noisy.items():
        scores = 1 / (1 + np.exp(-weights))
        decided = {way: decide(way, scores, half, matrices).positive for way in Decoder}
        same = (programme.solve(weights[:PROGRAMMES]) == decided[Decoder.EXACT][:PROGRAMMES]).all(axis=1).mean()
        agree = [
            (decided[way] == decided[Decoder.EXACT]).all(axis=1).mean()
            for way in (Decoder.GREEDY, Decoder.MAX_CONSTRAINT)
        ]
        broken = 1 - matrices.coherent(decided[Decoder.PAPER]).mean()
        print(f"{name:8}{same:18.0%}{agree[0]:8.0%}{agree[1]:16.0%}{broken:18.1%}")

    at_or_below = torch.from_numpy(algebra.union(matrices.ancestors.T, algebra.identity(matrices.size)).toarray())
    dense = best(lambda: torch.autograd.backward(upward_dense(leaf, at_or_below).sum()), 10)
    sparse = best(lambda: torch.autograd.backward(upward(leaf).sum()), 10)
    print(
        f"\nmax-constraint, forward and backward: {sparse * 1e3:.2f} ms, dense B x C x C {dense / sparse:.0f} x as long"
    )


if __name__ == "__main__":
    main()
