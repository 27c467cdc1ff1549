"""The lexicon of an ontology: every name, synonym and derived form leads to its label."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ingest.mining.lexicon import Lexicon, shipped_phrases
from ingest.mining.matcher import Matcher
from ingest.mining.mention import Mention
from ingest.mining.rule_file import parse_rules
from ingest.mining.sentences import mined_line
from ingest.mining.term import Term
from ingest.mining.word_data import shipped_words
from kg.errors import InputError, UsageError
from kg.ontology import Label, LabelClass, Ontology, Relation, RelationKind, SynonymScope
from kg.shipped import load_shipped

ONTOLOGY = load_shipped()
MATCHER = Matcher(Lexicon.of_ontology(ONTOLOGY))
SIDED = [
    (label.name, side, label.name.removeprefix(f"{side} "))
    for label in ONTOLOGY.labels
    for side in ("left", "right")
    if label.name.startswith(f"{side} ") and label.name.removeprefix(f"{side} ") in ONTOLOGY.by_name
]
NODES = [
    (label.name, label.name.removesuffix(" lymph node"))
    for label in ONTOLOGY.labels
    if label.name.endswith(" lymph node") and not label.name.startswith(("left ", "right "))
]


def mentions(text: str, matcher: Matcher = MATCHER) -> list[Mention]:
    return list(mined_line(text, matcher).mentions)


def names(text: str, matcher: Matcher = MATCHER) -> set[str]:
    return {matcher.lexicon.names[mention.label] for mention in mentions(text, matcher)}


def test_the_whole_ontology_and_all_its_labels_are_in_it() -> None:
    assert len(SIDED) >= 14
    assert len(NODES) >= 20
    assert {term.label for term in MATCHER.lexicon.terms if not term.label.startswith("~")} == set(ONTOLOGY.by_id)


def test_every_name_and_exact_synonym_is_a_mention_of_its_label_as_a_whole() -> None:
    ours = {text for rule in shipped_phrases().phrases for text in rule.any}
    for label in ONTOLOGY.labels:
        exact = [synonym.text for synonym in label.synonyms if synonym.scope is SynonymScope.EXACT]
        for text in (label.name, *exact):
            whole = [m for m in mentions(text) if (m.start, m.end) == (0, len(text))]
            assert text in ours or label.id in {m.label for m in whole}, text


def test_every_broad_narrow_and_related_synonym_says_so() -> None:
    ours = {text for rule in shipped_phrases().phrases for text in rule.any}
    for label in ONTOLOGY.labels:
        for synonym in label.synonyms:
            found = [m for m in mentions(synonym.text) if m.label == label.id and m.rule == "synonym"]
            if found and synonym.text not in ours:
                assert synonym.scope in {m.scope for m in found if m.end == len(synonym.text)}, synonym.text


def test_a_weaker_synonym_gives_way_to_the_label_of_that_name() -> None:
    assert "common iliac lymph node" not in names("iliac lymph node")
    assert "iliac lymph node" in names("iliac lymph node")


@pytest.mark.parametrize(("label", "side", "base"), SIDED)
def test_a_side_is_found_across_a_gap_for_every_label_with_sides(label: str, side: str, base: str) -> None:
    synonyms = [s.text for s in ONTOLOGY.label(base).synonyms if s.scope is SynonymScope.EXACT]
    for word in (base, *synonyms):
        for text in (f"{side} {word}", f"{side} lateral {word}", f"{side} posterior medial {word} lesion"):
            assert label in names(text), text
        assert label not in names(f"{word}"), word
        assert label not in names(f"{side} foot and {word}"), word


@pytest.mark.parametrize(("label", "region"), NODES)
def test_a_region_and_a_node_word_make_the_label_of_that_regions_nodes(label: str, region: str) -> None:
    known = ONTOLOGY.by_name.get(region)
    synonyms = [s.text for s in known.synonyms if s.scope is SynonymScope.EXACT] if known else []
    for word in (region, *synonyms):
        for text in (
            f"{word} lymph node",
            f"{word} nodes",
            f"{word} adenopathy",
            f"{word} lymphadenopathy",
            f"{word} enlarged lymph nodes",
            f"{word} and preaortic lymph nodes",
        ):
            assert label in names(text), text
        assert "lymphadenopathy" in names(f"{word} adenopathy")
    if known:
        assert label in names(f"lymph node in the {region}")
        assert label not in names(f"lymph node adjacent to the {region}")


def test_every_adjective_of_a_body_part_is_worth_its_noun() -> None:
    for noun, adjectives in shipped_words().adjectives.items():
        if noun in ONTOLOGY.by_name:
            for adjective in adjectives:
                assert noun in names(f"{adjective} lesion"), adjective


def test_every_part_of_an_organ_is_found_in_either_word_order() -> None:
    for text, label in {
        "head of the pancreas": "pancreatic head",
        "tail of pancreas": "pancreatic tail",
        "wall of the abdomen": "abdominal wall",
        "anterior wall of the abdomen": "anterior abdominal wall",
        "apex of the lung": "lung apex",
        "base of the lungs": "lung base",
        "right lobe of the thyroid": "right thyroid lobe",
        "upper lobe of the left lung": "left upper lung",
        "lymph nodes of the mesentery": "mesentery lymph node",
        "cyst of the kidney": "kidney cyst",
        "mass of the liver": "liver mass",
    }.items():
        assert label in names(text), text


@pytest.mark.parametrize(
    "texts",
    [
        ("paraaortic", "para-aortic", "para aortic", "Para-Aortic"),
        ("noncalcified", "non-calcified", "non calcified"),
        ("ground-glass opacity", "ground glass opacity", "ground-glass opacities"),
        ("esophagus", "oesophagus"),
        ("hemorrhage", "haemorrhage", "haemorrhagic"),
        ("juxtapleural", "juxta-pleural", "juxta pleural"),
        ("subcarinal lymph node", "sub-carinal node", "subcarinal nodes"),
        ("well-circumscribed", "well circumscribed"),
    ],
)
def test_spellings_are_alike(texts: tuple[str, ...]) -> None:
    found = [names(text) for text in texts]
    assert found[0]
    assert all(other == found[0] for other in found)


def test_a_prefix_places_a_lesion_by_an_organ_and_is_a_weaker_match() -> None:
    (mention,) = mentions("juxtapleural nodule")[:1]
    assert MATCHER.lexicon.names[mention.label] == "pleura"
    assert (mention.rule, mention.scope) == ("prefix", SynonymScope.BROAD)


def test_a_prefixed_word_that_the_ontology_has_keeps_its_own_meaning() -> None:
    assert "pancreas" not in names("peripancreatic stranding")
    assert "peripancreatic lymph node" in names("peripancreatic node")
    assert names("paratracheal mass") == {"mass"}


def test_senses_depend_on_the_sentence() -> None:
    assert "neck" in names("left neck node")
    assert "neck" not in names("neck of the pancreas")
    assert "extremity" not in names("lateral limb of the right adrenal")
    assert names("cervical lymph node") == {"neck", "lymph node"}
    assert names("cervical cancer") == {"cervix", "cancer"}
    assert "neck" not in names("cervical mass beside the uterus")
    assert "cavitary" not in names("fluid in the peritoneal cavity")
    assert "cavitary" in names("thick-walled cavity in the chest")


# user rules


def test_a_users_phrase_is_found_with_its_rule_and_scope() -> None:
    rules = parse_rules("phrases: [{id: h-1, label: liver, any: [segment viii, Segment 8], scope: narrow}]", "own.yaml")
    matcher = Matcher(Lexicon.of_ontology(ONTOLOGY, rules))
    (mention,) = mentions("lesion in segments VIII", matcher)
    assert (mention.rule, mention.term, mention.scope) == ("h-1", "segment viii", SynonymScope.NARROW)
    assert names("segment 8 cyst", matcher) == {"liver", "cyst"}


def test_a_users_phrase_replaces_what_the_ontology_says_of_it() -> None:
    rules = parse_rules("phrases: [{id: h-2, label: nodule, any: [mass], unless: [large]}]", "own.yaml")
    matcher = Matcher(Lexicon.of_ontology(ONTOLOGY, rules))
    assert names("small mass", matcher) == {"nodule"}
    assert "nodule" not in names("large mass", matcher)


def test_unless_holds_for_inflected_words_and_for_phrases() -> None:
    rules = parse_rules("phrases: [{id: h-4, label: liver, any: [spot], unless: [nodes, Small Bowel]}]", "own.yaml")
    matcher = Matcher(Lexicon.of_ontology(ONTOLOGY, rules))
    assert "liver" in names("spot, bowel, small", matcher)
    for text in ("spot near a node", "spots and nodes", "spot of the small bowel"):
        assert "liver" not in names(text, matcher), text


def test_a_lexicon_without_an_ontology_keeps_to_unless_too() -> None:
    matcher = Matcher(Lexicon((Term("spot", "X:1", "r", unless=("oil",)),), {"X:1": "spot"}))
    assert names("two spots", matcher) == {"spot"}
    assert not mentions("oil spot", matcher)


def test_a_name_without_words_is_passed_over() -> None:
    labels = (Label("T:1", "  ", LabelClass.TYPE), Label("T:2", "gill", LabelClass.BODYPART))
    assert names("gill", Matcher(Lexicon.of_ontology(Ontology("fish", labels)))) == {"gill"}


def test_a_users_rule_for_a_label_that_does_not_exist_is_an_error_that_names_the_rule() -> None:
    rules = parse_rules("phrases: [{id: h-3, label: lver, any: [segment 8]}]", "own.yaml")
    with pytest.raises(InputError, match=r"rule h-3: label 'lver' is not in ontology lesanet-repaired"):
        Lexicon.of_ontology(ONTOLOGY, rules)


# label sets, other ontologies, RadLex


def test_a_label_set_limits_the_mentions_and_nothing_else() -> None:
    matcher = Matcher(Lexicon.of_ontology(ONTOLOGY, label_set="lesanet-171"))
    members = set(ONTOLOGY.label_set("lesanet-171").members)
    text = "renal pelvis mass and rectal nodule"
    assert names(text) - names(text, matcher) == {"renal pelvis", "rectum"}
    assert "pelvis" not in names(text, matcher)
    assert {mention.label for mention in mentions(text, matcher)} <= members
    with pytest.raises(UsageError, match="label set 'nope'"):
        Lexicon.of_ontology(ONTOLOGY, label_set="nope")


def test_composition_follows_whatever_ontology_is_given() -> None:
    labels = (
        Label("T:1", "gill", LabelClass.BODYPART),
        Label("T:2", "polyp", LabelClass.TYPE),
        Label("T:3", "gill polyp", LabelClass.TYPE),
        Label("T:4", "left gill", LabelClass.BODYPART),
    )
    relations = (
        Relation("T:3", RelationKind.IS_A, "T:2"),
        Relation("T:3", RelationKind.LOCATED_IN, "T:1"),
        Relation("T:4", RelationKind.PART_OF, "T:1"),
    )
    matcher = Matcher(Lexicon.of_ontology(Ontology("fish", labels, relations)))
    assert names("large polyp of the gill", matcher) == {"gill polyp", "polyp", "gill"}
    assert names("polyps in the left lateral gill", matcher) == {"gill polyp", "polyp", "gill", "left gill"}


def test_the_id_changes_with_the_content_and_with_nothing_else() -> None:
    same = Lexicon.of_ontology(load_shipped())
    rules = parse_rules("phrases: [{id: h-1, label: liver, any: [segment 8]}]", "own.yaml")
    ids = {
        MATCHER.lexicon.id,
        same.id,
        Lexicon.of_ontology(ONTOLOGY, rules).id,
        Lexicon.of_ontology(ONTOLOGY, label_set="lesanet-171").id,
        Lexicon.of_ontology(load_shipped("lesanet-released")).id,
    }
    assert same.id == MATCHER.lexicon.id
    assert len(ids) == 4


def test_radlex_finds_terms_that_the_ontology_lacks(shared_data: Path) -> None:
    table = shared_data / "radlex" / "radlex_merged.csv"
    matcher = Matcher(Lexicon.of_radlex(table))
    assert len(matcher.lexicon.names) > 46_000
    text = "Emphysema and a small pneumothorax"
    assert {"emphysema", "pneumothorax"} <= {name.lower() for name in names(text, matcher)}
    assert not names(text)
    with table.open(encoding="utf-8", newline="") as stream:
        rids = {row["rid"] for row in csv.DictReader(stream)}
    assert {mention.label for mention in mentions(text, matcher)} <= rids
