"""Means over the steps of a row of the log, without making a GPU wait for each."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


class Meter:
    """Collects what steps report, until a row is written.

    Args:
        device: where the reported tensors lie; times are taken when it has caught up.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._clear()

    def timed(self, batches: Iterable[T]) -> Iterator[T]:
        """The batches, with the time spent waiting for each."""
        source = iter(batches)
        while True:
            began = time.perf_counter()
            try:
                batch = next(source)
            except StopIteration:
                return
            self._waited += time.perf_counter() - began
            yield batch

    def add(self, values: Mapping[str, Tensor | float], images: int) -> None:
        """Take in a step on ``images`` lesions."""
        for name, value in values.items():
            self._values[name].append(value)
        self._images += images

    def flush(self) -> dict[str, float]:
        """Means since the last call, images a second and the share of time spent waiting for data."""
        means = {
            name: float(
                torch.stack([torch.as_tensor(v, dtype=torch.float32, device=self.device) for v in found]).mean()
            )
            for name, found in self._values.items()
        }
        took = time.perf_counter() - self._began
        rates = {"images_per_second": self._images / took, "waiting_share": self._waited / took}
        images = self._images
        self._clear()
        return {**means, **rates} if images else {}

    def _clear(self) -> None:
        self._values: dict[str, list[Tensor | float]] = defaultdict(list)
        self._images, self._waited = 0, 0.0
        self._began = time.perf_counter()
