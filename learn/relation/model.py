"""A trained relation CNN as a relevance model for mining."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ingest.mining.mention import Judgement, MinedSentence, Relevance
from learn.relation.encode import Pair, Vocabulary, encode
from learn.relation.network import Batch, RelationNetwork
from learn.relation.recipe import RelationRecipe

RELEVANCES = tuple(Relevance)
"""The network's outputs in order."""

_AT_ONCE = 512
_DIGITS = 4


class RelationCNN:
    """Judges mentions with a trained network; an :class:`ingest.mining.mention.RelevanceModel`.

    It pickles as plain arrays, so that it reaches worker processes on this machine or another.

    Args:
        id: name of the run with a hash of its weights.
        recipe: of its training.
        vocabulary: words and label classes it knows.
        weights: parameters of the network by name.
    """

    def __init__(
        self, id: str, recipe: RelationRecipe, vocabulary: Vocabulary, weights: Mapping[str, np.ndarray]
    ) -> None:
        self._id, self.recipe, self.vocabulary, self._weights = id, recipe, vocabulary, dict(weights)
        with torch.random.fork_rng(devices=[]):  # layers draw first weights, which are not used
            network = RelationNetwork(len(vocabulary.words), recipe, torch.Generator())
        network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
        self._network = network.eval()

    def __reduce__(self) -> tuple[Any, ...]:
        return RelationCNN, (self._id, self.recipe, self.vocabulary, self._weights)

    @property
    def id(self) -> str:
        """Name of the run with a hash of its weights."""
        return self._id

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        """Judge every mention for every bookmark of its sentence; once, with ``bookmark=None``, where there is none."""
        encoded = [encode(sentence, self.vocabulary, self.recipe.masked) for sentence in sentences]
        probability = self._probabilities([pair for pairs in encoded for pair in pairs.values()])
        chosen = probability.argmax(axis=1)
        rows = iter(zip(chosen.tolist(), probability.max(axis=1).tolist(), strict=True))
        return [
            tuple(
                Judgement(mention, bookmark, RELEVANCES[best], self._id, round(share, _DIGITS))
                for (mention, bookmark), (best, share) in zip(pairs, rows, strict=False)
            )
            for pairs in encoded
        ]

    def _probabilities(self, pairs: Sequence[Pair]) -> np.ndarray:
        """Shape (pairs, 3). Pairs of similar length are read together."""
        out = np.empty((len(pairs), len(RELEVANCES)), np.float32)
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i].words))
        with one_thread(), torch.inference_mode():
            for start in range(0, len(order), _AT_ONCE):
                rows = order[start : start + _AT_ONCE]
                out[rows] = self._network(Batch.of([pairs[row] for row in rows])).softmax(dim=1).numpy()
        return out


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: sums are then added in one order, and processes side by side do not fight for cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
