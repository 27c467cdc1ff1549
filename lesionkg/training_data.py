"""What training pulls out of the graph: a cohort and the relation matrices of its labels.

The graph engine keeps a Java machine in its process for good, so a child process opens the graph, writes both to files
and ends; the process that trains never holds one.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from kg.cohort import Cohort
from kg.matrices import RelationMatrices

_COHORT = "cohort.parquet"
_MATRICES = "matrices.safetensors"


def pull_training_data(graph: str, cohort: str) -> tuple[Cohort, RelationMatrices]:
    """Read a cohort and its relation matrices in a child process.

    Args:
        graph: graph folder, or Bolt address.
        cohort: id of a cohort, or its name.

    Raises:
        StoreError: the graph cannot be opened, or was edited behind our back.
        CohortError: no such cohort, or its content is not what was frozen.
    """
    with (
        tempfile.TemporaryDirectory(prefix="lesionkg-") as folder,
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as child,
    ):
        child.submit(_write, graph, cohort, folder).result()
        return Cohort.read_parquet(Path(folder) / _COHORT), RelationMatrices.load(Path(folder) / _MATRICES)


def _write(graph: str, key: str, folder: str) -> None:
    from kg.connect import open_store
    from kg.graph_cohort import load_cohort
    from kg.graph_matrices import matrices_from_graph

    with open_store(graph, read_only=True) as store:
        cohort = load_cohort(store, key)
        matrices = matrices_from_graph(store, cohort.label_set)
    cohort.write_parquet(Path(folder) / _COHORT)
    matrices.save(Path(folder) / _MATRICES)
