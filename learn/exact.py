"""Exact inference over legal label sets, for batches: probabilities that break no relation.

The network's logits z weigh every legal label set y by exp(sum of the logits of its labels). Two sweeps over the
junction tree of the relations sum over all of them; the bags of one depth are done together for the whole batch, so the
number of steps is the depth of the tree. All of it is differentiable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from kg import algebra
from kg.errors import MatrixError
from kg.junction_tree import Bag, JunctionTree
from learn.max_constraint import MaxConstraint


@dataclass(frozen=True, eq=False)
class _Level:
    """The bags of one depth, n states and K separator assignments in all, as indices into rows.

    A row index one past the end is padding.

    Attributes:
        states: where the level's states begin and end among those of the tree.
        inside: K x M, the level's states with each assignment.
        own: shape (n,), assignment of each state.
        outside: K x M', states of the level above with each assignment; empty for the roots.
        arriving: n x J, assignments of the level below that each state agrees with, one for each child.
        parent: shape (bags,), parent of each bag among the bags of the level above.
        theirs: bags x states above, assignment in each state of the bag's parent.
    """

    states: tuple[int, int]
    inside: Tensor
    own: Tensor
    outside: Tensor
    arriving: Tensor
    parent: Tensor
    theirs: Tensor


@dataclass(frozen=True, eq=False)
class _Plan:
    """The whole tree as indices.

    Attributes:
        levels: roots first.
        weighing: states x P, positive labels at home in each state; C is padding.
        holding: C x Q, states of a label's home bag in which it is positive.
        home: shape (C,), the bag where each label is at home.
        table: states x C bool, labels at home that are positive in each state.
        exclusive: two rows of columns, the minimal exclusive pairs.
    """

    levels: tuple[_Level, ...]
    weighing: Tensor
    holding: Tensor
    home: Tensor
    table: Tensor
    exclusive: Tensor


class ExactInference:
    """Sums and maxima over the legal label sets of a batch of lesions.

    Everything is computed in float64, also under autocast: the logarithms add up over the tree, and the work is far too
    small to gain from less. What comes back has the type of the logits, but at least float32.

    Args:
        tree: compiled relations of C labels.
    """

    def __init__(self, tree: JunctionTree) -> None:
        self.tree = tree
        self._upward = MaxConstraint(tree.matrices)
        self._plans = {torch.device("cpu"): _plan(tree)}

    def log_legal(self, logits: Tensor) -> Tensor:
        """Log-probability that independent labels with these logits break no relation, shape (B,).

        The semantic loss (Xu et al., ICML 2018) of a batch is ``-log_legal(logits).mean()``.

        Args:
            logits: B x C, finite.
        """
        z, plan = self._rows(logits)
        _, messages = _collect(plan, z)
        return (messages[0].sum(0) + logsigmoid(-z).sum(0)).to(_result_type(logits))

    def marginals(self, logits: Tensor) -> Tensor:
        """Probability of each label among the legal label sets, B x C.

        No label is more probable than its ancestors and no two exclusive ones sum to more than 1. Rounding could break
        that in the last bits, so at the end each label takes the maximum over its descendants and a lesion whose
        exclusive labels sum to more than 1 is divided by that sum; rounding to float32 then keeps both.

        Args:
            logits: B x C, finite.
        """
        z, plan = self._rows(logits)
        values, messages = _collect(plan, z)
        beliefs = [values[0] - messages[0][plan.levels[0].own]]
        for level, value, message in zip(plan.levels[1:], values[1:], messages[1:], strict=True):
            # What the rest of the tree knows of each assignment of the separator.
            rest = _take(beliefs[-1], level.outside, -torch.inf).logsumexp(1) - message
            beliefs.append(value + rest[level.own])
        probability = _take(torch.cat(beliefs).exp(), plan.holding, 0).sum(1).T
        # The correction is a constant for the gradient. Corrected and uncorrected values lie within a factor of two, so
        # their difference is exact, and the sum is the corrected value to the bit.
        corrected = self._corrected(probability.detach(), plan.exclusive)
        return (probability + (corrected - probability.detach())).to(_result_type(logits))

    @torch.no_grad()
    def most_probable(self, logits: Tensor) -> Tensor:
        """The legal label set of largest weight, B x C bool.

        Of label sets whose weights come out equal, the one with fewest labels is taken; of those, the one whose states
        come first in the bags.

        Args:
            logits: B x C, finite.
        """
        z, plan = self._rows(logits)
        values = _take(z, plan.weighing, 0).sum(1)
        counts = plan.table.sum(1, keepdim=True).expand_as(values)
        picks, best, fewest = [], values.new_zeros(0), counts.new_zeros(0)
        for level, below in zip(plan.levels[::-1], (None, *plan.levels[:0:-1]), strict=True):
            value, count = values[slice(*level.states)], counts[slice(*level.states)]
            if below is not None:
                value = value + _take(best, level.arriving, 0).sum(1)
                count = count + _take(fewest, level.arriving, 0).sum(1)
            value, count = _take(value, level.inside, -torch.inf), _take(count, level.inside, 0)
            best = value.amax(1)
            # One number that orders by labels, then by place; it has no ties.
            order = count * value.shape[1] + torch.arange(value.shape[1], device=z.device)[:, None]
            place = order.masked_fill(value < best[:, None], torch.iinfo(order.dtype).max).argmin(1)
            fewest = count.gather(1, place[:, None])[:, 0]
            picks.append(level.inside.gather(1, place))
        chosen = [picks.pop()]
        for level in plan.levels[1:]:
            number = level.theirs.gather(1, chosen[-1][level.parent])
            chosen.append(picks.pop().gather(0, number))
        states = torch.cat([level.states[0] + each for level, each in zip(plan.levels, chosen, strict=True)])
        columns = torch.arange(len(plan.home), device=z.device)[:, None]
        return plan.table[states[plan.home], columns].T.contiguous()

    def _rows(self, logits: Tensor) -> tuple[Tensor, _Plan]:
        """Logits as C rows of B float64, and the plan on their device."""
        if logits.ndim != 2 or logits.shape[1] != self.tree.size:
            raise MatrixError(
                f"exact inference: logits of shape {tuple(logits.shape)} do not fit the {self.tree.size} labels of the "
                "tree; give one row a lesion"
            )
        if logits.device not in self._plans:
            self._plans[logits.device] = _moved(self._plans[torch.device("cpu")], logits.device)
        return logits.to(torch.float64).T, self._plans[logits.device]

    def _corrected(self, probability: Tensor, exclusive: Tensor) -> Tensor:
        upward = self._upward(probability)
        if exclusive.shape[1] == 0:
            return upward
        total = (upward[:, exclusive[0]] + upward[:, exclusive[1]]).amax(1, keepdim=True)
        return upward / torch.where(total > 1, total + 4 * torch.finfo(total.dtype).eps, 1)


def _result_type(logits: Tensor) -> torch.dtype:
    return torch.promote_types(logits.dtype, torch.float32)


def _take(rows: Tensor, index: Tensor, padding: float) -> Tensor:
    """Rows (n x B) by a padded index (K x M), K x M x B."""
    padded = torch.cat([rows, rows.new_full((1, rows.shape[1]), padding)])
    return padded.index_select(0, index.flatten()).view(*index.shape, rows.shape[1])


def _collect(plan: _Plan, z: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """From the leaves to the roots, for each level.

    Returns:
        Log-weight of each state together with all that hangs below, states x B; and its log-sums for each assignment of
        the separator, K x B, which for the roots are the log-partitions.
    """
    weights = _take(z, plan.weighing, 0).sum(1)
    values, messages = list[Tensor](), list[Tensor]()
    for level in reversed(plan.levels):
        value = weights[slice(*level.states)]
        if messages:
            value = value + _take(messages[-1], level.arriving, 0).sum(1)
        values.append(value)
        messages.append(_take(value, level.inside, -torch.inf).logsumexp(1))
    return values[::-1], messages[::-1]


def _moved(plan: _Plan, device: torch.device) -> _Plan:
    levels = tuple(_Level(level.states, **_tensors(level, device)) for level in plan.levels)
    return _Plan(levels, **_tensors(plan, device))


def _tensors(of: _Plan | _Level, device: torch.device) -> dict[str, Tensor]:
    return {name: value.to(device) for name, value in vars(of).items() if isinstance(value, Tensor)}


def _plan(tree: JunctionTree) -> _Plan:
    states = np.cumsum([0, *(len(bag.states) for bag in tree.bags)]).tolist()
    numbers = np.cumsum([0, *(bag.separations for bag in tree.bags)]).tolist()
    table = np.zeros((tree.states, tree.size), bool)
    home = np.zeros(tree.size, np.int64)
    for place, bag in enumerate(tree.bags):
        table[states[place] : states[place + 1], bag.home] = bag.home_states
        home[list(bag.home)] = place
    borders = np.searchsorted([bag.depth for bag in tree.bags], np.arange(tree.depth + 1)).tolist()
    depths = [range(0), *(range(*border) for border in pairwise(borders)), range(0)]
    return _Plan(
        levels=tuple(_level(tree.bags, states, numbers, *depths[depth : depth + 3]) for depth in range(tree.depth)),
        weighing=_padded([np.flatnonzero(row) for row in table], tree.size),
        holding=_padded([np.flatnonzero(column) for column in table.T], tree.states),
        home=torch.from_numpy(home),
        table=torch.from_numpy(table),
        exclusive=torch.from_numpy(algebra.to_pairs(tree.matrices.exclusive_minimal, symmetric=True).T.copy()),
    )


def _level(
    bags: Sequence[Bag], states: list[int], numbers: list[int], above: range, here: range, below: range
) -> _Level:
    """Indices of the bags ``here``, whose parents are ``above`` and whose children are ``below``.

    Args:
        bags: of the whole tree.
        states: where the states of each bag begin among those of the tree; one more at the end.
        numbers: the same for the assignments of separators.
        above: bags of the level above; empty for the roots.
        here: bags of the level.
        below: bags of the level below.
    """
    begin, end = states[here.start], states[here.stop]
    own = np.concatenate([bags[place].own + numbers[place] - numbers[here.start] for place in here])
    arriving: list[list[int]] = [[] for _ in range(end - begin)]
    for child in below:
        first = states[bags[child].parent] - begin
        for state, number in enumerate(bags[child].theirs.tolist(), first):
            arriving[state].append(numbers[child] - numbers[below.start] + number)
    higher = states[above.stop] - states[above.start]
    outside = list[np.ndarray]()
    theirs = np.zeros((len(here), higher), np.int64)
    for row, place in zip(theirs, here if above else (), strict=False):
        bag = bags[place]
        first = states[bag.parent] - states[above.start]
        outside += [first + np.flatnonzero(bag.theirs == number) for number in range(bag.separations)]
        row[first : first + len(bag.theirs)] = numbers[place] - numbers[here.start] + bag.theirs
    return _Level(
        states=(begin, end),
        inside=_padded([np.flatnonzero(own == number) for number in range(own.max() + 1)], end - begin),
        own=torch.from_numpy(own),
        outside=_padded(outside, higher),
        arriving=_padded(arriving, numbers[below.stop] - numbers[below.start]),
        parent=torch.tensor([bags[place].parent - above.start for place in here]),
        theirs=torch.from_numpy(theirs),
    )


def _padded(rows: Sequence[Sequence[int] | np.ndarray], padding: int) -> Tensor:
    """Rows of different lengths as one int64 matrix."""
    out = np.full((len(rows), max((len(row) for row in rows), default=0)), padding)
    for target, row in zip(out, rows, strict=True):
        target[: len(row)] = row
    return torch.from_numpy(out)
