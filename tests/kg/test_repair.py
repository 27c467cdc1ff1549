"""The least repair of the released ontology."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from kg.errors import OntologyError
from kg.matrices import RelationMatrices
from kg.ontology import Label, LabelClass, Ontology, Relation, SynonymScope
from kg.repair import DROP_EXCLUSIVE, DROP_PARENT, repair, repair_steps
from kg.rules import check
from kg.shipped import load_shipped

UNSATISFIABLE = ("rectum", "sigmoid colon", "esophagus lymph node", "gastrohepatic ligament")


@pytest.fixture(scope="module")
def released() -> Ontology:
    return load_shipped("lesanet-released")


@pytest.fixture(scope="module")
def repaired(released: Ontology) -> Ontology:
    return repair(released)


def _ends(relations: tuple[Relation, ...], ontology: Ontology) -> set[tuple[str, str]]:
    return {(ontology.by_id[r.child].name, ontology.by_id[r.parent].name) for r in relations}


def test_the_repaired_ontology_passes_every_rule(repaired: Ontology) -> None:
    assert repaired.name == "lesanet-repaired"
    assert check(repaired) == []


def test_only_what_the_table_names_is_dropped(released: Ontology, repaired: Ontology) -> None:
    gone = _ends(released.relations, released) - _ends(repaired.relations, repaired)
    assert gone == {(s.subject, s.object) for s in repair_steps() if s.action == DROP_PARENT}
    assert {child for child, _ in gone} == set(UNSATISFIABLE)
    pairs = released.all_exclusive_pairs - repaired.all_exclusive_pairs
    ((a, b),) = pairs
    assert {released.by_id[a].name, released.by_id[b].name} == {
        "pretracheal lymph node",
        "superior mediastinum lymph node",
    }
    assert not repaired.all_exclusive_pairs - released.all_exclusive_pairs
    assert set(repaired.relations) < set(released.relations)
    assert all(step.reason for step in repair_steps())


def test_the_figures_of_the_171_stay_but_for_the_contradiction(released: Ontology, repaired: Ontology) -> None:
    before = RelationMatrices.from_ontology(released, "lesanet-171")
    after = RelationMatrices.from_ontology(repaired, "lesanet-171")
    assert (after.ancestors != before.ancestors).nnz == 0
    changed = (after.exclusive != before.exclusive).nnz
    assert changed == 3, "pretracheal with itself, and with superior mediastinum lymph node in both directions"
    assert after.exclusive.nnz == 2 * 4459
    assert after.exclusive_minimal.nnz == 2 * 173


@pytest.mark.parametrize("name", UNSATISFIABLE)
def test_no_smaller_cut_makes_the_label_satisfiable(released: Ontology, name: str) -> None:
    """Try every smaller set of asserted parents of the label."""
    cut = [s.object for s in repair_steps() if s.action == DROP_PARENT and s.subject == name]
    own = [r for r in released.relations if r.child == released.label(name).id]

    def faulty(dropped: tuple[Relation, ...]) -> bool:
        kept = replace(released, relations=tuple(r for r in released.relations if r not in dropped))
        return any(finding.labels[0] == name for finding in check(kept))

    assert not faulty(tuple(r for r in own if released.by_id[r.parent].name in cut))
    assert all(faulty(subset) for size in range(len(cut)) for subset in combinations(own, size))


def test_one_way_exclusions_count_in_both_directions(repaired: Ontology) -> None:
    evidence = [p.evidence for p in repaired.exclusive_pairs if p.evidence != "listed by both terms"]
    assert len(evidence) == 2
    assert all("lesionkg-repair" in text for text in evidence)


def test_the_ambiguous_synonym_is_kept_as_a_broad_one(repaired: Ontology) -> None:
    (synonym,) = [s for s in repaired.label("common iliac lymph node").synonyms if s.text == "iliac lymph node"]
    assert synonym.scope is SynonymScope.BROAD
    assert synonym.source == "lesionkg-repair"


def test_the_licences_and_the_list_of_repairs_travel_along(released: Ontology, repaired: Ontology) -> None:
    assert repaired.notices[: len(released.notices)] == released.notices
    statement = repaired.notices[-1]
    assert all(step.subject in statement and step.reason in statement for step in repair_steps())
    assert any("National Institutes of Health" in notice for notice in repaired.notices)
    assert any("RadLex" in notice and "RSNA" in notice for notice in repaired.notices)


def test_every_other_label_is_as_released(released: Ontology, repaired: Ontology) -> None:
    changed = [a.name for a, b in zip(released.labels, repaired.labels, strict=True) if a != b]
    assert changed == ["common iliac lymph node"]


def test_another_ontology_cannot_be_repaired(repaired: Ontology) -> None:
    with pytest.raises(OntologyError, match="only the released ontology can be repaired"):
        repair(repaired)
    with pytest.raises(OntologyError, match=DROP_EXCLUSIVE):
        repair(Ontology("own", (Label("1", "lung", LabelClass.BODYPART),)))
