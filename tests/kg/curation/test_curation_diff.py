"""Diffs of two ontologies: asserted and inferred parts apart, and nothing where nothing differs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import made_ontology
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.curation.change_set import Change, ChangeSet, change_from_dict
from kg.curation.diff import PairsDiff, diff
from kg.curation.diff_text import diff_markdown, diff_text
from kg.curation.facts import key_of
from kg.errors import OntologyError
from kg.graph_ontology import load_ontology, save_ontology
from kg.ontology import (
    ExclusionException,
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    Ontology,
    Relation,
    RelationKind,
    Synonym,
)
from kg.owl import load_owl, write_owl
from kg.shipped import load_shipped, shipped_names
from kg.store import GraphStore

MADE = made_ontology.small()
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("name", shipped_names())
@pytest.mark.parametrize(("profile", "suffix"), [("training", ".owl"), ("strict", ".ttl")])
def test_a_re_export_differs_in_nothing(name: str, profile: str, suffix: str, tmp_path: Path) -> None:
    ours = load_shipped(name)
    write_owl(ours, tmp_path / f"x{suffix}", profile)
    found = diff(ours, load_owl(tmp_path / f"x{suffix}"))
    assert not found
    assert found.as_dict()["equal"]
    assert diff_text(found).endswith("nothing differs")


def test_the_graph_and_the_file_it_came_from_differ_in_nothing(embedded_store: GraphStore) -> None:
    save_ontology(embedded_store, load_shipped())
    assert not diff(load_shipped(), load_ontology(embedded_store))


def test_the_repair_of_the_released_ontology_is_what_its_notices_say() -> None:
    released, repaired = load_shipped("lesanet-released"), load_shipped("lesanet-repaired")
    found = diff(released, repaired)
    assert found.counts["relation"] == {"remove": 5}
    assert found.counts["synonym"] == {"edit": 1}
    assert found.ancestors.gained == ()
    below = {released.by_id[low].name for low, _ in found.ancestors.lost}
    assert below == {"rectum", "sigmoid colon", "esophagus lymph node", "gastrohepatic ligament"}
    possible = {released.by_id[a].name for a, b in found.exclusive.lost if a == b}
    assert possible == {*below, "pretracheal lymph node"}
    assert found.exclusive.gained == ()


def test_one_new_relation_is_one_change_with_all_that_follows() -> None:
    ours = load_shipped()
    child, parent = ours.label("hemangioma").id, ours.label("liver").id
    edited = replace(ours, relations=(*ours.relations, Relation(child, RelationKind.LOCATED_IN, parent, "test")))
    found = diff(ours, edited)
    assert found.changes == (Change(None, Relation(child, RelationKind.LOCATED_IN, parent, "test")),)
    assert (child, parent) in found.ancestors.gained
    assert (child, ours.label("abdomen").id) in found.ancestors.gained
    assert found.exclusive.gained
    (label,) = found.by_label
    assert label.label == child
    assert {low for low, _ in label.exclusive.gained} == {child}
    text = diff_text(found)
    assert f"hemangioma ({child})" in text
    assert f"add relation: 'hemangioma' located in 'liver ({parent})'" in text
    assert "ancestors gained: " in text


def test_a_new_synonym_changes_nothing_that_is_inferred() -> None:
    lung = MADE.labels[1]
    edited = replace(MADE, labels=(*(k for k in MADE.labels if k != lung),
                                   replace(lung, synonyms=(*lung.synonyms, Synonym("pulmo")))))  # fmt: skip
    found = diff(MADE, edited)
    assert found.counts == {"synonym": {"add": 1}}
    assert not found.ancestors
    assert not found.exclusive


def test_an_exception_takes_out_what_it_says_and_no_more() -> None:
    edited = replace(MADE, exceptions=(ExclusionException("T:2", "T:4"),))
    found = diff(MADE, edited)
    assert found.counts == {"exception": {"add": 1}}
    assert found.exclusive == PairsDiff(lost=(("T:1", "T:4"), ("T:2", "T:4")))
    (first,) = (label for label in found.by_label if label.exclusive)
    assert first.label == "T:4", "the label that has more of the pairs"


def test_every_part_of_an_ontology_is_compared() -> None:
    edited = replace(
        MADE,
        version="4",
        labels=(
            *(k for k in MADE.labels if k.id not in ("T:2", "T:8")),
            replace(MADE.by_id["T:2"], name="lungs", definition="Two.", deprecated=True, synonyms=(), mappings=()),
            Label("T:9", "fat", LabelClass.ATTRIBUTE),
        ),
        relations=MADE.relations[1:],
        exclusive_pairs=(ExclusivePair("T:1", "T:4", "made", evidence="another book"),),
        exclusive_groups=(),
        soft_relations=(),
        exceptions=(ExclusionException("T:3", "T:4"),),
        label_sets=(LabelSet("all", ("T:1",), "2"),),
        foreign=('<http://x/a> <http://x/b> "c" .',),
    )
    found = diff(MADE, edited)
    assert set(found.counts) == {
        "label", "label-text", "label-status", "synonym", "mapping", "relation", "exclusive-pair", "exclusive-group",
        "exception", "soft-relation", "label-set", "foreign", "header",
    }  # fmt: skip
    assert found.by_label[-1].label == ""
    assert "the ontology\n" in diff_text(found)
    assert "lungs (T:2)" in diff_text(found)


def test_a_foreign_statement_is_shown_in_short_at_the_label_it_is_about() -> None:
    comment = '<https://w3id.org/lesionkg/label/T_2> <http://www.w3.org/2000/01/rdf-schema#comment> "why?" .'
    found = diff(MADE, replace(MADE, foreign=(comment,)))
    assert [label.label for label in found.by_label] == ["T:2"]
    assert 'add foreign statement: label:T_2 rdfs:comment "why?" .' in diff_text(found)
    gone = comment.replace("T_2", "T_99")
    assert "\nT:99\n" in diff_text(diff(MADE, replace(MADE, foreign=(gone,))))


def test_the_order_of_notices_is_no_difference() -> None:
    assert not diff(MADE, replace(MADE, notices=MADE.notices[::-1]))
    assert diff(MADE, replace(MADE, notices=MADE.notices[:1])).counts == {"header": {"edit": 1}}


def test_synonyms_that_differ_only_in_source_are_told_apart() -> None:
    def with_synonyms(*sources: str) -> Ontology:
        return Ontology("x", (Label("T:1", "a", LabelClass.TYPE, tuple(Synonym("s", source=s) for s in sources)),))

    assert diff(with_synonyms("a", "b"), with_synonyms("b", "a")).counts == {}
    assert diff(with_synonyms("a", "b"), with_synonyms("a", "c")).counts == {"synonym": {"edit": 1}}
    assert diff(with_synonyms("a", "b"), with_synonyms("a")).counts == {"synonym": {"remove": 1}}


def test_a_reference_to_nowhere_is_named() -> None:
    odd = replace(MADE, relations=(Relation("T:1", RelationKind.IS_A, "T:99"),))
    with pytest.raises(OntologyError, match="T:99"):
        diff(MADE, odd)


def test_json_holds_every_change_and_every_name() -> None:
    found = diff(MADE, replace(MADE, relations=MADE.relations[:1], exclusive_pairs=()))
    plain = json.loads(json.dumps(found.as_dict()))
    assert [change_from_dict(one) for one in plain["asserted"]] == list(found.changes)
    named = {i for pairs in plain["inferred"].values() for way in pairs.values() for pair in way for i in pair}
    assert named <= plain["names"].keys()
    assert plain["names"]["T:2"] == "lung"


def test_markdown_takes_no_name_for_markup() -> None:
    edited = replace(MADE, labels=(*MADE.labels, Label("T:9", "*a* <b> [c](d) | `e`", LabelClass.TYPE)))
    text = diff_markdown(diff(MADE, edited))
    assert r"\*a\* \<b\> \[c\](d) \| \`e\`" in text
    assert text.startswith("# made 3")


def test_a_long_list_is_cut_in_text_and_whole_in_json() -> None:
    found = diff(made_ontology.generation(3), made_ontology.generation(4))
    assert " more" in diff_text(found)
    assert len(found.as_dict()["inferred"]["ancestors"]["gained"]) == len(found.ancestors.gained)


IDS = [label.id for label in MADE.labels]


@st.composite
def edits(draw: st.DrawFn) -> Ontology:
    """The made ontology with any of its parts left out or added."""

    def some(values: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(value for value in values if draw(st.booleans()))

    label_ids = st.sampled_from(IDS)
    relations = st.builds(Relation, label_ids, st.sampled_from(RelationKind), label_ids, st.sampled_from(["made", "x"]))
    related = (*some(MADE.relations), *draw(st.lists(relations, max_size=3)))
    return replace(
        MADE,
        labels=tuple(replace(k, synonyms=some(k.synonyms), mappings=some(k.mappings)) for k in MADE.labels),
        relations=tuple({key_of(one): one for one in related}.values()),  # a key stands for one relation
        exclusive_pairs=some(MADE.exclusive_pairs),
        exclusive_groups=some(MADE.exclusive_groups),
        exceptions=tuple(draw(st.lists(st.builds(ExclusionException, label_ids, label_ids), max_size=2))),
        soft_relations=some(MADE.soft_relations),
        version=draw(st.sampled_from(["3", "4"])),
    )


@quick
@given(before=edits(), after=edits())
def test_the_changes_of_a_diff_turn_the_one_into_the_other(before: Ontology, after: Ontology) -> None:
    found = diff(before, after)
    assert ChangeSet(found.changes).apply(before) == after
    assert bool(found) == (before != after)
    back = diff(after, before)
    assert {change.inverse() for change in back.changes} == set(found.changes)
    assert back.ancestors == PairsDiff(found.ancestors.lost, found.ancestors.gained)
    assert back.exclusive == PairsDiff(found.exclusive.lost, found.exclusive.gained)
    shown = [change for label in found.by_label for change in label.changes]
    assert sorted(map(repr, shown)) == sorted(map(repr, found.changes))
    for turned, all_ in ((label.exclusive for label in found.by_label), found.exclusive), (
        (label.ancestors for label in found.by_label), found.ancestors
    ):  # fmt: skip
        pairs = [tuple(sorted(pair)) for pairs in turned for pair in (*pairs.gained, *pairs.lost)]
        assert sorted(pairs) == sorted(tuple(sorted(pair)) for pair in (*all_.gained, *all_.lost))
