"""What training pulls out of the graph: a cohort, the relation matrices of its labels, and which labels are partners.

The graph engine keeps a Java machine in its process for good, so a child process opens the graph, writes what is needed
to files and ends; the process that trains never holds one.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kg.cohort import Cohort
from kg.matrices import RelationMatrices
from learn.image.contralateral import Laterality

if TYPE_CHECKING:
    from kg.store import GraphStore

COHORT, MATRICES, LATERALITY = "cohort.parquet", "matrices.safetensors", "laterality.json"


def pull_training_data(graph: str, cohort: str) -> tuple[Cohort, RelationMatrices]:
    """Read a cohort and its relation matrices in a child process.

    Args:
        graph: graph folder, or Bolt address.
        cohort: id of a cohort, or its name.

    Raises:
        StoreError: the graph cannot be opened, or was edited behind our back.
        CohortError: no such cohort, or its content is not what was frozen.
    """
    with pulled(graph, cohort) as folder:
        return Cohort.read_parquet(folder / COHORT), RelationMatrices.load(folder / MATRICES)


@contextmanager
def pulled(graph: str, cohort: str) -> Iterator[Path]:
    """A folder with :data:`COHORT`, :data:`MATRICES` and :data:`LATERALITY`; it is gone afterwards.

    Args and errors are those of :func:`pull_training_data`.
    """
    with tempfile.TemporaryDirectory(prefix="lesionkg-") as folder:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as child:
            child.submit(_write, graph, cohort, folder).result()
        yield Path(folder)


def read_training_data(store: GraphStore, key: str) -> tuple[Cohort, RelationMatrices, Laterality]:
    """Read a cohort, its relation matrices and its partners out of an open graph.

    Args:
        store: the graph.
        key: id of a cohort, or its name.
    """
    from kg.graph_cohort import load_cohort
    from kg.graph_matrices import matrices_from_graph
    from kg.graph_ontology import load_ontology

    cohort = load_cohort(store, key)
    matrices = matrices_from_graph(store, cohort.label_set)
    return cohort, matrices, Laterality.from_ontology(load_ontology(store), cohort.label_set)


def _write(graph: str, key: str, folder: str) -> None:
    from kg.connect import open_store

    with open_store(graph, read_only=True) as store:
        cohort, matrices, laterality = read_training_data(store, key)
    cohort.write_parquet(Path(folder) / COHORT)
    matrices.save(Path(folder) / MATRICES)
    laterality.save(Path(folder) / LATERALITY)
