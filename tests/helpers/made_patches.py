"""Made patches and a made cohort, synthetic: each label paints its own mark, so that a small network can learn them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from ingest.images.geometry import PatchGeometry
from ingest.images.patch_cache import PatchCache, write_cache
from kg.cohort import COHORT_SCHEMA, Cohort
from kg.matrices import RelationMatrices
from kg.ontology import (
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    Ontology,
    Relation,
    RelationKind,
    SoftKind,
    SoftRelation,
)
from learn.image.recipe import ImageRecipe, RoiMode

SIDE = 32
NAMES = ("chest", "left lung", "right lung", "heart", "nodule", "mass", "lingula", "right middle lobe")
"""Labels of the made ontology, in the order of its label set; the last two are of one side and have no partner."""

TINY = ImageRecipe(
    width=1 / 16,
    features=8,
    embedding=8,
    epochs=2,
    batch=6,
    triplets=50,
    rhem_pairs=50,
    milestones=(1,),
    roi=RoiMode.TIGHT,
)
"""A network too small to be good, which trains on two dozen made lesions in a second."""


def made_ontology() -> Ontology:
    """Eight labels: chest above left lung, right lung (partners) and heart; a lobe in each lung; nodule or mass."""
    ids = {name: f"M:{place}" for place, name in enumerate(NAMES)}
    below = [("left lung", "chest"), ("right lung", "chest"), ("heart", "chest")]
    below += [("lingula", "left lung"), ("right middle lobe", "right lung")]
    apart = [("left lung", "right lung"), ("heart", "left lung"), ("heart", "right lung"), ("nodule", "mass")]
    types = {"nodule", "mass"}
    return Ontology(
        name="made",
        labels=tuple(Label(ids[n], n, LabelClass.TYPE if n in types else LabelClass.BODYPART) for n in NAMES),
        relations=tuple(Relation(ids[a], RelationKind.PART_OF, ids[b]) for a, b in below),
        exclusive_pairs=tuple(ExclusivePair(ids[a], ids[b]) for a, b in apart),
        soft_relations=(SoftRelation(ids["left lung"], SoftKind.CONTRALATERAL_OF, ids["right lung"]),),
        label_sets=(LabelSet("made-8", tuple(ids[n] for n in NAMES)),),
    )


def made_matrices() -> RelationMatrices:
    """Relations of the made label set."""
    return RelationMatrices.from_ontology(made_ontology(), "made-8")


def made_cohort(matrices: RelationMatrices, train: int = 24, judged: int = 12, seed: int = 0) -> Cohort:
    """Lesions with one or two labels each, ``judged`` of them in validation and in test."""
    random = np.random.default_rng(seed)
    splits = ["train"] * train + ["val"] * judged + ["test"] * judged
    # Every split has every label: places in turn, and a nodule or a mass.
    places = [1, 2, 3, 6, 7]
    relevant = [[places[row % 5], 4 + int(random.integers(2))] for row in range(len(splits))]
    columns = {
        "lesion": [f"MADE:{row:05d}" for row in range(len(splits))],
        "index": list(range(len(splits))),
        "patient": [f"p{row}" for row in range(len(splits))],
        "study": [f"p{row}/s" for row in range(len(splits))],
        "series": [f"p{row}/s/1" for row in range(len(splits))],
        "split": splits,
        "relevant": relevant,
        "uncertain": [[]] * len(splits),
        "irrelevant": [[]] * len(splits),
    }
    rows = {field.name: columns.get(field.name, [None] * len(splits)) for field in COHORT_SCHEMA}
    table = pa.table(rows, schema=COHORT_SCHEMA)
    names = ("made", matrices.label_set, matrices.label_ids, matrices.names)
    return Cohort.freeze(*names, 0, matrices.ontology_hash, matrices.matrix_hash, table)


def made_cache(folder: Path, cohort: Cohort, lesions: Sequence[str] | None = None, seed: int = 0) -> PatchCache:
    """Patches of some lesions (all by default): noise, and for each label a bright square in its own place."""
    random = np.random.default_rng(seed)
    labels = cohort.relevant_matrix().toarray()
    pixels = random.integers(8000, 9000, (cohort.size, 3, SIDE, SIDE)).astype(np.int16)
    for label in range(labels.shape[1]):
        top, left = divmod(label, 4)
        rows = np.flatnonzero(labels[:, label])
        pixels[rows, :, 4 + 14 * top : 10 + 14 * top, 1 + 8 * left : 7 + 8 * left] += 6000
    boxes = np.tile(np.array([4, 4, 27, 27], np.float32), (cohort.size, 1))
    names = cohort.table["lesion"].to_pylist()
    kept = [place for place, name in enumerate(names) if lesions is None or name in set(lesions)]
    geometry = PatchGeometry(size=SIDE, spacing_mm=2.0)
    return write_cache(folder, geometry, [names[k] for k in kept], pixels[kept], boxes[kept])
