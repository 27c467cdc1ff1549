"""Real lesions and relations, and one tiny training run, shared by the tests of training."""

from __future__ import annotations

import pytest
from tiny_runs import TINY, Trained

from ingest.release import Release
from kg.cohort import Cohort
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped


@pytest.fixture(scope="session")
def matrices() -> RelationMatrices:
    """Relations of the shipped, repaired ontology."""
    return RelationMatrices.from_ontology(load_shipped("lesanet-repaired"), "lesanet-171")


@pytest.fixture(scope="session")
def cohort(matrices: RelationMatrices) -> Cohort:
    """All 24,121 real lesions with LesaNet's labels and split."""
    return Release.shipped().cohort(matrices)


@pytest.fixture(scope="session")
def trained(cohort: Cohort, matrices: RelationMatrices, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A network too small to be good, trained for three epochs on the real training lesions."""
    from learn.training import train

    folder = tmp_path_factory.mktemp("runs")
    progress: list[tuple[int, int]] = []
    run = train(cohort, matrices, TINY, folder, lambda done, of: progress.append((done, of)))
    return Trained(run, folder / run.run_id, progress)
