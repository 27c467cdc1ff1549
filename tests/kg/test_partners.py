"""Left and right partners of the shipped ontology."""

from __future__ import annotations

import numpy as np

from kg.matrices import RelationMatrices
from kg.ontology import SoftKind
from kg.shipped import load_shipped


def test_the_repaired_ontology_pairs_left_and_right_labels() -> None:
    ontology = load_shipped("lesanet-repaired")
    pairs = {
        (ontology.by_id[r.subject].name, ontology.by_id[r.object].name)
        for r in ontology.soft_relations
        if r.kind is SoftKind.CONTRALATERAL_OF
    }
    assert len(pairs) == 10
    assert {("left lung", "right lung"), ("left upper lung", "right upper lobe")} <= pairs
    assert all("left" in left.split() and "right" in right.split() for left, right in pairs)
    # A label is partner once: a mirror image has one label for it.
    assert len({name for pair in pairs for name in pair}) == 20
    assert load_shipped("lesanet-released").soft_relations == ()


def test_partners_differ_in_side_only_where_both_are_in_the_label_set() -> None:
    ontology = load_shipped("lesanet-repaired")
    matrices = RelationMatrices.from_ontology(ontology, "lesanet-171")
    mirror = np.arange(matrices.size)
    for r in ontology.soft_relations:
        if r.subject in matrices.position and r.object in matrices.position:
            a, b = matrices.position[r.subject], matrices.position[r.object]
            mirror[[a, b]] = b, a
    changed = np.flatnonzero(mirror != np.arange(matrices.size))
    assert len(changed) == 12
    ancestors = matrices.ancestors.toarray()
    # Partners lie in the same places, sides swapped.
    assert all(set(mirror[np.flatnonzero(ancestors[c])]) == set(np.flatnonzero(ancestors[mirror[c]])) for c in changed)


def test_expansion_and_exclusion_do_not_see_partners() -> None:
    repaired = RelationMatrices.from_ontology(load_shipped("lesanet-repaired"), "lesanet-171")
    assert repaired.exclusive.nnz == 2 * 4_459 and repaired.parents.nnz == 137
