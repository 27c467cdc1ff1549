"""Graphs that hold the shipped ontology, and some that hold lesions too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_release import first_lesions

from ingest.load import load_deeplesion
from ingest.release import Release
from kg.embedded import open_folder
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped
from kg.store import GraphStore


@pytest.fixture(scope="session")
def release() -> Release:
    """The first 200 real lesions."""
    return first_lesions(200)


@pytest.fixture(scope="session")
def ontology_folder(empty_graph_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed graph folder with the shipped ontology; copy it."""
    folder = tmp_path_factory.mktemp("ontology") / "graph"
    shutil.copytree(empty_graph_folder, folder)
    with open_folder(folder) as store:
        save_ontology(store, load_shipped())
    return folder


@pytest.fixture(scope="session")
def loaded_folder(ontology_folder: Path, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed graph folder with the shipped ontology and the first 200 real lesions; copy it."""
    folder = tmp_path_factory.mktemp("loaded") / "graph"
    shutil.copytree(ontology_folder, folder)
    with open_folder(folder) as store:
        load_deeplesion(store, release)
    return folder


@pytest.fixture
def with_ontology(ontology_folder: Path, tmp_path: Path) -> Iterator[GraphStore]:
    """An embedded graph with the shipped ontology."""
    shutil.copytree(ontology_folder, tmp_path / "graph")
    with open_folder(tmp_path / "graph") as store:
        yield store


@pytest.fixture
def loaded(loaded_folder: Path, tmp_path: Path) -> Iterator[GraphStore]:
    """An embedded graph with the shipped ontology and the first 200 real lesions."""
    shutil.copytree(loaded_folder, tmp_path / "graph")
    with open_folder(tmp_path / "graph") as store:
        yield store


@pytest.fixture(scope="module")
def shared(loaded_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    """As ``loaded``, for tests that leave the graph as it was."""
    folder = tmp_path_factory.mktemp("shared") / "graph"
    shutil.copytree(loaded_folder, folder)
    with open_folder(folder) as store:
        yield store
