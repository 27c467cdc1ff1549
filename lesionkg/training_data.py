"""What training pulls out of the graph: a cohort, the relation matrices of its labels, and which labels are partners.

The graph engine keeps a Java machine in its process for good, so a child process opens the graph, writes what is needed
to files and ends; the process that trains never holds one. A server that holds the graph sends the same files.
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
    from queries.client import Client

COHORT, MATRICES, LATERALITY = "cohort.parquet", "matrices.safetensors", "laterality.json"


def pull_training_data(source: str | Client, cohort: str) -> tuple[Cohort, RelationMatrices]:
    """Read a cohort and its relation matrices, out of a graph in a child process.

    Args:
        source: graph folder, Bolt address, or a server that holds the graph.
        cohort: id of a cohort, or its name.

    Raises:
        StoreError: the graph cannot be opened, or was edited behind our back.
        CohortError: no such cohort, or its content is not what was frozen.
        NotFoundError: the server has no such cohort.
    """
    with pulled(source, cohort) as folder:
        return Cohort.read_parquet(folder / COHORT), RelationMatrices.load(folder / MATRICES)


@contextmanager
def pulled(source: str | Client, cohort: str) -> Iterator[Path]:
    """A folder with :data:`COHORT`, :data:`MATRICES` and :data:`LATERALITY`; it is gone afterwards.

    Args and errors are those of :func:`pull_training_data`.
    """
    with tempfile.TemporaryDirectory(prefix="lesionkg-") as folder:
        if isinstance(source, str):
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as child:
                child.submit(_write, source, cohort, folder).result()
        else:
            _fetch(source, cohort, Path(folder))
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


def _fetch(server: Client, key: str, folder: Path) -> None:
    (folder / COHORT).write_bytes(server.cohort_file(key))
    cohort = Cohort.read_parquet(folder / COHORT)
    (folder / MATRICES).write_bytes(server.matrices_file(label_set=cohort.label_set))
    revision = RelationMatrices.load(folder / MATRICES).revision
    server.laterality(revision, cohort.label_set).save(folder / LATERALITY)
