"""Telling mentions from inferred parents in the released lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.label_lists import LabelLists
from ingest.mentions import AssertedLabels, Parents, asserted_labels, count_mentions, listed_parents, parse
from ingest.release import Release
from kg import algebra
from kg.matrices import RelationMatrices, multi_hot
from kg.shipped import load_shipped

CHEST, LUNG, LEFT_LUNG, NODULE = range(4)
SYNTHETIC: Parents = (frozenset(), frozenset({CHEST}), frozenset({CHEST, LUNG}), frozenset())


@pytest.mark.parametrize(
    ("entries", "mentions", "inferred", "whole"),
    [
        pytest.param([], [], [], True, id="nothing"),
        pytest.param([NODULE], [NODULE], [], True, id="a label without parents"),
        pytest.param([LUNG, CHEST], [LUNG], [CHEST], True, id="a mention and its parent"),
        pytest.param([LEFT_LUNG, LUNG, CHEST], [LEFT_LUNG], [LUNG, CHEST], True, id="parents in another order"),
        pytest.param([LUNG, CHEST, CHEST], [LUNG, CHEST], [CHEST], True, id="the parent is mentioned too"),
        pytest.param([CHEST, LUNG], [CHEST, LUNG], [], False, id="the parent comes first"),
        pytest.param([LEFT_LUNG, CHEST, NODULE], [LEFT_LUNG, CHEST, NODULE], [], False, id="a parent is missing"),
        pytest.param([LEFT_LUNG, CHEST, CHEST], [LEFT_LUNG, CHEST, CHEST], [], False, id="one parent twice"),
    ],
)
def test_a_list_is_read_from_left_to_right(
    entries: list[int], mentions: list[int], inferred: list[int], whole: bool
) -> None:
    found = parse(entries, SYNTHETIC)
    assert (list(found.mentions), list(found.inferred), found.whole) == (mentions, inferred, whole)


@given(st.lists(st.integers(0, 3)))
def test_every_mention_list_survives_expansion_and_parsing(mentioned: list[int]) -> None:
    entries = [entry for label in mentioned for entry in (label, *sorted(SYNTHETIC[label]))]
    found = parse(entries, SYNTHETIC)
    assert list(found.mentions) == mentioned
    assert found.whole


@given(st.lists(st.integers(0, 3)))
def test_every_entry_is_a_mention_or_implied_by_one(entries: list[int]) -> None:
    found = parse(entries, SYNTHETIC)
    assert sorted((*found.mentions, *found.inferred)) == sorted(entries)
    assert set(found.inferred) <= {parent for label in found.mentions for parent in SYNTHETIC[label]}


@pytest.fixture(scope="module")
def lists() -> LabelLists:
    """The released lists, from the shipped table."""
    return Release.shipped().labels


@pytest.fixture(scope="module")
def parents() -> Parents:
    """Parents as the released ontology lists them."""
    return listed_parents(load_shipped("lesanet-released"), "lesanet-171")


@pytest.fixture(scope="module")
def asserted(lists: LabelLists, parents: Parents) -> AssertedLabels:
    """All released lists, taken apart."""
    return asserted_labels(lists, parents)


def test_the_released_ontology_lists_252_parents_among_the_171(parents: Parents) -> None:
    assert sum(len(p) for p in parents) == 252


def test_96_percent_of_the_relevant_lists_parse_and_few_when_shuffled(lists: LabelLists, parents: Parents) -> None:
    counts = count_mentions(lists, parents)
    assert counts.tested_lists == 14_380
    assert counts.parsed_percent == pytest.approx(95.9, abs=0.05)
    assert counts.parsed_shuffled_percent == pytest.approx(13, abs=1)


def test_40_percent_of_the_training_positives_are_inferred_only(lists: LabelLists, parents: Parents) -> None:
    counts = count_mentions(lists, parents)
    assert (counts.positives, counts.inferred) == (81_430, 32_544)
    assert round(counts.inferred_percent, 2) == 39.97


def test_uncertain_and_irrelevant_lists_are_not_in_that_order(lists: LabelLists, parents: Parents) -> None:
    for kind in ("uncertain", "irrelevant"):
        tested = [row for row in lists.lists(kind) if any(parents[label] for label in row)]
        assert np.mean([parse(row, parents).whole for row in tested]) < 0.01


@pytest.mark.parametrize("name", ["lesanet-released", "lesanet-repaired"])
def test_what_is_asserted_implies_everything_that_was_listed(
    lists: LabelLists, asserted: AssertedLabels, name: str
) -> None:
    matrices = RelationMatrices.from_ontology(load_shipped(name), "lesanet-171")
    relevant, uncertain = (multi_hot(lists.lists(kind), 171) for kind in ("relevant", "uncertain"))
    for listed, kept in (
        (relevant, asserted.has),
        (algebra.union(relevant, uncertain), algebra.union(asserted.has, asserted.may_have)),
    ):
        assert (matrices.expand(listed) != matrices.expand(kept)).nnz == 0


def test_no_label_of_a_lesion_is_both_relevant_and_uncertain(asserted: AssertedLabels) -> None:
    assert asserted.has.multiply(asserted.may_have).nnz == 0
    assert (asserted.has.nnz, asserted.may_have.nnz, asserted.not_about.nnz) == (55_580, 2_513, 8_466)
