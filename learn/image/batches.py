"""Batches of training lesions: shuffled, shared out among ranks, fetched ahead, and resumable at any step."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from learn.image.distributed import Group
from learn.image.examples import Examples
from learn.image.seeds import generator


@dataclass(frozen=True, eq=False)
class Batch:
    """B lesions in memory.

    Attributes:
        rows: shape (B,), rows of the examples, rising.
        pixels: B x 3 x P x P int16.
        boxes: B x 4 float32.
    """

    rows: np.ndarray
    pixels: Tensor
    boxes: Tensor


class Batches:
    """The batches of every epoch.

    All N lesions are shuffled anew for each epoch; each step takes the next ``size * ranks`` of them, and rank r the
    r-th part of those, so that the ranks' batches put together are what one process would take. What does not fill a
    step is dropped, and comes in another epoch.

    Args:
        examples: N lesions.
        size: lesions in a batch of one rank; fewer when there are not enough for one step.
        seed: of the shuffling.
        group: processes that train together.
        workers: threads that fetch ahead, see :class:`learn.image.execution.Execution`.
        pinned: copy into page-locked memory, from which a GPU reads while it computes.
    """

    def __init__(
        self,
        examples: Examples,
        size: int,
        seed: int,
        group: Group | None = None,
        workers: int = 0,
        pinned: bool = False,
    ) -> None:
        self.examples, self.seed, self.group = examples, seed, group or Group()
        self.size = min(size, examples.size // self.group.size)
        self.workers, self.pinned = workers, pinned

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.examples.size // (self.size * self.group.size) if self.size else 0

    def rows_of(self, epoch: int) -> Iterator[np.ndarray]:
        """Rows of this rank's lesions, step by step."""
        order = torch.randperm(self.examples.size, generator=generator(self.seed, "order", epoch)).numpy()
        for step in range(self.steps):
            start = (step * self.group.size + self.group.rank) * self.size
            # Nothing depends on the order within a batch; rising rows read the memory map from front to back.
            yield np.sort(order[start : start + self.size])

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Batches of an epoch from step ``start`` on."""
        rows = list(self.rows_of(epoch))[start:]
        if self.workers == 0:
            yield from map(self._fetch, rows)
            return
        with ThreadPoolExecutor(self.workers, thread_name_prefix="patches") as pool:
            ahead: deque[Future[Batch]] = deque()
            try:
                for wanted in rows:
                    ahead.append(pool.submit(self._fetch, wanted))
                    if len(ahead) > 2 * self.workers:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                for future in ahead:
                    future.cancel()

    def _fetch(self, rows: np.ndarray) -> Batch:
        pixels = torch.from_numpy(self.examples.pixels[self.examples.cache_rows[rows]])
        boxes = torch.from_numpy(self.examples.boxes[rows])
        if self.pinned:
            pixels, boxes = pixels.pin_memory(), boxes.pin_memory()
        return Batch(rows, pixels, boxes)
