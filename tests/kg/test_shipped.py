"""The ontologies that ship: what they are, and that they are what their sources make of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kg.errors import UsageError
from kg.matrices import RelationMatrices
from kg.ontology import LabelClass, RelationKind
from kg.owl import load_owl, write_owl
from kg.repair import repair
from kg.shipped import load_shipped, shipped_names
from kg.spreadsheet import read_spreadsheet, to_ontology

FOLDER = Path(__file__).resolve().parents[2] / "ontologies"


def test_two_ontologies_ship() -> None:
    assert {"lesanet-released", "lesanet-repaired"} <= set(shipped_names())


@pytest.mark.parametrize("name", shipped_names())
def test_each_is_the_file_of_its_name(name: str) -> None:
    ontology = load_shipped(name)
    assert ontology.name == name
    assert ontology == load_owl(FOLDER / f"{name}.ttl")
    ontology.require_resolved()


def test_the_repaired_one_is_the_default() -> None:
    assert load_shipped().name == "lesanet-repaired"


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="lesanet-released, lesanet-repaired"):
        load_shipped("../pyproject")


@pytest.mark.parametrize("name", ["lesanet-released", "lesanet-repaired"])
def test_labels_and_label_set_are_as_released(name: str) -> None:
    ontology = load_shipped(name)
    members = ontology.label_set("lesanet-171").members
    classes = [ontology.by_id[i].label_class for i in members]
    assert len(ontology.labels) == 333
    assert [classes.count(c) for c in LabelClass] == [115, 27, 29]
    assert [ontology.by_id[i].name for i in members[:3]] == ["chest", "abdomen", "lung"]
    assert {r.kind for r in ontology.relations} <= set(RelationKind)
    assert all(r.source for r in ontology.relations)


def test_matrices_of_the_default_have_the_figures_of_the_paper() -> None:
    matrices = RelationMatrices.from_ontology(load_shipped(), "lesanet-171")
    matrices.require_consistent()
    assert matrices.parents.nnz == 137
    assert matrices.exclusive.nnz == 2 * 4459
    assert matrices.exclusive_minimal.nnz == 2 * 173


def test_generating_them_again_gives_the_same_bytes(shared_data: Path, tmp_path: Path) -> None:
    released = to_ontology(read_spreadsheet(shared_data / "lesanet" / "lesion_ontology_181022.xlsx"))
    for ontology in (released, repair(released)):
        write_owl(ontology, tmp_path / "again.ttl")
        assert (tmp_path / "again.ttl").read_bytes() == (FOLDER / f"{ontology.name}.ttl").read_bytes()
        assert load_shipped(ontology.name) == ontology


def test_importing_the_module_does_not_load_rdflib() -> None:
    code = "import sys, kg.shipped; kg.shipped.shipped_names(); sys.exit('rdflib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
