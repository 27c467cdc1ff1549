"""RadLex and an ontology: mappings, adoption, disagreements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_radlex import write_table

from kg.algebra import as_bool
from kg.curation.assessment import assess
from kg.curation.change_set import ChangeSet
from kg.curation.label_data import LabelData
from kg.errors import UsageError
from kg.ontology import Label, LabelClass, MatchKind, Ontology, Relation, RelationKind, Synonym, TermMapping
from kg.radlex.adoption import adopt
from kg.radlex.disagreements import Difference, Disagreement, disagreements
from kg.radlex.linked import candidates, linked, map_to
from kg.radlex.reference import FILE, Reference, import_table
from kg.shipped import load_shipped

CHEST, LUNG, LEFT, LIVER, NODULE = (f"LKG:000000{i}" for i in range(1, 6))


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    return import_table(write_table(tmp_path / "made.csv"), tmp_path / FILE)


def ontology(*relations: Relation) -> Ontology:
    """Five labels, the lung and what is near it; four are mapped."""

    def label(key: str, name: str, label_class: LabelClass, rid: str = "", *synonyms: str) -> Label:
        mappings = (TermMapping(rid, name, MatchKind.EXACT),) if rid else ()
        return Label(key, name, label_class, tuple(map(Synonym, synonyms)), mappings=mappings)

    body = LabelClass.BODYPART
    return Ontology(
        "made",
        (
            label(CHEST, "chest", body),
            label(LUNG, "lung", body, "RID1301", "pulmonary"),
            label(LEFT, "left lung", body, "RID1326"),
            label(LIVER, "liver", body, "RID58"),
            label(NODULE, "nodule", LabelClass.TYPE, "RID3874"),
        ),
        relations,
    )


def test_a_term_with_a_shared_name_is_a_candidate(reference: Reference) -> None:
    (found,) = candidates(ontology(), reference)
    assert (found.label.id, found.term.rid, found.alone) == (CHEST, "RID1243", True)
    change = map_to(ontology(), reference, "chest", "RID1243", MatchKind.EXACT)
    after = ChangeSet((change,)).apply(ontology())
    assert after.label("chest").mappings[0].justification == 'semapv:LexicalMatching: RadLex synonym "chest"'
    assert linked(after, reference)[CHEST] == "RID1243"
    assert not candidates(after, reference)


def test_a_mapping_without_a_shared_name_needs_a_reason(reference: Reference) -> None:
    with pytest.raises(UsageError, match="share no name"):
        map_to(ontology(), reference, "chest", "RID3", MatchKind.BROAD)
    made = map_to(ontology(), reference, "chest", "RID3", MatchKind.BROAD, "all anatomy")
    assert "ManualMappingCuration: all anatomy" in str(made.after)
    with pytest.raises(UsageError, match="withdrawn"):
        map_to(ontology(), reference, "chest", "RID9", MatchKind.BROAD, "old")


def test_a_term_is_adopted_below_the_nearest_labels(reference: Reference) -> None:
    before = ontology(Relation(LEFT, RelationKind.IS_A, LUNG))
    made = adopt(before, reference, ["RID1350", "RID1338"], LabelClass.BODYPART)
    after = ChangeSet(made.changes).apply(before)
    lobe, segment = after.label("lower lobe of left lung"), after.label("left-sided basal segment")
    assert {s.text for s in lobe.synonyms} == {"LLL", "left lower lobe"}
    assert made.left_out == (("RID1338", "pulmonary"),)
    assert {(r.child, r.kind, r.parent, r.evidence) for r in after.relations if r.source == "RadLex"} == {
        (lobe.id, RelationKind.PART_OF, LEFT, "RID1338 part_of RID1326"),
        (segment.id, RelationKind.PART_OF, lobe.id, "RID1350 part_of RID1338"),
    }
    undone = ChangeSet(ChangeSet(made.changes).inverse()).apply(after)
    assert undone == before


def test_what_radlex_has_in_a_place_is_located_there(reference: Reference) -> None:
    chest = map_to(ontology(), reference, "chest", "RID1243", MatchKind.CLOSE, "the outside counts too")
    before = ChangeSet((chest,)).apply(ontology())
    unmapped = replace(before, labels=tuple(replace(k, mappings=()) if k.id == LUNG else k for k in before.labels))
    renamed = replace(unmapped, labels=tuple(replace(k, name="x") if k.id == LUNG else k for k in unmapped.labels))
    after = ChangeSet(adopt(renamed, reference, ["RID1301"]).changes).apply(renamed)
    (relation,) = after.relations
    assert (relation.child, relation.kind, relation.parent) == (
        after.label("lung").id,
        RelationKind.LOCATED_IN,
        CHEST,
    )
    assert after.label("lung").label_class is LabelClass.BODYPART


def test_parents_are_adopted_along_up_to_a_level_or_a_label(reference: Reference) -> None:
    before = ontology()
    alone = adopt(before, reference, ["RID1350"], LabelClass.BODYPART)
    with_lobe = adopt(before, reference, ["RID1350"], LabelClass.BODYPART, levels=1)
    names = [part.fact.name for one in with_lobe.changes for part in one.parts if isinstance(part.fact, Label)]
    assert len(alone.changes) == 1
    assert names == ["lower lobe of left lung", "left-sided basal segment"]
    after = ChangeSet(with_lobe.changes).apply(before)
    lobe, segment = (after.label(name).id for name in names)
    assert {(r.child, r.parent) for r in after.relations} == {(lobe, LEFT), (segment, lobe)}
    assert adopt(before, reference, ["RID1350"], LabelClass.BODYPART, levels=9) == with_lobe


def test_an_id_that_is_given_away_is_not_given_again(reference: Reference) -> None:
    first = adopt(ontology(), reference, ["RID50149"]).changes[0].labels[0]
    second = adopt(ontology(), reference, ["RID50149"], used_ids=[first]).changes[0].labels[0]
    assert int(second.removeprefix("LKG:")) == int(first.removeprefix("LKG:")) + 1


def test_the_class_of_an_adopted_term_is_that_of_what_it_is_a_kind_of(reference: Reference) -> None:
    made = adopt(ontology(), reference, ["RID50149"])
    after = ChangeSet(made.changes).apply(ontology())
    label = after.label("nodule of lung")
    assert label.label_class is LabelClass.TYPE
    assert (label.id, RelationKind.IS_A, NODULE) in {(r.child, r.kind, r.parent) for r in after.relations}
    with pytest.raises(UsageError, match="tells its class"):
        adopt(ontology(), reference, ["RID1243"])
    with pytest.raises(UsageError, match="already"):
        adopt(ontology(), reference, ["RID58"])


def of(differences: tuple[Difference, ...], what: Disagreement) -> list[tuple[str, str]]:
    return [(one.child.id, one.parent.id) for one in differences if one.what is what]


def test_disagreements_are_told_apart_and_counted_on_lesions(reference: Reference) -> None:
    made = ontology(
        Relation(LUNG, RelationKind.PART_OF, LEFT),
        Relation(LIVER, RelationKind.PART_OF, LUNG),
        Relation(NODULE, RelationKind.LOCATED_IN, LUNG),
    )
    said = as_bool(np.array([[1, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1]], bool))
    data = LabelData("made", (LEFT, LIVER, NODULE), np.array(list("abcd")), np.array(["test"] * 4), said, 0 * said)
    found = disagreements(made, reference, data)
    assert of(found.differences, Disagreement.REVERSED) == [(LUNG, LEFT)]
    assert of(found.differences, Disagreement.UNSUPPORTED) == [(LIVER, LUNG)]
    assert of(found.differences, Disagreement.OTHER_BRANCH) == [(NODULE, LUNG)]
    counted = {one.what: (one.lesions, one.lost, one.gained, one.examples) for one in found.differences}
    assert counted == {
        Disagreement.REVERSED: (4, 3, 1, ("a", "b", "c", "d")),
        Disagreement.UNSUPPORTED: (1, 1, 0, ("b",)),
        Disagreement.OTHER_BRANCH: (1, 1, 0, ("d",)),
    }
    assert (found.compared, found.agreed, found.not_comparable) == (4, 0, 0)


def test_a_place_that_only_radlex_has_is_missing_and_another_kind_is_named(reference: Reference) -> None:
    chest = map_to(ontology(), reference, "chest", "RID1243", MatchKind.EXACT)
    made = ChangeSet((chest,)).apply(ontology())
    found = disagreements(made, reference).differences
    assert set(of(found, Disagreement.MISSING)) == {(LUNG, CHEST), (LEFT, LUNG), (LIVER, CHEST)}
    wrong = replace(made, relations=(Relation(LEFT, RelationKind.PART_OF, LUNG),))
    assert of(disagreements(wrong, reference).differences, Disagreement.KIND) == [(LEFT, LUNG)]
    right = replace(made, relations=(Relation(LEFT, RelationKind.IS_A, LUNG),))
    assert disagreements(right, reference).agreed == 1


def test_known_disagreements_of_the_released_ontology_are_found(shared_data: Path, tmp_path: Path) -> None:
    whole = import_table(shared_data / "radlex" / "radlex_merged.csv", tmp_path / FILE)
    shipped = load_shipped("lesanet-repaired")
    found = disagreements(shipped, whole)
    names = {(one.child.name, one.parent.name): one.what for one in found.differences}
    assert names["supraclavicular lymph node", "mediastinum lymph node"] is Disagreement.UNSUPPORTED
    assert names["supraclavicular lymph node", "neck"] is Disagreement.MISSING
    assert names["hemangioma", "blood vessel"] is Disagreement.OTHER_BRANCH
    adopted = adopt(shipped, whole, ["RID3986"])
    assert not assess(shipped, ChangeSet(adopted.changes)).errors
