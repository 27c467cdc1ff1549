"""How a training is carried out: what changes its speed or its place, and not which run it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from kg.errors import UsageError


@dataclass(frozen=True)
class Execution:
    """Settings of one execution. None of them enters the id of a run.

    Attributes:
        device: ``auto`` (a GPU when there is one), ``cpu`` or ``cuda``.
        compile: compile the network (:func:`torch.compile`).
        channels_last: keep images with their channels innermost; quicker on recent GPUs, slower on CPUs.
        workers: threads that fetch batches ahead of training; 0 fetches each when it is needed.
        checkpoint_steps: steps from one checkpoint to the next; there is one after every epoch as well.
        log_steps: steps that a row of the log covers.
        tensorboard: write TensorBoard files beside the log.
        sync_batchnorm: share the statistics of batch normalisation among ranks, which only GPUs can; worth its cost
            below 32 lesions for each rank.
        restart: begin anew although a checkpoint of the same run is there.
        resume: continue from this checkpoint instead of the run's own.
        allow_other_relations: continue although that checkpoint was trained with other relations.
    """

    device: str = "auto"
    compile: bool = False
    channels_last: bool = False
    workers: int = 2
    checkpoint_steps: int = 200
    log_steps: int = 10
    tensorboard: bool = False
    sync_batchnorm: bool = False
    restart: bool = False
    resume: Path | None = None
    allow_other_relations: bool = False

    def __post_init__(self) -> None:
        if self.device not in ("auto", "cpu", "cuda"):
            raise UsageError(f"device {self.device!r}: give auto, cpu or cuda")
        if min(self.checkpoint_steps, self.log_steps) < 1 or self.workers < 0:
            raise UsageError("checkpoint_steps and log_steps must be 1 or more, workers 0 or more")
        if self.restart and self.resume is not None:
            raise UsageError("restart and resume: give one of them")

    def device_of(self, local_rank: int = 0) -> torch.device:
        """The device of a rank of this host.

        Raises:
            UsageError: a GPU is asked for and PyTorch finds none.
        """
        found = torch.cuda.is_available()
        if self.device == "cpu" or (self.device == "auto" and not found):
            return torch.device("cpu")
        if not found:
            raise UsageError("device cuda: PyTorch finds no GPU here; give --device cpu, or install its CUDA build")
        return torch.device("cuda", local_rank)
