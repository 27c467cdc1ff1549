"""The training loop over patches: the same lesions, draws and weights whether it was interrupted or not."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kg.errors import TrainingError
from learn.head import LabelNetwork, Outputs, Trunk
from learn.image.augment import Draws, augment
from learn.image.batches import Batch, Batches
from learn.image.checkpoint import Best, Checkpoint, Origin, Position, on_cpu
from learn.image.distributed import Group
from learn.image.examples import Examples
from learn.image.execution import Execution
from learn.image.inputs import as_input
from learn.image.journal import Journal
from learn.image.meter import Meter
from learn.image.network import image_network
from learn.image.objective import Objective
from learn.image.optimisation import Average, load_optimiser, optimiser_of, optimiser_tensors, rate_at, set_rate
from learn.image.recipe import Augmentation, ImageRecipe, Precision
from learn.image.validation import Validation

CHECKPOINT = "checkpoint.safetensors"
LOG_FOLDER = "log"

Progress = Callable[[int, int], None]
"""Called with steps done and steps in all."""


@dataclass(frozen=True)
class Setting:
    """What is around a training and no choice of it.

    Attributes:
        execution: how it is carried out.
        group: processes that train together.
        folder: where its checkpoint and its log lie.
        origin: what its checkpoints belong to.
        progress: told about steps done.
    """

    execution: Execution
    group: Group
    folder: Path
    origin: Origin
    progress: Progress | None = None


class Trainer:
    """Trains one network.

    Args:
        examples: N training lesions.
        validation: what the best epoch is chosen by.
        recipe: every choice.
        setting: what is around it.

    Raises:
        TrainingError: there are fewer lesions than processes.
    """

    def __init__(self, examples: Examples, validation: Validation, recipe: ImageRecipe, setting: Setting) -> None:
        self.examples, self.validation, self.recipe, self.setting = examples, validation, recipe, setting
        execution, group = setting.execution, setting.group
        self.device = execution.device_of(group.local_rank)
        network = image_network(recipe, len(setting.origin.label_ids), examples.patch_size)
        _freeze_unused(network, recipe)
        if execution.sync_batchnorm and group.size > 1 and self.device.type == "cuda":
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        self.layout = torch.channels_last if execution.channels_last else torch.contiguous_format
        self.network: LabelNetwork = network.to(self.device, memory_format=self.layout)  # type: ignore[call-overload]
        self.objective = Objective(recipe, examples, validation.matrices, self.device)
        self.optimiser = optimiser_of(self.network, recipe)
        self.average = Average(self.network, recipe.average) if recipe.average > 0 else None
        self.batches = Batches(
            examples, recipe.batch, recipe.seed, group, execution.workers, pinned=self.device.type == "cuda"
        )
        if self.batches.steps == 0:
            raise TrainingError(
                f"training: {examples.size} lesions cannot be shared by {group.size} processes; use fewer"
            )
        self.best, self.best_state = Best(), dict[str, Tensor]()
        self.position = Position()
        self.other_relations: tuple[str, ...] = ()
        # What is judged has weights of its own: the average, or a copy, and float32 as in predictions.
        self.judged = copy.deepcopy(self.network)
        self.forward = self._forward()

    @property
    def total(self) -> int:
        """Steps in all."""
        return self.recipe.epochs * self.batches.steps

    @property
    def done(self) -> int:
        """Steps done."""
        return self.position.epoch * self.batches.steps + self.position.step

    def run(self) -> dict[str, Tensor]:
        """Train to the end, from where the training stands.

        Returns:
            Parameters and buffers of the best epoch (averaged ones when the recipe keeps an average), on the CPU; empty
            on ranks that do not write.

        Raises:
            TrainingError: the loss is no longer a number, or a checkpoint cannot be written.
        """
        group, execution = self.setting.group, self.setting.execution
        group.wait()
        self.journal = (
            Journal(self.setting.folder / LOG_FOLDER, self.done, execution.tensorboard) if group.writes else None
        )
        try:
            for epoch in range(self.position.epoch, self.recipe.epochs):
                self._epoch(epoch)
        finally:
            if self.journal is not None:
                self.journal.close()
        return self.best_state

    def _epoch(self, epoch: int) -> None:
        execution, steps = self.setting.execution, self.batches.steps
        meter = Meter(self.device)
        draws = (
            Draws.of_epoch(self.examples.size, self.recipe.seed, epoch)
            if self.recipe.augmentation is Augmentation.LATERAL
            else None
        )
        self.network.train()
        first = self.position.step
        for step, batch in enumerate(meter.timed(self.batches.epoch(epoch, first)), first):
            meter.add(self.step(batch, draws, epoch, step), batch.pixels.shape[0] * self.setting.group.size)
            self.position = Position(epoch, step + 1)
            last = step + 1 == steps
            save = (self.done % execution.checkpoint_steps == 0) and not last
            if save or (self.done % execution.log_steps == 0 and not last):
                self._log(meter, {})
            if save:
                self.save()
            if self.setting.progress is not None and self.setting.group.writes:
                self.setting.progress(self.done, self.total)
        figures = self._judge(epoch)
        self._log(meter, figures)
        self.position = Position(epoch + 1, 0)
        self.save()
        self.setting.group.wait()

    def step(self, batch: Batch, draws: Draws | None, epoch: int, step: int) -> dict[str, Tensor | float]:
        """One step of the optimiser.

        Returns:
            What the log holds of it: each loss, the norm of the gradient before clipping, the learning rate.
        """
        recipe, device = self.recipe, self.device
        key = (epoch, step, self.setting.group.rank)
        rows = torch.from_numpy(batch.rows)
        chosen = None if draws is None else draws.take(rows, torch.from_numpy(self.examples.may_flip))
        truth = self.examples.truth(batch.rows, None if chosen is None else chosen.flip.numpy())
        triplets = self.objective.draw_triplets(truth.positive, *key).to(device, non_blocking=True)
        patches = as_input(batch.pixels.to(device, non_blocking=True))
        boxes = batch.boxes.to(device, non_blocking=True)
        if chosen is not None:
            patches, boxes = augment(patches, boxes, chosen.to(device))
        patches = patches.contiguous(memory_format=self.layout)
        out: Outputs = self.forward(patches, boxes)
        losses = self.objective(out, truth.to(device), triplets, *key)
        loss = torch.stack(list(losses)).sum()
        rate = rate_at(recipe, self.done, self.batches.steps)
        set_rate(self.optimiser, rate)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_([p for p in self.network.parameters() if p.requires_grad], recipe.clip)
        self.optimiser.step()
        if self.average is not None:
            self.average.update(self.done)
        parts = {name: value.detach() for name, value in losses._asdict().items()}
        return {"loss": loss.detach(), **parts, "gradient_norm": norm, "learning_rate": rate}

    def _judge(self, epoch: int) -> dict[str, float]:
        """Figures of validation lesions after an epoch; keeps the weights when it is the best so far."""
        if not self.setting.group.writes:
            return {}
        state = self.average.state if self.average is not None else self.network.state_dict()
        self.judged.load_state_dict(state)
        f1, area = self.validation.judge(self.judged, self.recipe.batch)
        if (f1, area) > (self.best.f1, self.best.auc):
            self.best = Best(epoch, f1, area)
            self.best_state = on_cpu(state)
        return {"val_f1": f1, "val_auc": area}

    def _log(self, meter: Meter, more: Mapping[str, float]) -> None:
        values = meter.flush()
        loss = values.get("loss", 0.0)
        if not math.isfinite(loss):
            raise TrainingError(
                f"epoch {self.position.epoch + 1}, step {self.position.step}: the loss is no number; lower "
                f"learning_rate ({self.recipe.learning_rate:g}) and train again"
            )
        if self.journal is not None:
            self.journal.write(self.done, {"epoch": self.position.epoch + 1, **values, **more})

    def save(self) -> None:
        """Write a checkpoint, on the rank that writes."""
        if not self.setting.group.writes:
            return
        tensors = on_cpu(self.network.state_dict(), "network.")
        tensors |= on_cpu(optimiser_tensors(self.network, self.optimiser), "optimiser.")
        tensors |= {f"best.{name}": value for name, value in self.best_state.items()}
        if self.average is not None:
            tensors |= on_cpu(self.average.state, "average.")
        origin = self.setting.origin
        checkpoint = Checkpoint(origin, self.position, self.best, self.other_relations, tensors)
        checkpoint.save(self.setting.folder / CHECKPOINT)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue from a checkpoint of this training (see :meth:`Checkpoint.require`)."""
        self.network.load_state_dict(checkpoint.part("network"))
        load_optimiser(self.network, self.optimiser, checkpoint.part("optimiser"))
        if self.average is not None:
            self.average.load(checkpoint.part("average"))
        self.position, self.best, self.best_state = checkpoint.position, checkpoint.best, checkpoint.part("best")
        self.other_relations = checkpoint.other_relations
        if checkpoint.origin.matrix_hash != self.setting.origin.matrix_hash:
            self.other_relations += (checkpoint.origin.matrix_hash,)

    def _forward(self) -> Callable[[Tensor, Tensor], Any]:
        network: nn.Module = self.network
        if self.recipe.precision is Precision.BFLOAT16:
            _compute_in_bfloat16(self.network.trunk, self.device)
        if self.setting.group.size > 1:
            devices = [self.device.index] if self.device.type == "cuda" else None
            network = nn.parallel.DistributedDataParallel(network, device_ids=devices)
        return torch.compile(network) if self.setting.execution.compile else network


def _compute_in_bfloat16(trunk: Trunk, device: torch.device) -> None:
    """Let a trunk compute in bfloat16; weights, head and losses stay float32: distances need their last bits."""
    plain = trunk.forward

    def forward(*inputs: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            features: Tensor = plain(*inputs)
        return features.float()

    trunk.forward = forward


def _freeze_unused(network: LabelNetwork, recipe: ImageRecipe) -> None:
    """Leave as they are the layers that no loss of the recipe reaches: weight decay would change them otherwise."""
    if not recipe.propagation:
        network.propagation.requires_grad_(False)
    if recipe.triplet_weight == 0:
        network.embedding.requires_grad_(False)
