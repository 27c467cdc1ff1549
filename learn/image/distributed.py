"""Several processes that train one network (torchrun).

Each rank computes its own batch of ``recipe.batch`` lesions; gradients are averaged over ranks, so that with R ranks a
step is one of R times the batch. What is a mean over pairs of lesion and label is then the mean over the joint batch,
exactly. Draws are for each rank: ``rhem_pairs`` pairs (S in the paper) among the pairs of its own batch and
``triplets`` triplets (T) among its own lesions, so a step draws R * S pairs and R * T triplets. Statistics of batch
normalisation are those of each rank's batch, the running ones rank 0's, unless they are synchronised
(:attr:`learn.image.execution.Execution.sync_batchnorm`). Only rank 0 validates and writes; all ranks must see the
folder of runs.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist


@dataclass(frozen=True)
class Group:
    """The processes that train together.

    Attributes:
        rank: number of this one; 0 writes.
        size: how many there are.
        local_rank: number of this one on its host, and of its GPU.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def writes(self) -> bool:
        """Whether this process writes files and tells of progress."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait for all others."""
        if self.size > 1:
            dist.barrier()

    def share(self, content: bytes | None) -> bytes:
        """What rank 0 has, on every rank; the others give None."""
        if self.size == 1:
            assert content is not None
            return content
        device = torch.device("cuda", self.local_rank) if dist.get_backend() == "nccl" else torch.device("cpu")
        length = torch.tensor([len(content or b"")], dtype=torch.int64, device=device)
        dist.broadcast(length, 0)
        if content is None:
            data = torch.empty(int(length), dtype=torch.uint8, device=device)
        else:
            data = torch.frombuffer(bytearray(content), dtype=torch.uint8).to(device)
        dist.broadcast(data, 0)
        return data.cpu().numpy().tobytes()


@contextmanager
def joined(device: str = "auto") -> Iterator[Group]:
    """The group that torchrun started this process in; of this process alone when it did not.

    Within another such block it is the same group.

    Args:
        device: see :class:`learn.image.execution.Execution`; GPUs talk over NCCL, CPUs over Gloo.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Group()
        return
    group = Group(*(int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")))
    if dist.is_initialized():
        yield group
        return
    on_gpu = device != "cpu" and torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(group.local_rank)
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield group
        # A rank that ends while its backend still lets go of the last tensors aborts now and then, its work done.
        group.wait()
    finally:
        # What wraps a network in cycles of references holds the backend: freed while Python shuts down, it aborts.
        gc.collect()
        dist.destroy_process_group()
