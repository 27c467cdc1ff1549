"""What a release tells of its history, and what its report says of sides and of deprecated labels."""

from __future__ import annotations

from dataclasses import replace

import made_ontology

from kg.exchange.change_log import change_log, entries_of_change_sets
from kg.exchange.report import Level, report
from kg.ontology import ExclusivePair, Label, LabelClass, Ontology, SoftKind, SoftRelation
from kg.shipped import CURATED, curated_history, load_shipped


def found(ontology: Ontology, rule: str) -> list[tuple[Level, str, str]]:
    """Level, name and value of the lines of a rule."""
    return [(line.level, line.name, line.value) for line in report(ontology) if line.rule == rule]


def sides(*names: str, related: bool = False) -> Ontology:
    """Synthetic: labels of these names, the first two partners or not."""
    labels = tuple(Label(f"T:{i}", name, LabelClass.BODYPART) for i, name in enumerate(names))
    soft = (SoftRelation("T:1", SoftKind.CONTRALATERAL_OF, "T:0", "made"),) if related else ()
    return Ontology("sides", labels, soft_relations=soft)


def test_the_change_log_of_the_curated_ontology_has_every_impact_and_review() -> None:
    history = curated_history()
    names = {label.id: label.name for label in load_shipped(CURATED).labels}
    log = change_log("curated", entries_of_change_sets(load_shipped(), history), names)
    assert log.count("\nImpact: ") == sum(bool(one.impact) for one in history) == len(history)
    assert log.count("\nReview: ") == sum(bool(one.review) for one in history) == len(history)


def test_curation_gave_labels_of_the_ontology_their_missing_partners() -> None:
    before, after = (len(found(load_shipped(name), "missing-partner")) for name in ("lesanet-repaired", CURATED))
    assert (before, after) == (7, 3)
    assert found(load_shipped(CURATED), "partner-not-related") == []
    assert len(found(load_shipped("lesanet-released"), "partner-not-related")) == 16


def test_a_sided_label_without_its_mirror_is_found() -> None:
    assert found(sides("left lung", "liver"), "missing-partner") == [
        (Level.INFO, "left lung", "there is no 'right lung'")
    ]
    assert found(sides("left lobe of right thing"), "missing-partner")[0][2] == "there is no 'right lobe of left thing'"
    assert found(sides("leftover", "bright spot"), "missing-partner") == []


def test_partners_that_nothing_relates_are_found() -> None:
    apart = sides("left lung", "right lung")
    assert [name for _, name, _ in found(apart, "partner-not-related")] == ["left lung", "right lung"]
    assert found(apart, "missing-partner") == []
    assert found(sides("left lung", "right lung", related=True), "partner-not-related") == []


def test_a_partner_of_another_name_is_a_partner() -> None:
    assert found(sides("left lobe of thyroid gland", "right thyroid lobe", related=True), "missing-partner") == []


def test_an_underscore_in_a_name_is_found() -> None:
    assert found(sides("lung_nodule"), "name-underscore") == [(Level.WARNING, "lung_nodule", "lung_nodule")]


def test_pairs_and_soft_relations_to_deprecated_labels_are_found() -> None:
    ontology = made_ontology.small()
    pair = ExclusivePair(made_ontology.LIVER, made_ontology.MASS, "made")
    more = replace(ontology, exclusive_pairs=(*ontology.exclusive_pairs, pair))
    assert found(more, "deprecated-reference") == [
        (Level.INFO, "liver", "EXCLUSIVE_WITH mass"),
        (Level.INFO, "nodule", "CONFUSABLE_WITH mass"),
    ]
