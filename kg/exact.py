"""Exact inference over legal label sets in plain NumPy: the reference for the batched version in ``learn.exact``.

A label set y has the weight exp(sum of its labels' logits z). All functions take N x C float64 logits and work in the
log domain, one bag after the other.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from kg.errors import MatrixError
from kg.junction_tree import JunctionTree


def log_partition(tree: JunctionTree, logits: np.ndarray) -> np.ndarray:
    """Logarithm of the sum of the weights of all legal label sets, shape (N,)."""
    return _collect(tree, logits)[1]


def log_legal(tree: JunctionTree, logits: np.ndarray) -> np.ndarray:
    """Log-probability that independent labels with these logits happen to be a legal label set, shape (N,)."""
    return np.asarray(log_partition(tree, logits) - np.logaddexp(0, logits.astype(np.float64)).sum(axis=1))


def marginals(tree: JunctionTree, logits: np.ndarray) -> np.ndarray:
    """Probability of each label among legal label sets, N x C: the gradient of :func:`log_partition`."""
    values, _, messages = _collect(tree, logits)
    out = np.zeros((len(logits), tree.size))
    for place, bag in enumerate(tree.bags):
        if bag.parent >= 0:
            # What the rest of the tree knows, for each assignment of the separator.
            outside = _sums(values[bag.parent], bag.theirs, bag.separations) - messages[place]
            values[place] = values[place] + outside[:, bag.own]
        belief = np.exp(values[place] - logsumexp(values[place], axis=1, keepdims=True))
        out[:, bag.home] = belief @ bag.home_states
    return out


def most_probable(tree: JunctionTree, logits: np.ndarray) -> np.ndarray:
    """The legal label set of largest weight, N x C bool.

    Of label sets whose weights come out equal, the one with fewest labels is taken; of those, the one whose states come
    first in the bags.
    """
    values = _weights(tree, logits)
    counts = [np.tile(bag.home_states.sum(axis=1), (len(logits), 1)) for bag in tree.bags]
    choices = []
    for place, bag in reversed(list(enumerate(tree.bags))):
        value, count = values[place], counts[place]
        groups = [np.flatnonzero(bag.own == k) for k in range(bag.separations)]
        choice = np.stack([group[_first(value[:, group], count[:, group])] for group in groups], axis=1)
        choices.append(choice)
        if bag.parent >= 0:
            values[bag.parent] += np.take_along_axis(value, choice, axis=1)[:, bag.theirs]
            counts[bag.parent] += np.take_along_axis(count, choice, axis=1)[:, bag.theirs]
    chosen = np.zeros((len(tree.bags), len(logits)), np.int64)
    out = np.zeros((len(logits), tree.size), bool)
    for place, (bag, choice) in enumerate(zip(tree.bags, reversed(choices), strict=True)):
        number = bag.theirs[chosen[bag.parent]] if bag.parent >= 0 else np.zeros(len(logits), np.int64)
        chosen[place] = np.take_along_axis(choice, number[:, None], axis=1)[:, 0]
        out[:, bag.home] = bag.home_states[chosen[place]]
    return out


def _first(value: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Column of the largest value in each row; of equal ones the least count, then the first."""
    best = value == value.max(axis=1, keepdims=True)
    return np.asarray(np.where(best, count, np.iinfo(np.int64).max).argmin(axis=1))


def _sums(value: np.ndarray, numbers: np.ndarray, size: int) -> np.ndarray:
    """Log-sums of the states (N x S) with each number, N x size."""
    return np.stack([logsumexp(value[:, numbers == k], axis=1) for k in range(size)], axis=1)


def _collect(tree: JunctionTree, logits: np.ndarray) -> tuple[list[np.ndarray], np.ndarray, list[np.ndarray]]:
    """From the leaves to the roots: N x S log-weight of each bag's states with all below, log-partition, messages."""
    values = _weights(tree, logits)
    messages: list[np.ndarray] = [np.zeros(0)] * len(tree.bags)
    total = np.zeros(len(logits))
    for place, bag in reversed(list(enumerate(tree.bags))):
        messages[place] = _sums(values[place], bag.own, bag.separations)
        if bag.parent < 0:
            total += messages[place][:, 0]
        else:
            values[bag.parent] += messages[place][:, bag.theirs]
    return values, total, messages


def _weights(tree: JunctionTree, logits: np.ndarray) -> list[np.ndarray]:
    """For each bag the logits of the labels at home there, summed over each state, N x S."""
    if logits.ndim != 2 or logits.shape[1] != tree.size:
        raise MatrixError(
            f"exact inference: logits of shape {logits.shape} do not fit the {tree.size} labels of the tree"
        )
    return [logits[:, bag.home].astype(np.float64) @ bag.home_states.T for bag in tree.bags]
