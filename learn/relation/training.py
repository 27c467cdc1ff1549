"""Training a relation CNN on annotated sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from kg.errors import TrainingError
from learn.relation.annotations import AnnotatedSentence
from learn.relation.encode import Pair, Vocabulary, encode
from learn.relation.model import RELEVANCES, one_thread
from learn.relation.network import Batch, RelationNetwork, lose_words
from learn.relation.recipe import RelationRecipe
from learn.training import one_cycle

Progress = Callable[[int, int], None]
"""Called with batches done and batches in all."""


def train_network(
    sentences: Sequence[AnnotatedSentence],
    label_classes: Mapping[str, str],
    recipe: RelationRecipe,
    progress: Progress | None = None,
) -> tuple[Vocabulary, RelationNetwork]:
    """Train one network; the same arguments give the same weights, bit for bit, on one machine.

    Args:
        sentences: with what was judged of them.
        label_classes: class of each label id.
        recipe: every choice.
        progress: told about batches done.

    Raises:
        TrainingError: nothing was judged, only one relevance occurs, or the loss is no longer a number.
    """
    vocabulary = Vocabulary.of((row.sentence for row in sentences), label_classes, recipe.rare)
    pairs: list[Pair] = []
    truth: list[int] = []
    for row in sentences:
        encoded = encode(row.sentence, vocabulary, recipe.masked)
        for key, relevance in row.gold.items():
            pairs.append(encoded[key])
            truth.append(RELEVANCES.index(relevance))
    count = np.bincount(truth, minlength=len(RELEVANCES))
    if (count > 0).sum() < 2:
        raise TrainingError(
            "relation model: the sentences judge no pair, or all alike; annotate pairs of each relevance"
        )
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)  # dropout has no generator of its own
        return vocabulary, _fit(pairs, np.array(truth), count, len(vocabulary.words), recipe, progress)


def _fit(
    pairs: Sequence[Pair],
    truth: np.ndarray,
    count: np.ndarray,
    words: int,
    recipe: RelationRecipe,
    progress: Progress | None,
) -> RelationNetwork:
    random = torch.Generator().manual_seed(recipe.seed)
    network = RelationNetwork(words, recipe, random)
    weights = torch.tensor(
        (len(truth) / (len(count) * np.maximum(count, 1))) ** recipe.class_power, dtype=torch.float32
    )
    optimiser = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    steps = recipe.epochs * -(-len(pairs) // recipe.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: one_cycle(step / steps))
    target = torch.from_numpy(truth)
    lengths = np.array([len(pair.words) for pair in pairs])
    done = 0
    network.train()
    for _ in range(recipe.epochs):
        for rows in _batches(lengths, recipe.batch, random):
            batch = Batch.of([pairs[row] for row in rows])
            batch = replace(batch, words=lose_words(batch.words, recipe.word_dropout, random))
            loss = cross_entropy(network(batch), target[rows], weights)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            done += 1
            if progress:
                progress(done, steps)
        if not bool(torch.isfinite(loss)):
            raise TrainingError(f"relation model: the loss is no number after {done} batches; lower learning_rate")
    return network.eval()


def _batches(lengths: np.ndarray, size: int, random: torch.Generator) -> Iterator[np.ndarray]:
    """Rows in random order, pairs of similar length together: less padding."""
    order = torch.randperm(len(lengths), generator=random).numpy()
    batches: list[np.ndarray] = []
    for start in range(0, len(order), 50 * size):
        part = order[start : start + 50 * size]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += [part[i : i + size] for i in range(0, len(part), size)]
    for number in torch.randperm(len(batches), generator=random).tolist():
        yield batches[number]
