"""The card of a label says what the relation matrices say, with the reasons."""

from __future__ import annotations

import numpy as np
import pytest

from kg.card import card, exclusive_by_pair
from kg.errors import UsageError
from kg.matrices import RelationMatrices
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    Ontology,
    Relation,
    RelationKind,
)
from kg.shipped import load_shipped

MATRICES = RelationMatrices.from_ontology(load_shipped(), "lesanet-171")


@pytest.mark.parametrize("name", MATRICES.names[::17])
def test_a_card_has_the_ancestors_and_exclusions_of_the_closures(name: str) -> None:
    shown = card(load_shipped(), name)
    column = MATRICES.names.index(name)
    inside = set(MATRICES.names)
    above = {link.name for link in (*shown.parents, *shown.further_ancestors)}
    assert above & inside == {MATRICES.names[i] for i in np.flatnonzero(MATRICES.ancestors[[column]].toarray()[0])}
    excluded = {link.name for link in (*shown.exclusive, *shown.inherited_exclusive)}
    assert excluded & inside == {MATRICES.names[i] for i in np.flatnonzero(MATRICES.exclusive[[column]].toarray()[0])}
    assert shown.label_sets == {"lesanet-171": column}


@pytest.mark.parametrize("name", MATRICES.names[::17])
def test_a_chain_is_made_of_asserted_relations_and_one_exclusion(name: str) -> None:
    ontology = load_shipped()
    names = {label.id: label.name for label in ontology.labels}
    steps = {f"{names[r.child]} {r.kind} {names[r.parent]}" for r in ontology.relations}
    shown = card(ontology, name)
    for implied in shown.inherited_exclusive:
        clashes = [step for step in implied.chain if step not in steps]
        assert len(clashes) == 1
        a, b = clashes[0].split(" EXCLUSIVE_WITH ")
        assert tuple(sorted((ontology.label(a).id, ontology.label(b).id))) in ontology.all_exclusive_pairs
    assert sum(map(len, exclusive_by_pair(shown).values())) == len(shown.inherited_exclusive)


def test_a_small_card_in_full() -> None:
    relations = tuple(Relation(c, RelationKind.IS_A, p, evidence="seen") for c, p in ("ab", "bc", "de"))
    ontology = Ontology(
        "tiny",
        tuple(Label(n, n, LabelClass.TYPE) for n in "abcdefg"),
        relations,
        (ExclusivePair("c", "e", evidence="listed"),),
        (ExclusiveGroup("g1", ("a", "f", "g")),),
    )
    shown = card(ontology, "a")
    assert [(link.kind, link.name, link.evidence) for link in shown.parents] == [("IS_A", "b", "seen")]
    assert [(i.name, i.chain) for i in shown.further_ancestors] == [("c", ("a IS_A b", "b IS_A c"))]
    assert [(link.name, link.evidence) for link in shown.exclusive] == [
        ("f", "both in exclusive group g1"),
        ("g", "both in exclusive group g1"),
    ]
    assert [(i.name, i.chain) for i in shown.inherited_exclusive] == [
        ("d", ("a IS_A b", "b IS_A c", "c EXCLUSIVE_WITH e", "d IS_A e")),
        ("e", ("a IS_A b", "b IS_A c", "c EXCLUSIVE_WITH e")),
    ]
    assert [link.name for link in card(ontology, "c").children] == ["b"]
    with pytest.raises(UsageError, match="'x'"):
        card(ontology, "x")


def test_a_card_shows_what_exceptions_take_out() -> None:
    ontology = Ontology(
        "tiny",
        tuple(Label(n, n, LabelClass.TYPE) for n in "abcd"),
        tuple(Relation(c, RelationKind.IS_A, p) for c, p in ("ba", "dc")),
        (ExclusivePair("a", "c", evidence="listed"),),
        exceptions=(ExclusionException("b", "c", evidence="seen"),),
    )
    assert [(link.name, link.evidence) for link in card(ontology, "a").exclusive] == [
        ("c", "listed; taken out by an exception")
    ]
    assert [(link.name, link.evidence) for link in card(ontology, "b").exceptions] == [("c", "seen")]
    assert [i.name for i in card(ontology, "b").inherited_exclusive] == ["d"]
