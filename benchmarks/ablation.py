"""The parts of the model, taken out one at a time: a table in the shape of LesaNet's Table 1, on the real test lesions.

AUC, precision, recall and F1 are macro averages in the paper's conventions (grid thresholds from validation, ancestors
added to decisions, precision 1 where a label is never predicted): mean and standard deviation over single networks, one
for each seed. The last column is the AUC of the networks' mean score. Below the table: what relations add, as a paired
difference over the same resampled patients.

Usage: ``python benchmarks/ablation.py [--seeds 5] [--quick]``
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

import numpy as np

from ingest.mentions import asserted_labels, listed_parents
from ingest.release import Release
from kg import algebra
from kg.algebra import BoolMatrix
from kg.cohort import Cohort
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped
from learn.bootstrap import Resampling, interval, macro
from learn.decode import threshold_and_expand
from learn.evaluation import decisions
from learn.features import MetadataFeatures
from learn.judged import truth_of
from learn.metrics import auc, mean
from learn.predict import member_outputs
from learn.recipe import Recipe, Relations, Rhem
from learn.targets import training_targets
from learn.thresholds import grid_thresholds
from learn.training import train_members, usable


@dataclass(frozen=True)
class Row:
    """One row of the table: what differs from the default recipe."""

    name: str
    recipe: Recipe
    mentioned: bool = False


def rows(default: Recipe) -> list[Row]:
    """The rows, in the order of the paper's table."""
    bare = replace(default, rhem=Rhem.OFF, propagation=False, triplet_weight=0.0, labels=Relations.RELEASED)
    paper = replace(
        default, weight_power=1.0, rhem=Rhem.SAMPLED, rhem_weight=1.0, triplet_weight=5.0, propagation_rate=1.0
    )
    return [
        Row("all", default),
        Row("without score propagation", replace(default, propagation=False)),
        Row("without RHEM", replace(default, rhem=Rhem.OFF)),
        Row("without label expansion", replace(default, labels=Relations.RELEASED), mentioned=True),
        Row("without triplet loss", replace(default, triplet_weight=0.0)),
        Row("without relations (expansion, RHEM)", replace(default, labels=Relations.RELEASED, rhem=Rhem.OFF), True),
        Row("weighted cross entropy alone", bare, mentioned=True),
        Row("plain cross entropy alone", replace(bare, weight_power=0.0), mentioned=True),
        Row("labels as released, not re-expanded", replace(default, labels=Relations.RELEASED)),
        Row("all, the paper's weights in each loss", paper),
    ]


@dataclass(frozen=True)
class Data:
    """Lesions to learn from and to judge, and what reports mention of the former."""

    train: Cohort
    val: Cohort
    test: Cohort
    mentioned: BoolMatrix
    matrices: RelationMatrices


def read() -> Data:
    """The shipped tables."""
    matrices = RelationMatrices.from_ontology(load_shipped("lesanet-repaired"), "lesanet-171")
    release = Release.shipped()
    cohort = release.cohort(matrices)
    said = asserted_labels(release.labels, listed_parents(load_shipped("lesanet-released"), "lesanet-171"))
    place = {lesion: n for n, lesion in enumerate(release.labels.table["index"].to_pylist())}
    train = usable(cohort.subset("train"))
    order = [place[lesion] for lesion in train.table["index"].to_pylist()]
    judged = [cohort.subset(split).filter(cohort.subset(split).has_positive) for split in ("val", "test")]
    return Data(train, judged[0], judged[1], algebra.union(said.has, said.may_have)[order], matrices)


def scores(row: Row, data: Data) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the validation and test lesions by every seed, each S x N x C."""
    relevant, uncertain = data.train.relevant_matrix(), data.train.uncertain_matrix()
    if row.mentioned:
        relevant, uncertain = data.mentioned, algebra.as_bool(uncertain.multiply(data.mentioned))
    features = MetadataFeatures.fit(data.train.table, row.recipe.frequencies, row.recipe.midline)
    targets = training_targets(relevant, uncertain, data.matrices, row.recipe.labels)
    members = train_members(features.transform(data.train.table), targets, row.recipe)
    weights = {f"{seed}.{name}": value for seed, state in members.items() for name, value in state.items()}
    size = data.matrices.size
    return tuple(  # type: ignore[return-value]
        member_outputs(weights, row.recipe, size, features.transform(part.table))[0] for part in (data.val, data.test)
    )


def figures(val: np.ndarray, test: np.ndarray, data: Data) -> list[float]:
    """Macro AUC, precision, recall and F1 of one network, in the paper's conventions."""
    truth, used = truth_of(data.test)
    thresholds = grid_thresholds(*_given(data.val, val))
    found = decisions(truth, threshold_and_expand(test, thresholds, data.matrices), used, data.matrices)
    return [mean(auc(truth, test, used)), found.precision_one, found.recall, found.f1]


def _given(part: Cohort, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    truth, used = truth_of(part)
    return truth, score, used


def main() -> None:
    """Train every row and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="networks for each row")
    parser.add_argument("--quick", action="store_true", help="two seeds and a quarter of the epochs")
    options = parser.parse_args()
    default = Recipe()
    default = replace(default, seeds=tuple(range(2 if options.quick else options.seeds)))
    if options.quick:
        default = replace(default, epochs=max(1, default.epochs // 4))
    data = read()
    print(
        f"{data.train.size:,} training, {data.val.size:,} validation, {data.test.size:,} test lesions; "
        f"{len(default.seeds)} seeds, {default.epochs} epochs; metadata only, no pixels\n"
    )
    print(f"{'':40}{'AUC':>16}{'precision':>16}{'recall':>16}{'F1':>16}{'AUC of mean':>13}")
    truth, used = truth_of(data.test)
    together: dict[str, np.ndarray] = {}
    for row in rows(default):
        val, test = scores(row, data)
        each = np.array([figures(v, t, data) for v, t in zip(val, test, strict=True)])
        together[row.name] = test.mean(axis=0)
        spread = each.std(axis=0, ddof=1) if len(each) > 1 else np.full(4, np.nan)
        cells = "".join(f"{m:8.4f} ±{s:6.4f}" for m, s in zip(each.mean(axis=0), spread, strict=True))
        print(f"{row.name:40}{cells}{mean(auc(truth, together[row.name], used)):13.4f}", flush=True)

    resampled = Resampling.of(np.array(data.test.table["patient"].to_pylist()))
    replicates = {name: macro(resampled.auc(truth, score, used)) for name, score in together.items()}
    print("\nmacro AUC of the mean score, all less another; 95 % over the same resampled patients")
    for name in together:
        if name != "all":
            difference = mean(auc(truth, together["all"], used)) - mean(auc(truth, together[name], used))
            found = interval(replicates["all"] - replicates[name])
            sure = "" if found.low > 0 or found.high < 0 else ", not distinguishable from nil"
            print(f"{name:40}{difference:+9.4f} ({found.low:+.4f} to {found.high:+.4f}){sure}")


if __name__ == "__main__":
    main()
