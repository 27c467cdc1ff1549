"""The real graph, with two synthetic models, behind both adapters, and what expected answers are computed from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import graphs
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from synthetic_runs import synthetic_run

from ingest.release import Release
from kg import algebra
from kg.cohort import Cohort
from kg.matrices import RelationMatrices
from kg.ontology import Ontology
from kg.store import GraphStore
from learn.decode import decode

ADDED = ("abdomen", "pelvis")
"""The two labels of the one exclusion that the older synthetic model does not know."""


PART = 8000
"""Rows of DL_info.csv that the smaller graph holds: real too, and loaded in a third of the time."""


@dataclass(frozen=True)
class World:
    """The graph of all real lesions and labels, and what went into it, to compute expected answers from.

    Attributes:
        embedded: the graph through the embedded adapter.
        bolt: the same graph over Bolt, as the user who may only read.
        folder: where it lies.
        ontology: the repaired ontology.
        lesions: one row for each of all lesions, as released.
        cohort: the released label lists.
        said: labels said of the cohort's lesions, listed parents taken out; N x 171 bool.
        doubted: labels said of them with doubt; N x 171 bool.
        whole: whether these are all lesions, or those of the first 8,000 rows.
        matrices: relations of the 171 labels.
        run: the newer synthetic model, trained on these relations.
        old_run: the older one, trained before :data:`ADDED` excluded each other.
    """

    embedded: GraphStore
    bolt: GraphStore
    folder: Path
    ontology: Ontology
    lesions: pa.Table
    cohort: Cohort
    said: np.ndarray
    doubted: np.ndarray
    whole: bool
    matrices: RelationMatrices
    run: Any
    old_run: Any

    def column(self, name: str) -> int:
        """Column of a label among the 171."""
        return self.matrices.names.index(name)

    def rows(self, split: str) -> np.ndarray:
        """Which of the cohort's lesions are in a split, bool."""
        return self.cohort.table["split"].to_numpy(zero_copy_only=False) == split

    def ids(self, which: np.ndarray) -> list[str]:
        """Ids of some of the cohort's lesions."""
        return [str(i) for i in self.cohort.table["lesion"].to_numpy(zero_copy_only=False)[which]]

    @cached_property
    def positive(self) -> np.ndarray:
        """Relevant labels of the cohort's lesions after expansion, N x 171 bool."""
        return self.matrices.expand(self.cohort.relevant_matrix()).toarray()

    @cached_property
    def ancestors(self) -> dict[str, set[str]]:
        """Names of all ancestors by name of the label, over the whole ontology, walked without matrices."""
        names = {label.id: label.name for label in self.ontology.labels}
        parents: dict[str, set[str]] = {name: set() for name in names.values()}
        for relation in self.ontology.relations:
            parents[names[relation.child]].add(names[relation.parent])

        def above(name: str) -> set[str]:
            return parents[name].union(*(above(parent) for parent in parents[name]))

        return {name: above(name) for name in parents}

    def predicted(self, run: Any) -> tuple[list[str], np.ndarray]:
        """Test lesions of a run, and the labels it decides to be positive, N x 171 bool."""
        test = run.split == "test"
        return [i for i, t in zip(run.lesions, test, strict=True) if t], decode(
            run.score[test], run.thresholds, run.matrices
        ).positive


@contextmanager
def real_world(folder: Path, whole: bool) -> Iterator[World]:
    """Load the lesions and two synthetic models into a new graph folder, own and serve it until the block ends."""
    from ingest.load import load_deeplesion
    from ingest.mentions import asserted_labels, listed_parents
    from kg.graph_cohort import load_cohort
    from kg.graph_matrices import matrices_from_graph
    from kg.graph_ontology import save_ontology
    from kg.owner import GraphOwner
    from kg.shipped import load_shipped
    from learn.publish import publish

    with GraphOwner(folder, create=True) as owner:
        store = owner.store
        ontology = load_shipped()
        save_ontology(store, ontology)
        release = Release.shipped() if whole else _beginning(Release.shipped(), PART)
        load_deeplesion(store, release)
        cohort = load_cohort(store, "lesanet")
        matrices = matrices_from_graph(store, "lesanet-171")
        asserted = asserted_labels(release.labels, listed_parents(load_shipped("lesanet-released"), "lesanet-171"))
        order = np.argsort(release.labels.table["index"].to_numpy())
        run = synthetic_run(cohort, matrices, 2, "2026-02-01T00:00:00Z")
        old_run = synthetic_run(cohort, _without(matrices, ADDED), 1, "2026-01-01T00:00:00Z")
        for each in (run, old_run):
            publish(store, each, cohort)
        with graphs.connect(owner.ownership, folder, "reader") as bolt:
            yield World(
                embedded=store,
                bolt=bolt,
                folder=folder,
                ontology=ontology,
                lesions=release.lesions,
                cohort=cohort,
                said=asserted.has.toarray()[order],
                doubted=asserted.may_have.toarray()[order],
                whole=whole,
                matrices=matrices,
                run=run,
                old_run=old_run,
            )


def _beginning(release: Release, rows: int) -> Release:
    """The first rows of a release."""
    table = release.labels.table
    return Release(
        release.lesions.slice(0, rows), replace(release.labels, table=table.filter(pc.field("index") < rows))
    )


def _without(matrices: RelationMatrices, pair: tuple[str, str]) -> RelationMatrices:
    """The relations before two labels excluded each other, as an older revision that never was."""
    gone = sorted(matrices.names.index(name) for name in pair)
    minimal = algebra.to_pairs(matrices.exclusive_minimal, symmetric=True)
    kept = minimal[(minimal != gone).any(axis=1)]
    assert len(kept) == len(minimal) - 1
    exclusive = algebra.from_pairs(kept, matrices.size, symmetric=True)
    inherited = algebra.inherit_exclusive(exclusive, matrices.ancestors)
    return replace(matrices, exclusive=inherited, revision=0, ontology_hash="older")
