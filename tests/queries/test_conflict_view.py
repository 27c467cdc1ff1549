"""Conflicts grouped by the relation they break, against answers computed without matrices."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from itertools import combinations

import numpy as np
import pytest
from made_ontology import CALCIFIED, CHEST, LEFT_LUNG, LIVER, LUNG, SOLID, small
from real_graph import ADDED, World

from kg.curation.label_data import LabelData
from kg.errors import UsageError
from kg.matrices import multi_hot
from kg.ontology import ExclusionException, Ontology
from kg.store import GraphStore
from queries.conflict_data import (
    Origin,
    cohorts,
    conflicts_of_labels,
    conflicts_of_model,
    origin_of,
    origins_of_labels,
)
from queries.conflict_view import ALL, Broken, as_result, exported, label_conflicts, prediction_conflicts
from queries.kept import Kept
from queries.relations_between import exclusion_chain, relations_between
from queries.results import NOTICE, write_csv

Pairs = dict[tuple[str, str], set[str]]


@pytest.fixture
def kept(store: GraphStore) -> Kept:
    return Kept(store)


def broken_pairs(world: World) -> Pairs:
    """Lesions by each asserted exclusive pair (names) that their labels break, walked lesion by lesion."""
    names = {label.id: label.name for label in world.ontology.labels}
    asserted = {frozenset((names[a], names[b])) for a, b in world.ontology.all_exclusive_pairs}
    assert not world.ontology.exceptions
    found: Pairs = defaultdict(set)
    columns = np.array(world.matrices.names)
    counted = world.said | (world.doubted & world.rows("train")[:, None])
    for lesion, row in zip(world.ids(np.ones(len(counted), bool)), counted, strict=True):
        labels = set(columns[row])
        labels |= {above for label in labels for above in world.ancestors[label]}
        for a, b in combinations(sorted(labels), 2):
            if frozenset((a, b)) in asserted:
                found[a, b].add(lesion)
    return found


def test_each_broken_pair_has_its_lesions(world: World, kept: Kept) -> None:
    expected = broken_pairs(world)
    view = conflicts_of_labels(kept, world.cohort.id)
    found = {tuple(sorted(group.names)): {one.lesion for one in group.lesions} for group in view.groups}
    assert found == expected
    sizes = [len(group.lesions) for group in view.groups]
    assert sizes == sorted(sizes, reverse=True)
    assert all(group.kind is Broken.EXCLUSIVE and group.listed == "pair" for group in view.groups)

    splits = dict(zip(*(world.cohort.table[name].to_pylist() for name in ("lesion", "split")), strict=True))
    patients = dict(zip(*(world.cohort.table[name].to_pylist() for name in ("lesion", "patient")), strict=True))
    contradictory = set().union(*expected.values())
    by_split = Counter(splits[lesion] for lesion in contradictory)
    assert {one.split: one.lesions for one in view.splits} == {**by_split, ALL: len(contradictory)}
    assert view.looked_at == world.cohort.size
    if world.whole:
        # What `lesionkg demo` and `lesionkg cohort show lesanet` print.
        assert by_split == {"train": 1437, "val": 84, "test": 88}
    for group in view.groups:
        lesions = {one.lesion for one in group.lesions}
        assert group.patients == len({patients[lesion] for lesion in lesions})
        assert {one.split: one.lesions for one in group.splits[:-1]} == Counter(splits[i] for i in lesions)
        assert all((one.patient, one.split) == (patients[one.lesion], splits[one.lesion]) for one in group.lesions)


def test_the_pair_abdomen_and_pelvis_is_broken_most_and_says_why(world: World, kept: Kept) -> None:
    group = conflicts_of_labels(kept, world.cohort.id).groups[0]
    assert set(group.names) == {"abdomen", "pelvis"}
    names = {label.id: label.name for label in world.ontology.labels}
    said = dict(zip(world.ids(np.ones(len(world.said), bool)), world.said | world.doubted, strict=True))
    for one in group.lesions:
        for pair in one.clashes:
            a, b = (names[i] for i in pair)
            # Each side is said of the lesion itself, at or below its side of the pair.
            assert said[one.lesion][world.column(a)] and said[one.lesion][world.column(b)]
            assert {a, *world.ancestors[a]} & set(group.names) and {b, *world.ancestors[b]} & set(group.names)
    (pair, lesions), *_ = group.clashes()
    assert lesions == sum(pair in one.clashes for one in group.lesions)
    for pair, _ in group.clashes():
        steps = exclusion_chain(world.ontology, *pair)
        assert sum("EXCLUSIVE_WITH" in step for step in steps) == 1
        assert all(names[label] in " ".join(steps) for label in pair)


def test_labels_are_told_apart_by_where_they_come_from(world: World, kept: Kept) -> None:
    assert origins_of_labels(kept, world.cohort.id) == [Origin.ANY, Origin.HAND, Origin.RELEASED]
    everything = conflicts_of_labels(kept, world.cohort.id)
    by_hand = conflicts_of_labels(kept, world.cohort.id, Origin.HAND)
    # People verified val and test, and only these.
    assert [by_hand.count(split) for split in ("train", "val", "test")] == [
        0,
        everything.count("val"),
        everything.count("test"),
    ]
    released = conflicts_of_labels(kept, world.cohort.id, Origin.RELEASED)
    assert released.count("train") == everything.count("train") > 0
    assert released.count("test") == 0
    with pytest.raises(UsageError, match="origin mined"):
        conflicts_of_labels(kept, world.cohort.id, Origin.MINED)
    assert origin_of("mining", True) is Origin.MINED
    assert origin_of("curator", True) is Origin.CURATOR
    assert cohorts(kept) == [world.cohort.id, "official"]


def test_predictions_of_a_model_that_knew_fewer_relations_break_the_new_one(world: World, kept: Kept) -> None:
    fresh = conflicts_of_model(kept, world.cohort.id, world.run.run_id)
    assert fresh.groups == (), "the decoder keeps every relation that it knows"
    view = conflicts_of_model(kept, world.cohort.id, world.old_run.run_id)
    lesions, positive = world.predicted(world.old_run)
    place = {label_id: i for i, label_id in enumerate(world.matrices.label_ids)}
    expected = {
        frozenset((a, b)): {i for i, row in zip(lesions, positive, strict=True) if row[place[a]] and row[place[b]]}
        for a, b in world.ontology.all_exclusive_pairs
        if a in place and b in place
    }
    # Some listed pairs are below the one that the model did not know, and follow from it.
    found = {frozenset(group.labels): {one.lesion for one in group.lesions} for group in view.groups}
    assert found == {pair: broken for pair, broken in expected.items() if broken}
    assert set(ADDED) in [set(group.names) for group in view.groups]
    assert view.count("test") == len(set().union(*found.values()))
    with pytest.raises(UsageError, match="'none': not in this graph"):
        conflicts_of_model(kept, world.cohort.id, "none")


def made(ontology: Ontology, *rows: tuple[str, ...]) -> LabelData:
    """Label data of test lesions (synthetic)."""
    ids = tuple(label.id for label in ontology.labels)
    cells = multi_hot([[ids.index(label) for label in row] for row in rows], len(ids))
    lesions = np.array([f"L:{i}" for i in range(len(rows))], str)
    return LabelData("made", ids, lesions, np.full(len(rows), "test"), cells, cells[:, :] * False)


def test_groups_know_exclusive_groups_exceptions_and_a_prediction_without_its_parent() -> None:
    ontology = small()
    data = made(ontology, (LEFT_LUNG, LIVER), (LUNG, LIVER), (SOLID, CALCIFIED), (SOLID,))
    view = label_conflicts(ontology, data, {"L:0": "P", "L:1": "P"})
    assert [(set(g.names), g.listed, len(g.lesions), g.patients) for g in view.groups] == [
        ({"chest", "liver"}, "pair", 2, 1),
        ({"solid", "calcified"}, "G:1", 1, 1),
    ]
    assert view.groups[0].lesions[0].clashes in ([(LEFT_LUNG, LIVER)], ((LEFT_LUNG, LIVER),))
    assert view.find(view.groups[1].id) is view.groups[1]

    from dataclasses import replace

    excepted = replace(ontology, exceptions=(ExclusionException(LUNG, LIVER),))
    left = label_conflicts(excepted, data, {}).groups[0]
    assert [one.lesion for one in left.lesions] == ["L:0"], "the left lung stays exclusive with the liver"
    assert {one.kind for one in relations_between(excepted, LUNG, LIVER)} == {"exception"}

    ids = data.label_ids
    predicted = prediction_conflicts(
        ontology, ids, data.lesions, data.relevant, (LEFT_LUNG, CHEST, LIVER), {"L:0": "val"}, {}
    )
    groups = {(g.kind, g.names): [one.lesion for one in g.lesions] for g in predicted.groups}
    # Lung is not among the labels that the model predicts, so that the left lung lacks the chest.
    assert groups[Broken.HIERARCHICAL, ("left lung", "chest")] == ["L:0"]
    assert (Broken.HIERARCHICAL, ("left lung", "lung")) not in groups
    assert predicted.count("val") == 1


def test_an_export_has_each_lesion_with_its_labels() -> None:
    ontology = small()
    data = made(ontology, (LEFT_LUNG, LIVER), (LUNG, LIVER), (SOLID, CALCIFIED))
    view = label_conflicts(ontology, data, {"L:0": "P", "L:1": "Q"})
    names = {label.id: label.name for label in ontology.labels}
    result = as_result(view.groups, names)
    assert [row[3:6] for row in result.rows] == [("L:0", "P", "test"), ("L:1", "Q", "test"), ("L:2", "", "test")]
    assert set(result.rows[0][6:]) == {"left lung", "liver"}


def test_a_shared_export_has_no_ids_and_no_rows_about_few_patients(world: World, kept: Kept) -> None:
    groups = conflicts_of_labels(kept, world.cohort.id).groups
    names = {label.id: label.name for label in world.ontology.labels}
    whole = as_result(groups, names)
    assert exported(kept.store, groups, names, 0) == whole
    patients: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for row in whole.rows:
        patients[(*row[:3], *row[5:])].add(row[4])
    large = Counter((*row[:3], *row[5:]) for row in whole.rows if len(patients[(*row[:3], *row[5:])]) >= 2)
    shared = exported(kept.store, groups, names, 2)
    assert 0 < len(shared.rows) < len(whole.rows)
    assert Counter(shared.rows) == large
    text = io.StringIO()
    write_csv(shared, text)
    head, *_ = text.getvalue().splitlines()
    assert NOTICE in head
    assert "ids left out: lesion, patient" in head
    assert not any(row[3] in text.getvalue() or row[4] in text.getvalue() for row in whole.rows)
