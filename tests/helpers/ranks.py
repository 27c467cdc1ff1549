"""What one rank does in the tests of training together; torchrun starts it.

    torchrun --nproc-per-node 2 ranks.py FOLDER TASK

``gradient`` writes the gradient of one step; ``train`` trains a run and writes a hash of its weights.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import torch
from made_patches import TINY, made_cohort, made_matrices
from safetensors.torch import save_file

from ingest.images.patch_cache import PatchCache
from learn.image.checkpoint import Origin
from learn.image.contralateral import Laterality
from learn.image.distributed import Group, joined
from learn.image.examples import Examples
from learn.image.execution import Execution
from learn.image.recipe import ImageRecipe
from learn.image.train import train_images
from learn.image.trainer import Setting, Trainer
from learn.image.validation import Validation
from learn.recipe import Rhem

EXACT = replace(TINY, rhem=Rhem.OFF, triplet_weight=0.0, clip=1e9, learning_rate=1e-9)
"""Only losses that are means over the pairs of a batch."""


def first_gradient(cache: PatchCache, recipe: ImageRecipe, group: Group, folder: Path) -> dict[str, torch.Tensor]:
    """Gradients after the first step of a training; statistics of batch normalisation are those it starts with."""
    matrices = made_matrices()
    cohort = made_cohort(matrices)
    sides = Laterality.unknown(matrices.label_ids)
    trainer = Trainer(
        Examples.of(cohort.subset("train"), matrices, cache, recipe.labels, sides),
        Validation.of(cohort.subset("val"), matrices, cache),
        recipe,
        Setting(
            Execution(device="cpu", workers=0),
            group,
            folder,
            Origin(matrices.label_ids, "", "", "", "", recipe.as_dict(), group.size),
        ),
    )
    trainer.network.eval()
    trainer.step(next(trainer.batches.epoch(0)), None, 0, 0)
    return {name: p.grad for name, p in trainer.network.named_parameters() if p.grad is not None}


def main() -> None:
    """One rank."""
    torch.set_num_threads(1)
    folder, task = Path(sys.argv[1]), sys.argv[2]
    cache = PatchCache.open(folder / "cache")
    with joined("cpu") as group:
        if task == "gradient":
            found = first_gradient(cache, EXACT, group, folder / "training")
            save_file(found, folder / f"gradient-{group.rank}.safetensors")
            said = group.share(b"from rank 0" if group.writes else None)
            (folder / f"said-{group.rank}").write_bytes(said)
            return
        matrices = made_matrices()
        execution = Execution(device="cpu", workers=1, checkpoint_steps=1)
        run = train_images(made_cohort(matrices), matrices, cache, replace(TINY, batch=3), folder / "runs", execution)
        digest = hashlib.sha256(b"".join(run.weights[name].tobytes() for name in sorted(run.weights))).hexdigest()
        (folder / f"weights-{group.rank}").write_text(digest)


if __name__ == "__main__":
    main()
