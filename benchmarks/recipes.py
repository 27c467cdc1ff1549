"""Settings of the recipe, varied one at a time: macro AUC on the validation lesions, by which the defaults were chosen.

Test lesions are not touched. Mean and standard deviation over single networks, one for each seed, and the AUC of their
mean score.

Usage: ``python benchmarks/recipes.py ['{"dropout": 0.5}' ...]``; without arguments a list of variations.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np

from ingest.release import Release
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped
from learn.features import MetadataFeatures
from learn.judged import truth_of
from learn.metrics import auc, mean
from learn.predict import member_outputs
from learn.recipe import Recipe
from learn.targets import training_targets
from learn.training import train_members, usable

SEEDS = (0, 1, 2)
VARIATIONS = (
    {},
    {"frequencies": []},
    {"frequencies": [0.5, 1, 2, 4]},
    {"midline": False},
    {"weight_power": 1.0},
    {"weight_power": 0.0},
    {"dropout": 0.4},
    {"width": 128},
    {"width": 384},
    {"depth": 1},
    {"depth": 3},
    {"rhem": "off"},
    {"rhem_weight": 1.0},
    {"propagation": False},
    {"propagation_rate": 0.1},
    {"propagation_rate": 1.0},
    {"triplet_weight": 0.0},
    {"triplet_weight": 5.0},
    {"labels": "released"},
    {"epochs": 30},
    {"epochs": 90},
)


def main() -> None:
    """Train and print a line for each variation."""
    matrices = RelationMatrices.from_ontology(load_shipped("lesanet-repaired"), "lesanet-171")
    cohort = Release.shipped().cohort(matrices)
    train = usable(cohort.subset("train"))
    val = cohort.subset("val").filter(cohort.subset("val").has_positive)
    truth, used = truth_of(val)
    for given in [json.loads(text) for text in sys.argv[1:]] or VARIATIONS:
        recipe = replace(Recipe.from_dict(given), seeds=SEEDS)
        features = MetadataFeatures.fit(train.table, recipe.frequencies, recipe.midline)
        targets = training_targets(train.relevant_matrix(), train.uncertain_matrix(), matrices, recipe.labels)
        members = train_members(features.transform(train.table), targets, recipe)
        weights = {f"{seed}.{name}": value for seed, state in members.items() for name, value in state.items()}
        score, _ = member_outputs(weights, recipe, matrices.size, features.transform(val.table))
        alone = [mean(auc(truth, each, used)) for each in score]
        together = mean(auc(truth, score.mean(axis=0), used))
        name = ", ".join(f"{key} {value}" for key, value in given.items()) or "default recipe"
        print(f"{name:36}{np.mean(alone):8.4f} ±{np.std(alone, ddof=1):7.4f}{together:9.4f}", flush=True)


if __name__ == "__main__":
    main()
