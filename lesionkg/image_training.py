"""Training on patches with what the graph holds, by one process or by several that torchrun started."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.images.patch_cache import PatchCache
from kg.cohort import Cohort
from kg.matrices import RelationMatrices
from learn.image.contralateral import Laterality
from learn.image.distributed import Group, joined
from learn.image.execution import Execution
from learn.image.recipe import ImageRecipe
from learn.image.train import train_images
from learn.image.trainer import Progress
from learn.run import Run
from lesionkg.training_data import COHORT, LATERALITY, MATRICES, pulled

if TYPE_CHECKING:
    from queries.client import Client


def train_from_graph(
    source: str | Client,
    cohort: str,
    patches: Path,
    recipe: ImageRecipe,
    runs_folder: Path,
    execution: Execution,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> tuple[Run, bool]:
    """Train on the lesions of a cohort that have a patch.

    Only rank 0 reads the graph, which one process at a time can; the other ranks are sent what it read.

    Args:
        source: graph folder, Bolt address, or a server that holds the graph.
        cohort: id of a cohort, or its name.
        patches: folder of a patch cache.
        recipe: every choice.
        runs_folder: where the run's folder is written.
        execution: how the training is carried out.
        progress, say: see :func:`learn.image.train.train_images`.

    Returns:
        The run, and whether this process is the one to tell of it.
    """
    cache = PatchCache.open(patches)
    with joined(execution.device) as group, tempfile.TemporaryDirectory(prefix="lesionkg-") as folder:
        lesions, matrices, laterality = _shared(group, source, cohort, Path(folder))
        run = train_images(lesions, matrices, cache, recipe, runs_folder, execution, laterality, progress, say)
        return run, group.writes


def _shared(
    group: Group, source: str | Client, cohort: str, folder: Path
) -> tuple[Cohort, RelationMatrices, Laterality]:
    names = (COHORT, MATRICES, LATERALITY)
    if group.writes:
        with pulled(source, cohort) as pulled_to:
            contents: list[bytes | None] = [(pulled_to / name).read_bytes() for name in names]
    else:
        contents = [None] * len(names)
    for name, content in zip(names, contents, strict=True):
        (folder / name).write_bytes(group.share(content))
    return (
        Cohort.read_parquet(folder / COHORT),
        RelationMatrices.load(folder / MATRICES),
        Laterality.load(folder / LATERALITY),
    )
