"""What the rules say about a change set before it is saved."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from made_ontology import CALCIFIED, CHEST, LEFT_LUNG, LIVER, LUNG, NODULE, SOLID, small

from kg.curation.assessment import assess, require_sound
from kg.curation.change_set import Change, ChangeSet, change_set_from_dict
from kg.curation.facts import Fact, LabelSynonym
from kg.errors import ChangeRefusedError, ConflictError
from kg.findings import errors_in
from kg.ontology import (
    ExclusionException,
    ExclusivePair,
    Ontology,
    Relation,
    RelationKind,
    Synonym,
)
from kg.rules import check
from kg.shipped import load_shipped


def adding(*facts: Fact, **more: object) -> ChangeSet:
    return ChangeSet(tuple(Change(None, fact) for fact in facts), "me", **more)  # type: ignore[arg-type]


def message(ontology: Ontology, change_set: ChangeSet) -> str:
    with pytest.raises(ChangeRefusedError) as caught:
        require_sound(assess(ontology, change_set), change_set)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_real_contradiction_of_the_paper_is_refused_with_its_way_out() -> None:
    """Pretracheal lymph node was released as a child of, and exclusive with, superior mediastinum lymph node."""
    repaired = load_shipped()
    pair = ExclusivePair(
        repaired.by_name["pretracheal lymph node"].id, repaired.by_name["superior mediastinum lymph node"].id, "me"
    )
    said = message(repaired, adding(pair))
    assert "'pretracheal lymph node' is exclusive with its own ancestor 'superior mediastinum lymph node'" in said
    assert "EXCLUSIVE_WITH" in said.rpartition("; drop ")[2], "what was added goes first"
    assert "(or 1 other way); " in said
    assert said.endswith("nothing was saved")


def test_errors_block_with_their_chain_and_the_fewest_relations_to_drop() -> None:
    change_set = adding(Relation(LEFT_LUNG, RelationKind.PART_OF, LIVER, "me"))
    assessment = assess(small(), change_set)
    (finding,) = assessment.errors
    assert set(finding.chain) >= {"left lung PART_OF liver", "lung LOCATED_IN chest"}
    options = assessment.remedy.options
    assert options[0].changes == (Change(Relation(LEFT_LUNG, RelationKind.PART_OF, LIVER, "me"), None),)
    assert {option.text for option in options} == {
        "left lung PART_OF liver",
        "lung LOCATED_IN chest",
        "chest EXCLUSIVE_WITH liver",
    }
    assert message(small(), change_set) == (
        "change set: 'left lung' has the mutually exclusive ancestors 'chest' and 'liver', so no lesion can have it; "
        "drop left lung PART_OF liver (or 2 other ways); nothing was saved"
    )
    for option in options:
        assert not errors_in(check(ChangeSet(option.changes).apply(assessment.after)))


def test_several_errors_are_counted_and_resolved_together() -> None:
    change_set = adding(
        Relation(CHEST, RelationKind.PART_OF, LEFT_LUNG, "me"), LabelSynonym(NODULE, Synonym("Pulmonary"))
    )
    said = message(small(), change_set)
    assert "(and 1 more); drop chest PART_OF left lung and synonym 'Pulmonary' of nodule" in said


def test_an_error_that_dropping_does_not_cure_keeps_its_own_advice() -> None:
    lung = small().by_id[LUNG]
    change_set = ChangeSet((Change(None, replace(lung, id="T:99", synonyms=(), mappings=())),), "me")
    assert message(small(), change_set) == (
        "change set: 2 labels are called 'lung'; rename or merge them; nothing was saved"
    )
    assert assess(small(), change_set).remedy.incurable


def test_errors_that_were_there_before_do_not_block() -> None:
    released = load_shipped("lesanet-released")
    change_set = adding(LabelSynonym(released.by_name["lung"].id, Synonym("pulmo")))
    assert errors_in(check(released))
    require_sound(assess(released, change_set), change_set)


def test_what_is_mended_is_told() -> None:
    released = load_shipped("lesanet-released")
    pair = next(
        p
        for p in released.exclusive_pairs
        if {released.by_id[p.a].name, released.by_id[p.b].name} == {"abdomen", "pelvis"}
    )
    assessment = assess(released, ChangeSet((Change(pair, None),)))
    assert {finding.labels[0] for finding in assessment.mended} == {"rectum", "sigmoid colon"}
    assert assessment.new == ()


def test_a_warning_needs_a_reason_that_is_kept() -> None:
    change_set = adding(ExclusionException(NODULE, SOLID, "me"))
    assert "warning needless-exception" in message(small(), change_set)
    for empty in ({"needless-exception": " "}, {"other-rule": "because"}):
        assert "give a reason" in message(small(), replace(change_set, overrides=empty))
    answered = replace(change_set, overrides={"needless-exception": "it will be needed"})
    assessment = assess(small(), answered)
    require_sound(assessment, answered)
    assert assessment.unanswered(answered) == ()
    assert change_set_from_dict(answered.as_dict()).overrides == {"needless-exception": "it will be needed"}


def test_no_reason_overrides_an_error() -> None:
    change_set = adding(ExclusivePair(LUNG, LUNG, "me"), overrides={"self-exclusive": "I want it"})
    assert "drop lung EXCLUSIVE_WITH lung; nothing was saved" in message(small(), change_set)


def test_details_are_plain_values() -> None:
    change_set = adding(ExclusivePair(SOLID, SOLID, "me"), ExclusionException(CALCIFIED, NODULE))
    plain = json.loads(json.dumps(assess(small(), change_set).as_dict()))
    assert [finding["rule"] for finding in plain["errors"]] == ["self-exclusive"]
    assert [finding["rule"] for finding in plain["warnings"]] == ["needless-exception"]
    (option,) = plain["remedy"]["options"]
    assert option["drop"] == ["solid EXCLUSIVE_WITH solid"]
    assert change_set_from_dict({"changes": option["changes"]}).changes[0].inverse() == change_set.changes[0]


def test_a_change_made_on_another_ontology_is_no_assessment() -> None:
    with pytest.raises(ConflictError, match="not there any more"):
        assess(small(), ChangeSet((Change(ExclusivePair(LUNG, NODULE), None),)))
