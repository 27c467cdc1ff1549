"""The parts of the method, taken out one at a time: the variants of LesaNet's Table 1, trained and judged alike.

Every variant is a recipe derived from one full recipe, or the full recipe on other training labels. A run of a variant
is named by its content as every run is, so an ablation that was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.images.patch_cache import PatchCache
from ingest.label_lists import LabelLists
from ingest.mentions import asserted_labels, listed_parents
from kg import algebra
from kg.cohort import Cohort
from kg.errors import TrainingError, UsageError
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped
from learn.evaluation import decided_as_paper, decisions
from learn.image.contralateral import Laterality
from learn.image.execution import Execution
from learn.image.train import learnable, train_images, with_patch
from learn.judged import Judged
from learn.metrics import Counts, auc, mean
from learn.recipe import Recipe, Relations, Rhem
from learn.run import IMAGE, METADATA, AnyRecipe, Run, run_id_of
from learn.thresholds import grid_thresholds
from learn.training import train, usable

FIGURES = ("AUC", "precision", "recall", "F1", "recall of rare labels", "recall of frequent labels")
"""Macro figures on test lesions in the paper's conventions (:func:`measure`)."""

_RARE, _FREQUENT = 71 / 171, 18 / 171
"""Shares of the 171 labels with at most 100 (rare) and over 1,000 (frequent) of LesaNet's training lesions."""


class TrainingLabels(StrEnum):
    """Which label lists a variant is trained on. Validation and test lesions keep theirs."""

    LISTED = "listed"
    """Relevant and uncertain, as released."""
    MENTIONED = "mentioned"
    """Only those that the report mentions: what was inferred from them is left out (:mod:`ingest.mentions`)."""
    ALL_MENTIONS = "all-mentions"
    """Irrelevant mentions too, which are about another lesion of the sentence: no text mining told them apart."""


@dataclass(frozen=True)
class Variant:
    """One row of the table.

    Attributes:
        key: names it on the command line.
        name: names it in the table.
        changes: settings of the recipe that differ from the full one.
        labels: what it is trained on.
    """

    key: str
    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    labels: TrainingLabels = TrainingLabels.LISTED


_PLAIN = {"rhem": Rhem.OFF, "propagation": False, "triplet_weight": 0.0}
_RELEASED = {"labels": Relations.RELEASED}

VARIANTS = (
    Variant("full", "all"),
    Variant("no-propagation", "without score propagation", {"propagation": False}),
    Variant("no-rhem", "without RHEM", {"rhem": Rhem.OFF}),
    Variant("no-expansion", "without label expansion", _RELEASED, TrainingLabels.MENTIONED),
    Variant("no-text-mining", "without text mining", labels=TrainingLabels.ALL_MENTIONS),
    Variant("no-triplet", "without triplet loss", {"triplet_weight": 0.0}),
    Variant("wce", "classification loss alone", _PLAIN),
)
"""The rows of Table 1."""

MORE_VARIANTS = (
    Variant("released", "labels as released, not re-expanded", _RELEASED),
    Variant("most-specific", "without any label another one implies", {"labels": Relations.MOST_SPECIFIC}),
    Variant("no-relations", "without expansion and RHEM", {**_RELEASED, "rhem": Rhem.OFF}, TrainingLabels.MENTIONED),
    Variant("wce-mentioned", "classification loss alone, not expanded", _PLAIN | _RELEASED, TrainingLabels.MENTIONED),
    Variant(
        "plain",
        "plain cross entropy alone, not expanded",
        _PLAIN | _RELEASED | {"weight_power": 0.0},
        TrainingLabels.MENTIONED,
    ),
)
"""Rows beyond the paper's."""


def variants(keys: Sequence[str]) -> tuple[Variant, ...]:
    """Variants by key, in the order given.

    Raises:
        UsageError: no such variant.
    """
    known = {variant.key: variant for variant in (*VARIANTS, *MORE_VARIANTS)}
    for key in keys:
        if key not in known:
            raise UsageError(f"row {key!r}: no such variant; give some of {', '.join(known)}")
    return tuple(known[key] for key in keys)


@dataclass(frozen=True, eq=False)
class Line:
    """A variant's figures.

    Attributes:
        variant: the row.
        runs: id of the run of each of S seeds.
        values: S x F, :data:`FIGURES`.
    """

    variant: Variant
    runs: tuple[str, ...]
    values: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Over seeds, shape (F,)."""
        return np.asarray(self.values.mean(axis=0))

    @property
    def spread(self) -> np.ndarray:
        """Standard deviation over seeds, shape (F,); NaN for one seed."""
        if len(self.values) < 2:
            return np.full(self.values.shape[1], np.nan)
        return np.asarray(self.values.std(axis=0, ddof=1))


@dataclass(frozen=True, eq=False)
class Frequencies:
    """Labels by how many training lesions have them, in the proportions of LesaNet's own groups.

    Attributes:
        at_most: training lesions that a rare label has at most.
        at_least: training lesions that a frequent label has at least.
        rare, frequent: shape (C,) bool.
    """

    at_most: int
    at_least: int
    rare: np.ndarray
    frequent: np.ndarray

    @classmethod
    def of(cls, count: np.ndarray) -> Frequencies:
        """Groups of C labels with ``count`` training lesions each."""
        rising = np.sort(count)
        at_most = int(rising[max(0, round(_RARE * len(count)) - 1)])
        at_least = int(rising[-max(1, round(_FREQUENT * len(count)))])
        return cls(at_most, at_least, count <= at_most, count >= at_least)


@dataclass(frozen=True, eq=False)
class Ablation:
    """What all variants share.

    Attributes:
        cohort: lesions, labels and split.
        matrices: relations of the cohort's labels.
        recipe: the full recipe, over metadata or over patches; its seeds do not count.
        runs_folder: where runs are written and looked for. Their cohorts may exist nowhere else: keep it apart.
        cache: patches, for a recipe over patches.
        execution: how trainings on patches are carried out.
        laterality: which labels are partners of each other, for augmentation.
    """

    cohort: Cohort
    matrices: RelationMatrices
    recipe: AnyRecipe
    runs_folder: Path
    cache: PatchCache | None = None
    execution: Execution | None = None
    laterality: Laterality | None = None

    @cached_property
    def training(self) -> Cohort:
        """The lesions that the full recipe learns from."""
        part = self.cohort.subset("train")
        return usable(part) if self.cache is None else learnable(with_patch(part, self.cache))

    @cached_property
    def frequencies(self) -> Frequencies:
        """Rare and frequent labels among the expanded labels of the training lesions."""
        expanded = self.matrices.expand(self.training.positive_matrix())
        return Frequencies.of(np.asarray(expanded.sum(axis=0)))

    def line(self, variant: Variant, seeds: Sequence[int], progress: Callable[[int, int], None] | None = None) -> Line:
        """Train a variant with every seed, or read the runs that are there, and measure them.

        Args:
            variant: the row.
            seeds: one network each.
            progress: told about the steps or epochs of each training.

        Raises:
            TrainingError: see :func:`learn.training.train`; or the variant needs labels that the cohort does not tell.
        """
        cohort = relabelled(self.cohort, variant.labels)
        runs = [self._run(cohort, self.recipe_of(variant, seed), progress) for seed in seeds]
        return Line(
            variant, tuple(run.run_id for run in runs), np.stack([measure(r, cohort, self.frequencies) for r in runs])
        )

    def recipe_of(self, variant: Variant, seed: int) -> AnyRecipe:
        """The full recipe with a variant's changes and one seed."""
        if isinstance(self.recipe, Recipe):
            return replace(self.recipe, **variant.changes, seeds=(seed,))
        return replace(self.recipe, **variant.changes, seed=seed)

    def _run(self, cohort: Cohort, recipe: AnyRecipe, progress: Callable[[int, int], None] | None) -> Run:
        kind, inputs = (METADATA, "") if self.cache is None else (IMAGE, self.cache.content_hash)
        plain = recipe.as_dict()
        folder = self.runs_folder / run_id_of(kind, cohort.id, cohort.label_data_hash, self.matrices, plain, inputs)
        if folder.is_dir():
            return Run.read(folder)
        if isinstance(recipe, Recipe):
            return train(cohort, self.matrices, recipe, self.runs_folder, progress)
        if self.cache is None:
            raise UsageError("ablation: a recipe over patches needs a patch cache")
        return train_images(
            cohort, self.matrices, self.cache, recipe, self.runs_folder, self.execution, self.laterality, progress
        )


def measure(run: Run, cohort: Cohort, frequencies: Frequencies) -> np.ndarray:
    """Figures of a run on test lesions in the paper's conventions, shape (F,) in the order of :data:`FIGURES`.

    Thresholds come from the released grid on validation lesions, ancestors are added, and a label that is never
    predicted counts as precision 1. Recall of a group is the mean over its labels that have a test lesion.
    """
    val, test = Judged.of_split(run, cohort, "val"), Judged.of_split(run, cohort, "test")
    thresholds = grid_thresholds(val.truth, val.score, val.used)
    decided = decided_as_paper(run, test.score, thresholds)
    found = decisions(test.truth, decided, test.used, run.matrices)
    recall = Counts.of(test.truth, decided, test.used).recall()
    area = mean(auc(test.truth, test.score, test.used))
    groups = (mean(recall, frequencies.rare), mean(recall, frequencies.frequent))
    return np.array([area, found.precision_one, found.recall, found.f1, *groups])


def relabelled(cohort: Cohort, labels: TrainingLabels) -> Cohort:
    """The cohort with other labels for its training lesions, under another id.

    Raises:
        TrainingError: the cohort's lists do not tell what was mentioned from what was inferred, or hold no irrelevant
            mention.
    """
    if labels is TrainingLabels.LISTED:
        return cohort
    train = np.asarray(cohort.table["split"].to_numpy() == "train")
    lists = {kind: cohort.table[kind].to_pylist() for kind in ("relevant", "uncertain", "irrelevant")}
    if labels is TrainingLabels.ALL_MENTIONS:
        if not any(row for row, here in zip(lists["irrelevant"], train, strict=True) if here):
            raise TrainingError(f"cohort {cohort.id}: lists no irrelevant mention to train on; leave that row out")
        changed = {"relevant": [a + b for a, b in zip(lists["relevant"], lists["irrelevant"], strict=True)]}
    else:
        changed = _mentioned(cohort)
    table = cohort.table
    for kind, rows in changed.items():
        merged = [new if here else old for new, old, here in zip(rows, lists[kind], train, strict=True)]
        place = table.column_names.index(kind)
        table = table.set_column(place, table.schema.field(kind), pa.array(merged, table.schema.field(kind).type))
    return Cohort.freeze(
        name=f"{cohort.name}-{labels}"[:64],
        label_set=cohort.label_set,
        label_ids=cohort.label_ids,
        label_names=cohort.label_names,
        revision=cohort.revision,
        ontology_hash=cohort.ontology_hash,
        matrix_hash=cohort.matrix_hash,
        table=table,
    )


def _mentioned(cohort: Cohort) -> dict[str, list[list[int]]]:
    """Relevant and uncertain lists without what was only inferred."""
    parents = listed_parents(load_shipped("lesanet-released"), cohort.label_set)
    said = asserted_labels(LabelLists(cohort.label_names, cohort.table), parents)
    asserted = algebra.union(said.has, said.may_have)
    relevant, uncertain = cohort.relevant_matrix(), cohort.uncertain_matrix()
    if asserted.nnz == algebra.union(relevant, uncertain).nnz:
        raise TrainingError(
            f"cohort {cohort.id}: its lists do not tell mentions from inferred parents; "
            "leave out rows without label expansion, or take most-specific"
        )
    kept = {"relevant": said.has, "uncertain": algebra.as_bool(uncertain.multiply(asserted))}
    return {
        kind: [part.tolist() for part in np.split(matrix.indices, matrix.indptr[1:-1])] for kind, matrix in kept.items()
    }
