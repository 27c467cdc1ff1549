"""What is known of one lesion, and lists of lesions, held against the released data they come from."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from real_graph import World
from scipy.sparse import csr_array

from kg.errors import NotFoundError, UsageError
from kg.label_correction import Statement, correct, undo
from kg.store import GraphStore
from queries.lesion_facts import LesionView, Outcome
from queries.lesion_index import LesionIndex
from queries.lesion_list import PAGE, How, LesionFilter, Sort, find_lesions
from queries.lesion_view import lesion_view


def names(world: World, row: np.ndarray) -> set[str]:
    return {world.matrices.names[column] for column in np.flatnonzero(row)}


def judged(world: World) -> tuple[str, int, np.ndarray]:
    """A test lesion with labels whose decisions by the newer model hold every outcome but false positives."""
    lesions, predicted = world.predicted(world.run)
    return lesions[0], world.cohort.table["lesion"].to_pylist().index(lesions[0]), predicted[0]


@pytest.fixture
def view(world: World, store: GraphStore) -> LesionView:
    return lesion_view(store, judged(world)[0])


def test_labels_are_those_of_the_release_and_what_they_imply(world: World, view: LesionView) -> None:
    row = judged(world)[1]
    said = names(world, world.said[row])
    assert {one.label.name for one in view.asserted} == said
    assert {one.source for one in view.asserted} == {"lesanet"}
    assert {one.label.name for one in view.uncertain} == names(world, world.doubted[row])
    implied = set().union(*(world.ancestors[name] for name in said)) - said
    assert {one.label.name for one in view.inferred} == implied
    for one in view.inferred:
        assert one.chain[0] in said
        assert one.chain[-1] == one.label.name
        for below, above in zip(one.chain, one.chain[1:], strict=False):
            assert above in world.ancestors[below]


def test_place_and_size_are_those_of_the_table(world: World, view: LesionView) -> None:
    assert view.index is not None
    row = {name: world.lesions[name][view.index].as_py() for name in world.lesions.column_names}
    has = view.geometry
    assert (has.key_slice, has.spacing_mm, has.slice_mm) == (row["key_slice"], row["spacing_mm"], row["slice_mm"])
    assert has.box == tuple(row["box"])
    assert has.position == (row["x"], row["y"], row["z"])
    assert has.long_px == pytest.approx(row["long_mm"] / row["spacing_mm"], rel=1e-3)
    assert has.short_px == pytest.approx(row["short_mm"] / row["spacing_mm"], rel=1e-3)
    assert (view.age, view.sex, view.split) == (row["age"], row["sex"], row["split"])
    assert view.cohorts[0].cohort == world.cohort.id
    place = judged(world)[1]
    listed = world.cohort.table["relevant"][place].as_py()
    assert view.cohorts[0].relevant == tuple(world.matrices.names[column] for column in listed)


def test_decisions_are_judged_by_the_labels_and_by_nothing_else(world: World, view: LesionView) -> None:
    _, row, predicted = judged(world)
    model = next(one for one in view.models if one.model == world.run.run_id)
    assert [one.model for one in view.models] == [world.run.run_id, world.old_run.run_id]
    assert (model.behind, view.models[1].behind) == (False, True)
    said = names(world, world.said[row])
    positive = said.union(*(world.ancestors[name] for name in said))
    matrices = world.matrices
    excluded = names(world, matrices.exclusive.toarray()[world.said[row]].any(axis=0)) - positive
    decided = names(world, predicted)
    assert {one.label.name for one in model.predictions if one.decided} == decided
    for one in model.predictions:
        name = one.label.name
        assert one.decided == (name in decided)
        expected = (
            (Outcome.TRUE_POSITIVE if one.decided else Outcome.FALSE_NEGATIVE)
            if name in positive
            else (Outcome.FALSE_POSITIVE if one.decided else Outcome.TRUE_NEGATIVE)
            if name in excluded
            else Outcome.UNKNOWN
        )
        assert one.outcome is expected, name
    missed = {one.label.name for one in model.predictions if one.outcome is Outcome.FALSE_NEGATIVE}
    assert missed == (positive & set(matrices.names)) - decided


def test_relatives_are_the_patients_lesions_and_similar_ones_are_of_others(world: World, view: LesionView) -> None:
    table = world.lesions
    patient = table["patient"][view.index].as_py()
    own = [index for index, other in enumerate(table["patient"].to_pylist()) if other == patient]
    assert sorted(one.lesion for one in view.relatives) == [f"DL:{index:05d}" for index in own]
    assert [one.lesion for one in view.relatives if one.same] == [view.id]
    for model in view.models:
        assert [one.rank for one in model.similar] == list(range(1, len(model.similar) + 1))
        assert not {one.lesion for one in model.similar} & {one.lesion for one in view.relatives}
    mine = {one.label.name for one in (*view.asserted,)} | {one.label.name for one in view.inferred}
    rows = {lesion: place for place, lesion in enumerate(world.cohort.table["lesion"].to_pylist())}
    for similar in view.models[0].similar:
        said = names(world, world.said[rows[similar.lesion]])
        all_of_it = said.union(*(world.ancestors[name] for name in said))
        assert set(similar.shared) == all_of_it & mine
        assert set(similar.other) == all_of_it - mine


def test_a_row_number_names_a_lesion_and_what_is_not_there_is_told(world: World, store: GraphStore) -> None:
    assert lesion_view(store, "12").id == "DL:00012"
    json.dumps(dataclasses.asdict(lesion_view(store, "12")))
    for wrong in ("DL:99999", "", "-1", "99999999999999999999", "DL:00012' OR 1=1"):
        with pytest.raises(NotFoundError, match="not in this graph"):
            lesion_view(store, wrong)


def test_lists_hold_what_the_data_hold(world: World, store: GraphStore) -> None:
    index = LesionIndex(store)
    ids = {label.name: label.id for label in world.ontology.labels}

    def total(**wanted: object) -> int:
        return find_lesions(index, LesionFilter(**wanted)).total  # type: ignore[arg-type]

    assert total() == world.lesions.num_rows
    lung = [name for name in world.matrices.names if name == "lung" or "lung" in world.ancestors[name]]
    below = world.said[:, [world.column(name) for name in lung]].any(axis=1)
    # Labels outside the set are said of no lesion, so the columns hold all that there is.
    assert total(label=ids["lung"]) == below.sum()
    assert total(label=ids["lung"], how=How.SAID) == world.said[:, world.column("lung")].sum()
    assert total(label=ids["lung"], how=How.DOUBTED) == world.doubted[:, world.column("lung")].sum()
    size = np.array(world.lesions["long_mm"].to_pylist(), float)
    split = np.array(world.lesions["split"].to_pylist(), object)
    assert total(split="val", least_mm=20, most_mm=40.5) == ((split == "val") & (size >= 20) & (size <= 40.5)).sum()
    apart = world.matrices.exclusive.toarray().astype(np.int64)
    clashing = ((world.said.astype(np.int64) @ apart) * world.said).any(axis=1)
    assert total(clashes=True) == clashing.sum()
    test, predicted = world.predicted(world.run)
    rows = {lesion: place for place, lesion in enumerate(world.cohort.table["lesion"].to_pylist())}
    at = [rows[lesion] for lesion in test]
    column = world.column("lung")
    assert total(label=ids["lung"], how=How.PREDICTED) == predicted[:, column].sum()
    missed = below[at] & ~predicted[:, column]
    assert total(label=ids["lung"], outcome="false negative") == missed.sum()
    ruled_out = (world.said[at].astype(np.int64) @ apart)[:, column] > 0
    wrong = predicted[:, column] & ~below[at] & ruled_out
    assert total(label=ids["lung"], outcome="false positive") == wrong.sum()
    positive = world.matrices.expand(csr_array(world.said[at])).toarray()
    wrong = (predicted & ~positive & (world.said[at].astype(np.int64) @ apart > 0)).any(axis=1)
    assert total(outcome="false positive") == wrong.sum() > 0
    assert total(outcome="false negative") == (positive & ~predicted).any(axis=1).sum() > 0


def test_lists_are_sorted_and_cut_into_pages(world: World, store: GraphStore) -> None:
    index = LesionIndex(store)
    size = np.array(world.lesions["long_mm"].to_pylist(), float)
    first = find_lesions(index, LesionFilter(), Sort.SIZE, descending=True)
    assert [one.long_mm for one in first.rows] == np.sort(size[~np.isnan(size)])[::-1][:PAGE].tolist()
    last = find_lesions(index, LesionFilter(), Sort.SIZE, page=10**6)
    assert (last.page, len(last.rows)) == (last.pages, (world.lesions.num_rows - 1) % PAGE + 1)
    assert find_lesions(index, LesionFilter(text="dl:0001")).total == 10
    assert [one.lesion for one in find_lesions(index, LesionFilter(text="7")).rows] == ["DL:00007"]
    with pytest.raises(UsageError, match="not in this graph"):
        find_lesions(index, LesionFilter(outcome="false positive", model="none"))
    with pytest.raises(UsageError, match="give 'false positive'"):
        find_lesions(index, LesionFilter(outcome="wrong"))


def test_a_correction_shows_in_views_and_lists(world: World) -> None:
    store = world.embedded
    lesion, row, _ = judged(world)
    index = LesionIndex(store)
    name = sorted(names(world, world.said[row]))[0]
    label = world.ontology.by_name[name].id
    before = find_lesions(index, LesionFilter(label=label, how=How.SAID)).total
    implied_by = [
        Statement(one.label.id, False)
        for one in lesion_view(store, lesion).asserted
        if name in world.ancestors[one.label.name]
    ]
    made = correct(store, lesion, [Statement(label, False), *implied_by], "Synthetic Curator", "not there")
    try:
        view = lesion_view(store, lesion)
        assert name in {one.label.name for one in view.removed}
        assert name not in {one.label.name for one in (*view.asserted, *view.uncertain)}
        assert view.removed[0].author == "Synthetic Curator"
        assert find_lesions(index, LesionFilter(label=label, how=How.SAID)).total == before - 1
        outcomes = {one.label.name: one.outcome for one in view.models[0].predictions}
        assert outcomes.get(name, Outcome.TRUE_NEGATIVE) in (Outcome.FALSE_POSITIVE, Outcome.TRUE_NEGATIVE)
    finally:
        undo(store, lesion, made.id, "Synthetic Curator")
    assert find_lesions(index, LesionFilter(label=label, how=How.SAID)).total == before
