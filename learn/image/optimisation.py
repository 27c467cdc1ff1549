"""Optimiser, learning rate over time, and the moving average of weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from learn.image.recipe import ImageRecipe, Optimiser, Schedule


def optimiser_of(network: nn.Module, recipe: ImageRecipe) -> torch.optim.Optimizer:
    """The optimiser of all parameters that are trained.

    Biases are never decayed and have ``bias_rate`` times the learning rate; with AdamW the other one-dimensional
    parameters (of normalisation layers) are not decayed either.
    """
    trained = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    biases = [p for name, p in trained if name.endswith("bias")]
    rest = [p for name, p in trained if not name.endswith("bias")]
    undecayed = [p for p in rest if p.ndim < 2] if recipe.optimiser is Optimiser.ADAMW else []
    decayed = [p for p in rest if all(p is not q for q in undecayed)]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay, "factor": 1.0},
        {"params": undecayed, "weight_decay": 0.0, "factor": 1.0},
        {"params": biases, "weight_decay": 0.0, "factor": recipe.bias_rate},
    ]
    groups = [group for group in groups if group["params"]]
    if recipe.optimiser is Optimiser.ADAMW:
        return torch.optim.AdamW(groups, lr=recipe.learning_rate)
    return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the learning rate times its factor."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["factor"]


def rate_at(recipe: ImageRecipe, done: int, steps: int) -> float:
    """Learning rate of the next step.

    Args:
        recipe: schedule and its settings.
        done: steps done since the beginning.
        steps: steps of an epoch.
    """
    if recipe.schedule is Schedule.STEPS:
        passed = sum(done // steps >= epoch for epoch in recipe.milestones)
        return recipe.learning_rate * recipe.decay**passed
    total = recipe.epochs * steps
    rising = recipe.warmup * total
    if done < rising:
        return recipe.learning_rate * (done + 1) / (rising + 1)
    return recipe.learning_rate * (1 + math.cos(math.pi * (done - rising) / (total - rising))) / 2


class Average:
    """Exponential moving average of all parameters and buffers of a network.

    In the first steps the average is short, ``(1 + n) / (10 + n)`` after n of them: it does not remember the weights
    that training began with.

    Args:
        network: what is averaged.
        decay: of the average once it is long.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self._live = dict(network.state_dict())
        self.state = {name: value.detach().clone() for name, value in self._live.items()}
        self._floating = [name for name, value in self.state.items() if value.is_floating_point()]
        self._counts = [name for name, value in self.state.items() if not value.is_floating_point()]

    @torch.no_grad()
    def update(self, done: int) -> None:
        """Take in the network's weights after ``done`` steps."""
        decay = min(self.decay, (1 + done) / (10 + done))
        torch._foreach_lerp_(
            [self.state[name] for name in self._floating], [self._live[name] for name in self._floating], 1 - decay
        )
        for name in self._counts:
            self.state[name].copy_(self._live[name])

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a saved average."""
        for name, value in self.state.items():
            value.copy_(state[name])


def optimiser_tensors(network: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's state by name: ``<parameter>.<what>``."""
    found: dict[str, Tensor] = {}
    for name, parameter in network.named_parameters():
        state: dict[str, Any] = optimiser.state.get(parameter, {})
        found |= {f"{name}.{what}": value for what, value in state.items() if isinstance(value, Tensor)}
    return found


def load_optimiser(network: nn.Module, optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give the optimiser the state that :func:`optimiser_tensors` read."""
    for name, parameter in network.named_parameters():
        start = f"{name}."
        own = {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}
        own = {what: value for what, value in own.items() if "." not in what}
        if own:
            # A count of steps stays on the CPU; the rest lies as its parameter does.
            optimiser.state[parameter] = {
                what: value.clone() if value.ndim == 0 else torch.empty_like(parameter).copy_(value)
                for what, value in own.items()
            }
