"""Relation matrices: built from an ontology, saved, loaded, hashed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kg import algebra
from kg.errors import InputError, MatrixError, OntologyError, UsageError
from kg.matrices import RelationMatrices, multi_hot
from kg.ontology import (
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    Ontology,
    Relation,
    RelationKind,
    Synonym,
)


def small_ontology() -> Ontology:
    """lung > left lung > lingula; liver; chest > lung; chest x abdomen x pelvis; liver in abdomen."""
    names = ["chest", "abdomen", "pelvis", "lung", "left lung", "lingula", "liver"]
    ids = {name: f"LKG:{i:07d}" for i, name in enumerate(names, 1)}
    up = [("lung", "chest"), ("left lung", "lung"), ("lingula", "left lung"), ("liver", "abdomen")]
    return Ontology(
        name="small",
        labels=tuple(Label(ids[n], n, LabelClass.BODYPART) for n in names),
        relations=tuple(Relation(ids[c], RelationKind.PART_OF, ids[p]) for c, p in up),
        exclusive_groups=(ExclusiveGroup("EG:1", (ids["chest"], ids["abdomen"], ids["pelvis"])),),
        label_sets=(
            LabelSet("all", tuple(ids[n] for n in names)),
            LabelSet("some", (ids["liver"], ids["lingula"], ids["chest"])),
        ),
    )


def test_closures_pass_through_labels_outside_the_label_set() -> None:
    matrices = RelationMatrices.from_ontology(small_ontology(), "some")
    assert matrices.names == ("liver", "lingula", "chest")
    assert algebra.to_pairs(matrices.ancestors).tolist() == [[1, 2]], (
        "lingula is in the chest through left lung and lung"
    )
    assert algebra.to_pairs(matrices.exclusive, symmetric=True).tolist() == [[0, 1], [0, 2]]
    assert algebra.to_pairs(matrices.exclusive_minimal, symmetric=True).tolist() == [[0, 2]]


def test_a_synonym_a_name_and_a_licence_leave_the_matrix_hash_alone_and_a_relation_does_not() -> None:
    before = small_ontology()
    first = before.labels[0]
    renamed = replace(first, name="thorax", synonyms=(Synonym("chest"),))
    edited = replace(before, labels=(renamed, *before.labels[1:]), notices=("licence",))
    assert edited.content_hash != before.content_hash
    was = RelationMatrices.from_ontology(before, "all")
    now = RelationMatrices.from_ontology(edited, "all")
    assert now.matrix_hash == was.matrix_hash
    cut = replace(before, relations=before.relations[1:])
    assert RelationMatrices.from_ontology(cut, "all").matrix_hash != was.matrix_hash


def test_the_hash_does_not_depend_on_redundant_relations_or_reading_order() -> None:
    base = small_ontology()
    shortcut = Relation(base.label("lingula").id, RelationKind.PART_OF, base.label("chest").id, source="other")
    inherited = ExclusivePair(base.label("liver").id, base.label("lung").id)
    more = replace(base, relations=(shortcut, *reversed(base.relations)), exclusive_pairs=(inherited,))
    assert (
        RelationMatrices.from_ontology(more, "all").matrix_hash
        == RelationMatrices.from_ontology(base, "all").matrix_hash
    )


def test_label_order_is_part_of_the_hash() -> None:
    base = small_ontology()
    turned = replace(base, label_sets=(LabelSet("all", tuple(reversed(base.label_set("all").members))),))
    assert (
        RelationMatrices.from_ontology(turned, "all").matrix_hash
        != RelationMatrices.from_ontology(base, "all").matrix_hash
    )


def test_saving_and_loading_gives_back_the_same_value_and_the_same_bytes(tmp_path: Path) -> None:
    matrices = RelationMatrices.from_ontology(small_ontology(), "all", revision=7)
    matrices.save(tmp_path / "a.safetensors")
    again = RelationMatrices.load(tmp_path / "a.safetensors")
    assert (again.matrix_hash, again.revision, again.names, again.classes, again.ontology_hash) == (
        matrices.matrix_hash, 7, matrices.names, matrices.classes, matrices.ontology_hash,
    )  # fmt: skip
    again.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.safetensors", "b.safetensors"]


@pytest.mark.parametrize("keep", [0, 4, 60, -8], ids=["empty", "header", "half", "tail"])
def test_a_truncated_file_is_refused_in_one_line(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "m.safetensors"
    RelationMatrices.from_ontology(small_ontology(), "all").save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"m\.safetensors.*export it again") as caught:
        RelationMatrices.load(path)
    assert "\n" not in str(caught.value)


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    RelationMatrices.from_ontology(small_ontology(), "all").save(path)
    data = path.read_bytes().replace(b"LKG:0000007", b"LKG:0000009")
    path.write_bytes(data)
    with pytest.raises(InputError, match="does not match its matrix hash"):
        RelationMatrices.load(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent"):
        RelationMatrices.load(tmp_path / "absent.safetensors")


def test_a_cyclic_hierarchy_is_refused_by_name() -> None:
    base = small_ontology()
    loop = Relation(base.label("chest").id, RelationKind.PART_OF, base.label("lingula").id)
    with pytest.raises(OntologyError, match=r"cyclic hierarchy \(chest, lung, left lung, lingula\)"):
        RelationMatrices.from_ontology(replace(base, relations=(*base.relations, loop)), "all")


def test_a_dangling_reference_is_refused() -> None:
    base = small_ontology()
    nowhere = ExclusivePair(base.label("liver").id, "LKG:0000999")
    with pytest.raises(OntologyError, match="LKG:0000999 is not a label"):
        RelationMatrices.from_ontology(replace(base, exclusive_pairs=(nowhere,)), "all")


def test_an_unknown_label_set_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="all, some"):
        RelationMatrices.from_ontology(small_ontology(), "lesanet-171")


def test_self_exclusion_is_named() -> None:
    base = small_ontology()
    clash = ExclusivePair(base.label("chest").id, base.label("lingula").id)
    matrices = RelationMatrices.from_ontology(replace(base, exclusive_pairs=(clash,)), "all")
    with pytest.raises(MatrixError, match="'lingula' is exclusive with itself"):
        matrices.require_consistent()
    RelationMatrices.from_ontology(base, "all").require_consistent()


def test_label_data_of_the_wrong_width_is_refused() -> None:
    matrices = RelationMatrices.from_ontology(small_ontology(), "all")
    with pytest.raises(MatrixError, match="3 columns, but all has 7 labels"):
        matrices.expand(np.ones((2, 3), bool))


def test_reliable_negatives_and_contradictions_see_the_expanded_labels() -> None:
    matrices = RelationMatrices.from_ontology(small_ontology(), "all")
    lingula, liver = multi_hot([[5]], 7), multi_hot([[5, 6]], 7)
    assert [matrices.names[i] for i in matrices.reliable_negatives(lingula).indices] == ["abdomen", "pelvis", "liver"]
    clashes = {(matrices.names[a], matrices.names[b]) for _, a, b in matrices.contradictions(liver)}
    assert clashes == {
        (a, b) for a in ("chest", "lung", "left lung", "lingula") for b in ("abdomen", "liver")
    } - {(x, "abdomen") for x in ("lung", "left lung", "lingula")} | {
        ("abdomen", "lung"), ("abdomen", "left lung"), ("abdomen", "lingula"),
    }  # fmt: skip


def test_multi_hot_ignores_order_and_duplicates() -> None:
    assert multi_hot([[2, 0, 2], [], [1]], 3).toarray().tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
