"""HermiT on the finding classes: what it infers is what our own algebra computes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import algebra, reasoner
from kg.errors import ReasonerError
from kg.ontology import ExclusiveGroup, ExclusivePair, Label, LabelClass, Ontology, Relation, RelationKind
from kg.owl import write_owl
from kg.reasoner import Classification, bundled_java, classify
from kg.shipped import load_shipped

FIVE = {
    "pretracheal lymph node",
    "rectum",
    "sigmoid colon",
    "esophagus lymph node",
    "gastrohepatic ligament",
}


@pytest.fixture(scope="session")
def released() -> Classification:
    return classify(load_shipped("lesanet-released"))


@pytest.fixture(scope="session")
def repaired() -> Classification:
    return classify(load_shipped("lesanet-repaired"))


def closures(ontology: Ontology) -> tuple[set[tuple[str, str]], set[str]]:
    """(descendant, ancestor) pairs, and the labels with two exclusive labels among themselves and their ancestors."""
    ids = [label.id for label in ontology.labels]
    index = {label_id: i for i, label_id in enumerate(ids)}
    parents = np.array([(index[r.child], index[r.parent]) for r in ontology.relations])
    listed = np.array([(index[a], index[b]) for a, b in sorted(ontology.all_exclusive_pairs)])
    ancestors = algebra.closure(algebra.from_pairs(parents, len(ids)))
    exclusive = algebra.inherit_exclusive(algebra.from_pairs(listed, len(ids), symmetric=True), ancestors)
    impossible = {ids[i] for i in np.flatnonzero(exclusive.diagonal())}
    return {(ids[a], ids[b]) for a, b in algebra.to_pairs(ancestors) if a != b}, impossible


def test_the_repaired_ontology_is_consistent_and_all_333_labels_are_possible(repaired: Classification) -> None:
    assert len(load_shipped("lesanet-repaired").labels) == 333
    assert repaired.consistent
    assert repaired.unsatisfiable == ()


def test_subsumptions_of_the_repaired_ontology_are_our_closure(repaired: Classification) -> None:
    ancestors, impossible = closures(load_shipped("lesanet-repaired"))
    assert len(ancestors) > 500
    assert repaired.subsumptions == ancestors
    assert impossible == set()


def test_exactly_five_labels_of_the_released_ontology_are_impossible(released: Classification) -> None:
    ontology = load_shipped("lesanet-released")
    assert released.consistent
    assert {ontology.by_id[i].name for i in released.unsatisfiable} == FIVE
    ancestors, impossible = closures(ontology)
    assert set(released.unsatisfiable) == impossible
    assert released.subsumptions == {pair for pair in ancestors if not impossible & set(pair)}


def test_without_disjointness_every_label_is_possible() -> None:
    ontology = load_shipped("lesanet-released")
    training = classify(ontology, "training")
    assert training.unsatisfiable == ()
    assert training.subsumptions == closures(ontology)[0]


def test_it_needs_no_java_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert classify(synthetic(2)).consistent


def test_options_smuggled_in_by_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"):
        monkeypatch.setenv(name, "-Xmx1k -no-such-option")
    assert classify(synthetic(2)).consistent


def test_owlready2_comes_to_the_same_five(
    released: Classification, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owlready2 = pytest.importorskip("owlready2")
    monkeypatch.setattr(owlready2, "JAVA_EXE", str(bundled_java()))
    write_owl(load_shipped("lesanet-released"), tmp_path / "x.owl", "strict")
    world = owlready2.World()
    with (tmp_path / "x.owl").open("rb") as file:
        world.get_ontology("https://w3id.org/lesionkg/ontology/lesanet-released").load(fileobj=file)
    owlready2.sync_reasoner_hermit(world, debug=0)
    found = {c.name.replace("_", ":") for c in world.inconsistent_classes() if c.name != "Nothing"}
    assert found == set(released.unsatisfiable)


# ---- made-up ontologies --------------------------------------------------------------------------------------------


def synthetic(size: int, *relations: tuple[int, int], **more: object) -> Ontology:
    """Synthetic labels with odd names; relations as (child, parent) numbers."""
    labels = tuple(Label(f"X:{i}", f'label "{i}"\n# é', LabelClass.TYPE) for i in range(size))
    pairs = tuple(Relation(f"X:{a}", RelationKind.IS_A, f"X:{b}") for a, b in relations)
    return Ontology("synthetic", labels, pairs, **more)  # type: ignore[arg-type]


@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_hermit_and_the_algebra_agree_on_any_ontology(data: st.DataObject) -> None:
    size = 8
    number = st.integers(0, size - 1)
    relations = data.draw(st.lists(st.tuples(number, number), max_size=12))
    pairs = data.draw(
        st.lists(st.builds(ExclusivePair, number.map("X:{}".format), number.map("X:{}".format)), max_size=4)
    )
    members = data.draw(st.lists(number.map("X:{}".format), max_size=3))
    ontology = synthetic(
        size, *relations, exclusive_pairs=tuple(pairs), exclusive_groups=(ExclusiveGroup("g", tuple(members)),)
    )
    ancestors, impossible = closures(ontology)
    found = classify(ontology)
    assert found.consistent
    assert set(found.unsatisfiable) == impossible
    assert found.subsumptions == {pair for pair in ancestors if not impossible & set(pair)}


def test_labels_that_imply_each_other_subsume_each_other() -> None:
    assert classify(synthetic(3, (0, 1), (1, 0), (1, 2))).subsumptions == {
        ("X:0", "X:1"), ("X:1", "X:0"), ("X:0", "X:2"), ("X:1", "X:2"),
    }  # fmt: skip


def test_a_label_exclusive_with_itself_is_impossible() -> None:
    assert classify(synthetic(2, exclusive_pairs=(ExclusivePair("X:1", "X:1"),))).unsatisfiable == ("X:1",)


def test_a_label_under_two_members_of_a_group_is_impossible() -> None:
    groups = (ExclusiveGroup("g", ("X:0", "X:1", "X:2")),)
    ontology = synthetic(4, (3, 0), (3, 2), exclusive_groups=groups)
    assert classify(ontology).unsatisfiable == ("X:3",)


# ---- failures ------------------------------------------------------------------------------------------------------


def program(tmp_path: Path, script: str) -> Path:
    path = tmp_path / "java"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def failure(**options: object) -> str:
    with pytest.raises(ReasonerError) as caught:
        classify(synthetic(2), **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith("reasoner: ")
    assert "\n" not in message
    return message


def test_a_missing_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(tmp_path / "none") in failure(java=tmp_path / "none")
    monkeypatch.setattr(reasoner, "_package", lambda _: tmp_path)
    assert "no Java runtime" in failure()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasoner, "find_spec", lambda _: None)
    assert "arcadedb_embedded" in failure()


@pytest.mark.skipif(os.name == "nt", reason="stands in for Java by a shell script")
@pytest.mark.parametrize(
    ("script", "says"),
    [
        pytest.param("echo 'Error: no such thing' >&2; exit 3", "no such thing", id="an error message"),
        pytest.param("exit 7", "exit code 7", id="no message"),
        pytest.param("kill -9 $$", "exit code -9", id="killed"),
    ],
)
def test_a_java_that_dies_is_one_line(script: str, says: str, tmp_path: Path) -> None:
    assert says in failure(java=program(tmp_path, script))


def test_a_reasoner_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    assert "stopped after 0.2 s" in failure(java=program(tmp_path, "exec sleep 30"), timeout_s=0.2)


def test_too_little_memory_is_one_line() -> None:
    assert "maximum heap" in failure(memory_mb=1)


def test_an_ontology_without_any_model_is_inconsistent(tmp_path: Path) -> None:
    """Finding classes alone always have a model, so this one is made by hand."""
    file = tmp_path / "x.ttl"
    owl, rdfs = "http://www.w3.org/2002/07/owl#", "http://www.w3.org/2000/01/rdf-schema#"
    file.write_text(f"<{owl}Thing> <{rdfs}subClassOf> <{owl}Nothing> .")
    assert reasoner._run(file, bundled_java(), 256, 60) is None


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    classify(synthetic(2))
    assert list(tmp_path.iterdir()) == []
