"""Composition: coordination, heads and their modifiers, sides, and what stands inside what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.mining.lexicon import Lexicon
from ingest.mining.matcher import Matcher
from ingest.mining.sentences import mined_line
from kg.curation.change_set import ChangeSet
from kg.curation.composites import deprecate
from kg.ontology import ExclusionException
from kg.shipped import load_shipped

MATCHER = Matcher(Lexicon.of_ontology(load_shipped()))


def names(text: str) -> set[str]:
    return {MATCHER.lexicon.names[mention.label] for mention in mined_line(text, MATCHER).mentions}


COORDINATED = [
    ("right upper and lower lobes", {"right upper lobe", "right lower lobe"}),
    ("right upper, middle, and lower lobes", {"right upper lobe", "right mid lung", "right lower lobe"}),
    ("right upper/lower lobe", {"right upper lobe", "right lower lobe"}),
    ("right lower and left upper lobes", {"right lower lobe", "left upper lung"}),
    ("left and right adrenal masses", {"left adrenal gland", "right adrenal gland"}),
    ("pancreatic head and neck", {"pancreatic head", "pancreatic neck"}),
    ("thoracic and lumbar spine", {"thoracic spine", "lumbar"}),
    ("external and internal iliac nodes", {"external iliac lymph node", "internal iliac lymph node"}),
    ("axillary, mediastinal, and inguinal nodes", {"axilla lymph node", "mediastinum lymph node", "groin lymph node"}),
]


@pytest.mark.parametrize(("text", "expected"), COORDINATED)
def test_lists_share_words(text: str, expected: set[str]) -> None:
    assert expected <= names(text)


def test_a_list_shares_no_side_with_what_has_a_name_without_it() -> None:
    assert "left kidney" not in names("left adrenal and kidney")
    assert "left lung" not in names("left adrenal gland and lung")


HEADS = [
    # before the head, in its chunk
    ("hepatic heterogeneous low attenuation mass", "liver mass"),
    ("pericaval left node", "paracaval lymph node"),
    ("left lateral renal simple cyst", "kidney cyst"),
    ("lobulated right hepatic mass", "lobular mass"),
    # coordinated with it
    ("mediastinal and hilar lymphadenopathy", "mediastinum lymph node"),
    ("mediastinal and hilar lymphadenopathy", "hilum lymph node"),
    ("lung (pulmonary) nodule", "lung nodule"),
    # behind it
    ("mass left lobe liver", "liver mass"),
    ("mass in the medial segment of the left lobe of the liver", "liver mass"),
    ("tiny nodule, left lower lobe, lung, thorax", "lung nodule"),
    ("mass with calcified parts, posterior segment, liver", "liver mass"),
    ("opacity or nodule, right lung", "lung nodule"),
    ("lymphadenopathy in the porta hepatis and retroperitoneum", "retroperitoneum lymph node"),
    ("enlarged left axillary lymph node", "lymphadenopathy"),
    # in a chunk before it
    ("left renal low density; cyst", "kidney cyst"),
    ("upper pole renal lesion, likely a cyst", "kidney cyst"),
]


@pytest.mark.parametrize(("text", "label"), HEADS)
def test_a_head_takes_its_modifier(text: str, label: str) -> None:
    assert label in names(text)


NOT_TAKEN = [
    ("hemangioma of the kidney", "renal vein"),
    ("mass in the liver and kidney cyst", "ovarian cyst"),
    ("cyst in the spleen, kidneys are normal", "kidney cyst"),
    ("splenic cyst, kidney normal", "kidney cyst"),
    ("mass adjacent to the liver", "liver mass"),
    ("nodule abutting the left lung", "lung nodule"),
    ("renal cyst and liver mass", "lung mass"),
    ("mass in the abdominal wall invading the liver", "liver mass"),
    ("lymph node. The mediastinum is normal", "mediastinum lymph node"),
    ("middle lobe nodule", "lung nodule"),
]


@pytest.mark.parametrize(("text", "label"), NOT_TAKEN)
def test_a_head_takes_nothing_that_is_not_its_own(text: str, label: str) -> None:
    assert label not in names(text)


SIDES = [
    ("left posterior renal cyst", "left kidney"),
    ("right upper pole renal mass", "right kidney"),
    ("left posterior medial renal lesion", "left kidney"),
    ("right apical upper lobe nodule", "right upper lobe"),
    ("kidney, left, cyst", "left kidney"),
    ("nodule of the adrenal gland (right)", "right adrenal gland"),
    ("right enlarged hilar nodes", "right hilum lymph node"),
]


@pytest.mark.parametrize(("text", "label"), SIDES)
def test_a_side_is_found_across_a_gap(text: str, label: str) -> None:
    assert label in names(text)


def test_a_side_is_not_taken_over_another_organ_or_another_side() -> None:
    assert "left kidney" not in names("left adrenal mass and renal cyst")
    assert "left kidney" not in names("left hepatic lobe renal cyst")
    assert "right kidney" not in names("right and left sided left renal cyst")


def test_a_composed_mention_names_its_rule_and_its_parts() -> None:
    text = "Mass of the medial segment in the left hepatic lobe"
    (mention,) = [m for m in mined_line(text, MATCHER).mentions if m.rule == "composition"]
    assert mention.term == "liver mass"
    assert [text[a:b] for a, b in mention.parts] == ["Mass", "hepatic lobe"]
    assert (mention.start, mention.nested) == (0, False)


def test_labels_inside_a_longer_phrase_are_marked() -> None:
    nested = {MATCHER.lexicon.names[m.label]: m.nested for m in mined_line("right hilar adenopathy", MATCHER).mentions}
    assert nested == {"right hilum lymph node": False, "hilum lymph node": True, "hilum": True, "lymphadenopathy": True}
    assert names("lymph node enlargement") == {"lymphadenopathy", "lymph node", "enlargement"}


def test_what_combines_follows_replacements_and_exceptions() -> None:
    ontology = load_shipped()
    old, new, abdomen, pelvis = (ontology.label(name).id for name in ("cyst", "nodule", "abdomen", "pelvis"))
    assert (abdomen, pelvis) in MATCHER.lexicon.composites.excluded
    changed = replace(
        ChangeSet((deprecate(ontology, "cyst", "nodule"),)).apply(ontology),
        exceptions=(ExclusionException(abdomen, pelvis),),
    )
    composites = Lexicon.of_ontology(changed).composites
    assert new in composites.ancestors[old]
    assert new in composites.ancestors[ontology.label("kidney cyst").id]
    assert not {(abdomen, pelvis), (pelvis, abdomen)} & composites.excluded
