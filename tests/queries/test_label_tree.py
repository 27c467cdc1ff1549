"""The tree of labels: who stands where, and what a search finds."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from kg.errors import UsageError
from kg.ontology import LabelClass, Ontology
from kg.shipped import load_shipped
from queries.label_tree import LabelTree


@pytest.fixture(scope="module")
def ontology() -> Ontology:
    return load_shipped()


def test_every_label_can_be_walked_to(ontology: Ontology) -> None:
    tree = LabelTree(ontology)
    seen: set[str] = set()
    waiting = [branch for label_class in LabelClass for branch in tree.top(label_class)]
    without = {label.id for label in ontology.labels} - {r.child for r in ontology.relations}
    assert {branch.id for branch in waiting} == without
    while waiting:
        branch = waiting.pop()
        below = tree.children(branch.id)
        assert len(below) == branch.children
        assert {one.id for one in below} == {r.child for r in ontology.relations if r.parent == branch.id}
        waiting += [one for one in below if one.id not in seen]
        seen.add(branch.id)
    assert seen == ontology.by_id.keys()
    assert len(tree) == 333


def test_a_path_leads_from_the_top_by_parents(ontology: Ontology) -> None:
    tree = LabelTree(ontology)
    pairs = {(r.child, r.parent) for r in ontology.relations}
    for label in ontology.labels:
        path = tree.path_to(label.id)
        assert path[-1] == label.id
        assert all((below, above) in pairs for above, below in pairwise(path))
        assert path[0] not in {child for child, _ in pairs}


def test_a_part_hangs_labels_below_their_nearest_ancestors_in_it(ontology: Ontology) -> None:
    tree = LabelTree(ontology, "lesanet-171")
    members = set(ontology.label_set("lesanet-171").members)
    assert len(tree) == 171
    for label_id in members:
        assert {branch.id for branch in tree.children(label_id)} <= members
    only = LabelTree(ontology, "lesanet-171", LabelClass.TYPE)
    assert len(only) == 27
    assert only.top(LabelClass.BODYPART) == ()
    outside = next(label.id for label in ontology.labels if label.id not in members)
    assert tree.path_to(outside) == () and outside not in tree
    with pytest.raises(UsageError, match="no-such"):
        LabelTree(ontology, "no-such")


@pytest.mark.parametrize(
    ("words", "first", "because"),
    [
        ("LUNG", "lung", ""),
        ("  lung   NODULE ", "lung nodule", ""),
        ("nodule lung", "lung nodule", ""),
        ("LKG:0000002", "lung", ""),
        ("rid1301", "lung", "RID1301 lung"),
        ("pulmonary nodule", "solid pulmonary nodule", ""),
    ],
)
def test_a_search_looks_at_names_synonyms_ids_and_codes(
    ontology: Ontology, words: str, first: str, because: str
) -> None:
    hit = LabelTree(ontology).search(words)[0]
    assert (hit.branch.name, hit.because) == (first, because)


def test_a_search_says_which_synonym_fits_and_finds_nothing_for_nothing(ontology: Ontology) -> None:
    tree = LabelTree(ontology)
    hits = {hit.branch.name: hit.because for hit in tree.search("pulmonary")}
    assert hits["lung"] == "pulmonary"
    assert tree.search("  ") == () == tree.search("xyzzy")
    assert len(tree.search("l", most=5)) == 5


def test_a_deprecated_label_stands_below_its_replacement_and_names_it(ontology: Ontology) -> None:
    mass, nodule = ontology.by_name["mass"], ontology.by_name["nodule"]
    gone = replace(mass, deprecated=True, replaced_by=nodule.id)
    changed = replace(ontology, labels=tuple(gone if k.id == mass.id else k for k in ontology.labels))
    tree = LabelTree(changed)
    branch = next(one for one in tree.children(nodule.id) if one.id == mass.id)
    assert (branch.deprecated, branch.replacement) == (True, "nodule")
    assert [hit.branch.name for hit in tree.search("mass")].index("mass") == 0
