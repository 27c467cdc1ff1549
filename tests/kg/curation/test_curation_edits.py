"""Single edits: checked against the ontology, one change each, taken back exactly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from made_ontology import CALCIFIED, CHEST, LEFT_LUNG, LIVER, LUNG, MASS, NODULE, SOLID, small

from kg.curation import edits
from kg.curation.change_set import Change, ChangeSet
from kg.curation.describe import describe
from kg.curation.edits import Provenance
from kg.errors import UsageError
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    LabelClass,
    LabelSet,
    MatchKind,
    Ontology,
    Relation,
    RelationKind,
    SoftKind,
    SoftRelation,
    Synonym,
    SynonymScope,
    TermMapping,
)
from kg.shipped import load_shipped

BY = Provenance("RadLex 4.2", "curator", "2026-01-02", "a path")


def after(change: Change) -> Ontology:
    """The made ontology after a change, which the change's inverse takes back."""
    made = ChangeSet((change,)).apply(small())
    assert ChangeSet((change.inverse(),)).apply(made) == small()
    assert made != small()
    return made


def test_a_label_keeps_its_id_when_it_is_renamed() -> None:
    made = after(edits.rename(small(), "lung", "lungs"))
    assert made.by_id[LUNG].name == "lungs"
    assert after(edits.rename(small(), LUNG, "Lung")).by_id[LUNG].name == "Lung"


def test_a_new_label_gets_the_next_id_that_nobody_has() -> None:
    ontology = load_shipped()
    assert edits.new_label_id(ontology) == "LKG:0000334"
    assert edits.new_label_id(ontology, ["LKG:0000400", "T:9999999"]) == "LKG:0000401"
    assert edits.new_label_id(small()) == "LKG:0000334"
    change = edits.add_label(small(), "cyst", LabelClass.TYPE, synonyms=[Synonym("cystic")], source="made")
    label = after(change).by_name["cyst"]
    assert (label.id, label.label_class, label.source) == ("LKG:0000334", LabelClass.TYPE, "made")
    assert label.synonyms == (Synonym("cystic"),)


def test_texts_synonyms_and_mappings_of_a_label_are_edited() -> None:
    made = small()
    mapping = TermMapping("RID58", "liver", MatchKind.EXACT, "read")
    steps: tuple[Callable[[Ontology], Change], ...] = (
        lambda o: edits.define(o, "liver", "A gland."),
        lambda o: edits.reclassify(o, "solid", LabelClass.TYPE),
        lambda o: edits.revive(o, "mass"),
        lambda o: edits.add_synonym(o, "liver", "hepatic", SynonymScope.RELATED, "made"),
        lambda o: edits.change_synonym(o, "lung", "PULMONARY", Synonym("pulmonal", SynonymScope.NARROW)),
        lambda o: edits.remove_synonym(o, "lung", "Lunge 🫁"),
        lambda o: edits.add_mapping(o, "liver", mapping),
        lambda o: edits.remove_mapping(o, "lung", "RID9"),
    )
    for step in steps:
        made = ChangeSet((step(made),)).apply(made)
    liver, lung = made.by_id[LIVER], made.by_id[LUNG]
    assert (liver.definition, liver.mappings) == ("A gland.", (mapping,))
    assert liver.synonyms == (Synonym("hepatic", SynonymScope.RELATED, "made"),)
    assert lung.synonyms == (Synonym("pulmonal", SynonymScope.NARROW),)
    assert [m.object_id for m in lung.mappings] == ["RID1301"]
    assert made.by_id[SOLID].label_class is LabelClass.TYPE
    assert not made.by_id[MASS].deprecated


def test_relations_and_pairs_are_added_with_their_provenance() -> None:
    made = small()
    steps: tuple[Callable[[Ontology], Change], ...] = (
        lambda o: edits.add_relation(o, "nodule", RelationKind.LOCATED_IN, "lung", BY),
        lambda o: edits.add_soft(o, "nodule", SoftKind.TYPICALLY_HAS, "solid", BY),
        lambda o: edits.add_exclusive(o, "liver", "lung", BY),
        lambda o: edits.add_exception(o, "liver", "left lung", BY),
        lambda o: edits.add_group(o, "G:2", ["liver", "lung"], "made"),
        lambda o: edits.add_set(o, "new", ["nodule", LUNG]),
    )
    for step in steps:
        made = ChangeSet((step(made),)).apply(made)
    assert Relation(NODULE, RelationKind.LOCATED_IN, LUNG, *BY.values()) in made.relations
    assert SoftRelation(NODULE, SoftKind.TYPICALLY_HAS, SOLID, *BY.values()) in made.soft_relations
    assert ExclusivePair(LUNG, LIVER, *BY.values()) in made.exclusive_pairs
    assert ExclusionException(LEFT_LUNG, LIVER, *BY.values()) in made.exceptions
    assert ExclusiveGroup("G:2", (LUNG, LIVER), "made") in made.exclusive_groups
    assert made.label_set("new") == LabelSet("new", (NODULE, LUNG), "1")


def test_relations_and_pairs_are_removed_by_what_they_relate() -> None:
    made = after(edits.remove_relation(small(), "left lung", RelationKind.PART_OF, "lung"))
    assert Relation(LEFT_LUNG, RelationKind.PART_OF, LUNG, "made") not in made.relations
    assert len(made.relations) == 3
    made = after(edits.remove_relation(small(), "left lung", RelationKind.IS_A, "lung", source="RadLex"))
    assert {r.source for r in made.relations if r.kind is RelationKind.IS_A} == {"made"}
    assert after(edits.remove_exclusive(small(), "chest", "liver")).exclusive_pairs == ()
    assert len(after(edits.remove_soft(small(), "nodule", SoftKind.CONFUSABLE_WITH, "mass")).soft_relations) == 1
    with_exception = ChangeSet((edits.add_exception(small(), "liver", "chest"),)).apply(small())
    assert edits.remove_exception(with_exception, "chest", "liver").before == ExclusionException(CHEST, LIVER)


def test_groups_and_label_sets_are_edited() -> None:
    made = after(edits.change_group(small(), "G:1", ["solid", "calcified", "liver"]))
    assert made.exclusive_groups[0].members == (LIVER, SOLID, CALCIFIED)
    assert after(edits.remove_group(small(), "G:1")).exclusive_groups == ()
    made = after(edits.new_set_version(small(), "all", "2", add=["mass"], drop=["liver", CHEST]))
    assert made.label_set("all") == LabelSet("all", (LEFT_LUNG, LUNG, NODULE, SOLID, CALCIFIED, MASS), "2")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(lambda o: edits.rename(o, "nowhere", "x"), "label 'nowhere': not in ontology made", id="label"),
        pytest.param(lambda o: edits.rename(o, "lung", " "), "label name: is blank", id="blank name"),
        pytest.param(lambda o: edits.rename(o, "lung", "Liver"), "is that of T:4 already", id="taken name"),
        pytest.param(lambda o: edits.rename(o, "lung", "lung"), "is 'lung' already", id="same name"),
        pytest.param(
            lambda o: edits.add_label(o, "x", LabelClass.TYPE, LUNG), "add label: 'x' .*: is there already", id="id"
        ),
        pytest.param(lambda o: edits.define(o, "liver", ""), "definition is '' already", id="same definition"),
        pytest.param(lambda o: edits.revive(o, "lung"), "is not deprecated", id="in use"),
        pytest.param(lambda o: edits.add_synonym(o, "lung", " Lung"), "is blank, or its name", id="its name"),
        pytest.param(lambda o: edits.add_synonym(o, "lung", "Pulmonary"), "is there already", id="synonym"),
        pytest.param(lambda o: edits.remove_synonym(o, "lung", "x"), "has no synonym 'x'", id="no synonym"),
        pytest.param(lambda o: edits.remove_mapping(o, "lung", "RID1"), "is not mapped to RID1", id="no mapping"),
        pytest.param(
            lambda o: edits.add_relation(o, "lung", RelationKind.LOCATED_IN, "chest", Provenance("made")),
            "add relation: 'lung' located in 'chest' \\(source made\\): is there already",
            id="relation",
        ),
        pytest.param(
            lambda o: edits.remove_relation(o, "lung", RelationKind.IS_A, "chest"), "no such relation", id="no relation"
        ),
        pytest.param(lambda o: edits.remove_exclusive(o, "lung", "chest"), "no such relation", id="no pair"),
        pytest.param(lambda o: edits.add_group(o, "G:2", ["lung"]), "fewer than two labels", id="small group"),
        pytest.param(lambda o: edits.remove_group(o, "G:9"), "there is none; the ontology has: G:1", id="no group"),
        pytest.param(lambda o: edits.add_set(o, "few", []), "is there already", id="label set"),
        pytest.param(
            lambda o: edits.new_set_version(o, "few", "2", ["liver"]), "its version is the same", id="version"
        ),
        pytest.param(lambda o: edits.new_set_version(o, "few", "3", ["lung"]), "'lung' is in it already", id="column"),
        pytest.param(
            lambda o: edits.new_set_version(o, "few", "3", [], ["liver"]), "'liver' .* not in it", id="no column"
        ),
        pytest.param(lambda o: edits.new_set_version(o, "few", "3", ["liver", LIVER]), "'liver' .* twice", id="twice"),
        pytest.param(lambda o: edits.add_set(o, "new", ["liver", LIVER]), "names 'liver' twice", id="two columns"),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(edit: Callable[[Ontology], Change], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        edit(small())


def test_two_sources_of_one_relation_must_be_told_apart() -> None:
    again = edits.add_exclusive(small(), "liver", "chest", Provenance("RadLex"))
    made = ChangeSet((again,)).apply(small())
    with pytest.raises(UsageError, match="several sources say so \\('RadLex', 'made'\\)"):
        edits.remove_exclusive(made, "liver", "chest")
    assert edits.remove_exclusive(made, "liver", "chest", source="RadLex") == again.inverse()


def test_edits_of_the_shipped_ontology_are_described_with_its_names() -> None:
    ontology = load_shipped()
    change = edits.add_exception(ontology, "abdomen", "pelvis", BY)
    names = {label.id: label.name for label in ontology.labels}
    assert describe(change, names) == "add exception to exclusion: 'pelvis' may meet 'abdomen' (source RadLex 4.2)"
