"""The figures of the papers, counted."""

from __future__ import annotations

import pytest

from kg.errors import MatrixError, OntologyError, UsageError
from kg.ontology import (
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    MatchKind,
    Ontology,
    Relation,
    RelationKind,
    TermMapping,
)
from kg.shipped import load_shipped
from kg.statistics import statistics

KEYS = [
    "labels",
    "bodypart",
    "type",
    "attribute",
    "parent_pairs_listed",
    "parent_pairs_closure",
    "parent_pairs_reduction",
    "exclusive_pairs_listed",
    "exclusive_pairs_inherited",
    "exclusive_pairs_minimal",
    "self_exclusive",
    "with_radlex_rid",
]


@pytest.mark.parametrize(
    ("name", "label_set", "expected"),
    [
        pytest.param(
            "lesanet-released", "lesanet-171", [171, 115, 27, 29, 252, 268, 137, 196, 4460, 174, 1], id="released-171"
        ),
        pytest.param(
            "lesanet-repaired", "lesanet-171", [171, 115, 27, 29, 252, 268, 137, 195, 4459, 173, 0], id="repaired-171"
        ),
        pytest.param(
            "lesanet-released", None, [333, 219, 72, 42, 548, 576, 292, 632, 18034, 579, 5], id="released-all"
        ),
        pytest.param(
            "lesanet-repaired", None, [333, 219, 72, 42, 543, 571, 287, 631, 17987, 586, 0], id="repaired-all"
        ),
    ],
)
def test_the_shipped_ontologies_have_the_figures_of_the_paper(
    name: str, label_set: str | None, expected: list[int]
) -> None:
    counted = statistics(load_shipped(name), label_set)
    assert list(counted) == KEYS
    assert list(counted.values())[:-1] == expected


def test_at_least_150_of_the_171_have_a_radlex_term() -> None:
    assert statistics(load_shipped(), "lesanet-171")["with_radlex_rid"] >= 150


def tiny(*relations: tuple[str, str]) -> Ontology:
    """c below b below a; a and d exclusive; a label set without the middle one."""
    close = TermMapping("RID1", "a", MatchKind.CLOSE)
    broad = TermMapping("RID2", "b", MatchKind.BROAD)
    mapped = {"a": (close,), "b": (broad,)}
    return Ontology(
        "tiny",
        tuple(Label(n, n, LabelClass.TYPE, mappings=mapped.get(n, ())) for n in "abcd"),
        tuple(Relation(child, RelationKind.IS_A, parent) for child, parent in relations),
        (ExclusivePair("a", "d"),),
        label_sets=(LabelSet("without-b", ("d", "c", "a")),),
    )


def test_relations_through_a_label_outside_the_set_count() -> None:
    counted = statistics(tiny(("c", "b"), ("b", "a")), "without-b")
    assert counted["labels"] == 3
    assert counted["parent_pairs_listed"] == 0
    assert counted["parent_pairs_closure"] == 1
    assert counted["parent_pairs_reduction"] == 1
    assert counted["exclusive_pairs_listed"] == 1
    assert counted["exclusive_pairs_inherited"] == 2
    assert counted["exclusive_pairs_minimal"] == 1
    assert counted["with_radlex_rid"] == 1, "a broad match is no RadLex term of the label"


def test_two_relations_of_one_pair_are_one_listed_pair() -> None:
    both = (Relation("c", RelationKind.IS_A, "b"), Relation("c", RelationKind.PART_OF, "b", "other"))
    ontology = Ontology("two", tiny().labels, both)
    assert statistics(ontology)["parent_pairs_listed"] == 1


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(MatrixError, match="cycle"):
        statistics(tiny(("a", "b"), ("b", "a")))
    with pytest.raises(OntologyError, match="gone is not a label"):
        statistics(tiny(("a", "gone")))
    with pytest.raises(UsageError, match="it has: without-b"):
        statistics(tiny(), "lesanet-171")
