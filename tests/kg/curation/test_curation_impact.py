"""What a change does before it is saved: cells, contradictions, relations, the junction tree, models."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_ontology import CALCIFIED, CHEST, LEFT_LUNG, LIVER, LUNG, MASS, NODULE, SOLID, small
from plain_impact import plain_impact

from kg import algebra
from kg.curation.impact import impact
from kg.curation.impact_figures import Impact
from kg.curation.incoherence import StoredModel, model_impacts, read_models
from kg.curation.label_data import NO_SPLIT, LabelData, read_label_data
from kg.errors import CohortError, OntologyError, UsageError
from kg.graph_ontology import save_ontology
from kg.matrices import RelationMatrices
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    Ontology,
    Relation,
    RelationKind,
)
from kg.shipped import load_shipped
from kg.store import GraphStore

STATES = ("unknown", "positive", "negative")
SET = "lesanet-171"


def data_of(*lesions: tuple[str, str, set[str]], uncertain: dict[str, set[str]] | None = None) -> LabelData:
    """Label data from (lesion, split, relevant label ids)."""
    doubted = uncertain or {}
    ids = sorted(set().union(*(labels for _, _, labels in lesions), *doubted.values()))

    def matrix(sets: list[set[str]]) -> algebra.BoolMatrix:
        return algebra.as_bool(np.array([[i in labels for i in ids] for labels in sets]).reshape(len(sets), len(ids)))

    return LabelData(
        name="made",
        label_ids=tuple(ids),
        lesions=np.array([lesion for lesion, _, _ in lesions], str),
        splits=np.array([split for _, split, _ in lesions], str),
        relevant=matrix([labels for _, _, labels in lesions]),
        uncertain=matrix([doubted.get(lesion, set()) for lesion, _, _ in lesions]),
    )


def moves(found: Impact) -> Counter[tuple[str, str, str, str]]:
    """Cells by split, label and states, as plain values."""
    ids = tuple(found.names)
    counted: Counter[tuple[str, str, str, str]] = Counter()
    for part in found.splits:
        for c, was, now in np.argwhere(part.moves).tolist():
            counted[part.split, ids[c], STATES[was], STATES[now]] = int(part.moves[c, was, now])
    return counted


def agrees_with_sets(before: Ontology, after: Ontology, data: LabelData, label_set: str) -> Impact:
    """Check every figure against plain Python sets."""
    found, plain = impact(before, after, data, label_set), plain_impact(before, after, data, label_set)
    assert moves(found) == plain.moves
    assert found.total.changed == len(plain.changed)
    was, now = plain.contradictory
    assert {one.lesion for one in found.becomes_contradictory} == now - was
    assert {one.lesion for one in found.stops_contradictory} == was - now
    assert (found.total.contradictory_before, found.total.contradictory_after) == (len(was), len(now))
    old, new = plain.ancestors
    assert (set(found.ancestors_gained), set(found.ancestors_lost)) == (new - old, old - new)
    old, new = plain.exclusive
    gained, lost = (
        {(min(pair), max(pair)) for pair in pairs} for pairs in (found.exclusive_gained, found.exclusive_lost)
    )
    assert (gained, lost) == (new - old, old - new)
    return found


@pytest.fixture(scope="module")
def repaired() -> Ontology:
    return load_shipped()


@pytest.fixture(scope="module")
def said(repaired: Ontology) -> LabelData:
    """The shipped label lists, as released."""
    from ingest.release import Release

    return LabelData.of_cohort(Release.shipped().cohort(RelationMatrices.from_ontology(repaired, SET)))


def without_pair(ontology: Ontology, a: str, b: str) -> Ontology:
    ids = {ontology.label(a).id, ontology.label(b).id}
    return replace(ontology, exclusive_pairs=tuple(p for p in ontology.exclusive_pairs if {p.a, p.b} != ids))


def without_parent(ontology: Ontology, child: str, parent: str) -> Ontology:
    gone = ontology.label(child).id, ontology.label(parent).id
    kept = tuple(r for r in ontology.relations if (r.child, r.parent) != gone)
    assert len(kept) < len(ontology.relations)
    return replace(ontology, relations=kept)


def test_all_real_lesions_agree_with_plain_sets(repaired: Ontology, said: LabelData) -> None:
    after = without_parent(without_pair(repaired, "abdomen", "pelvis"), "porta Hepatis", "liver")
    more = ExclusivePair(repaired.label("nodule").id, repaired.label("right lung").id)
    after = replace(after, exclusive_pairs=(*after.exclusive_pairs, more))
    found = agrees_with_sets(repaired, after, said, SET)
    assert found.total.lesions == 24_121
    assert [part.lesions for part in found.splits] == [20_266, 1_976, 1_879]
    assert found.becomes_contradictory
    assert found.stops_contradictory


def test_abdomen_and_pelvis_no_longer_exclusive(repaired: Ontology, said: LabelData) -> None:
    after = without_pair(repaired, "abdomen", "pelvis")
    found = impact(repaired, after, said, SET)
    abdomen, pelvis = (RelationMatrices.from_ontology(repaired, SET).names.index(n) for n in ("abdomen", "pelvis"))
    expanded = RelationMatrices.from_ontology(repaired, SET).expand(said.positive).toarray()
    both = int((expanded[:, abdomen] & expanded[:, pelvis]).sum())
    clash = next(c for c in found.clashes if {found.names[i] for i in c.pair} == {"abdomen", "pelvis"})
    assert (clash.before, clash.after) == (both, None)
    # Nothing is inherited otherwise: labels stay, only negatives and contradictions go.
    assert found.total.counts.positives_gained == found.total.counts.positives_lost == 0
    assert found.total.counts.negatives_gained == 0 < found.total.counts.negatives_lost
    assert not found.becomes_contradictory
    assert found.total.contradictory_before - found.total.contradictory_after == len(found.stops_contradictory)
    assert all(one.lesion.startswith("DL:") for one in found.stops_contradictory)


def test_no_change_moves_nothing(repaired: Ontology, said: LabelData) -> None:
    found = impact(repaired, repaired, said, SET)
    assert not found.changed_labels
    assert found.total.changed == 0
    assert not (found.ancestors_gained or found.ancestors_lost or found.exclusive_gained or found.exclusive_lost)
    assert not (found.clashes or found.becomes_contradictory or found.stops_contradictory)
    assert found.matrix_hashes[0] == found.matrix_hashes[1]
    assert found.tree_before == found.tree_after
    assert found.tree_before.treewidth == 10


def test_taking_a_change_back_moves_the_same_cells_back(repaired: Ontology, said: LabelData) -> None:
    after = without_parent(repaired, "porta Hepatis", "liver")
    there, back = impact(repaired, after, said, SET), impact(after, repaired, said, SET)
    assert np.array_equal(there.total.moves, back.total.moves.transpose(0, 2, 1))
    assert there.becomes_contradictory == back.stops_contradictory
    assert there.ancestors_lost == back.ancestors_gained
    assert there.total.counts.flipped_to_negative == back.total.counts.flipped_to_positive > 0


LABELS = tuple(f"T:{i}" for i in range(9))


@st.composite
def ontologies(draw: st.DrawFn) -> Ontology:
    """Random ontologies over some of nine ids: parents, pairs, groups, exceptions, merged labels."""
    ids = draw(st.lists(st.sampled_from(LABELS), min_size=2, unique=True))
    # A child comes after its parents in a random order, so that there is no cycle.
    pairs = st.tuples(st.integers(0, len(ids) - 1), st.integers(0, len(ids) - 1))
    below = draw(st.lists(pairs.filter(lambda p: p[0] > p[1]), max_size=8))
    barred = draw(st.lists(pairs, max_size=4))
    allowed = draw(st.lists(pairs, max_size=2))
    group = draw(st.lists(st.sampled_from(ids), max_size=3, unique=True))
    merged = draw(st.dictionaries(st.integers(1, len(ids) - 1), st.integers(0, len(ids) - 1), max_size=2))
    into = {ids[i]: ids[j] for i, j in merged.items() if j < i}
    return Ontology(
        name="made",
        labels=tuple(
            Label(i, f"label {i}", LabelClass.TYPE, deprecated=i in into, replaced_by=into.get(i, "")) for i in ids
        ),
        relations=tuple(Relation(ids[i], RelationKind.IS_A, ids[j]) for i, j in below),
        exclusive_pairs=tuple(ExclusivePair(ids[i], ids[j]) for i, j in barred),
        exclusive_groups=(ExclusiveGroup("G:1", tuple(group)),) if len(group) > 1 else (),
        exceptions=tuple(ExclusionException(ids[i], ids[j]) for i, j in allowed),
        label_sets=(LabelSet("set", tuple(draw(st.lists(st.sampled_from(ids), min_size=1, unique=True)))),),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Ontology, Ontology, LabelData]:
    before, after = draw(ontologies()), draw(ontologies())
    ids = sorted({*before.by_id, *after.by_id})
    lesions = draw(st.lists(st.tuples(st.sampled_from(("train", "val", NO_SPLIT)), st.sets(st.sampled_from(ids)))))
    doubted = {f"L{n}": draw(st.sets(st.sampled_from(ids), max_size=2)) for n in range(len(lesions))}
    rows = [(f"L{n}", split, labels) for n, (split, labels) in enumerate(lesions)]
    return before, after, data_of(*rows, uncertain=doubted)


@settings(max_examples=80, deadline=None)
@given(cases())
def test_random_changes_agree_with_plain_sets(case: tuple[Ontology, Ontology, LabelData]) -> None:
    before, after, data = case
    found = agrees_with_sets(before, after, data, "set")
    json.dumps(found.as_dict(), allow_nan=False)
    for part in (*found.splits, found.total):
        counts = part.counts
        assert counts.positives_after - counts.positives_before == counts.positives_gained - counts.positives_lost
        assert counts.negatives_after - counts.negatives_before == counts.negatives_gained - counts.negatives_lost
        assert part.moves.sum() == part.lesions * len(found.names)
    assert sum(part.lesions for part in found.splits) == data.size
    for one in (*found.becomes_contradictory, *found.stops_contradictory):
        assert one.pairs


def test_uncertain_labels_count_in_training_only() -> None:
    data = data_of(("a", "train", set()), ("b", "val", set()), uncertain={"a": {LUNG}, "b": {LUNG}})
    found = impact(small(), small(), data, "all")
    positive = {part.split: part.counts.positives_before for part in found.splits}
    assert positive == {"train": 2, "val": 0}  # lung and, above it, chest


def test_one_lesion_through_every_state() -> None:
    data = data_of(("a", "train", {LEFT_LUNG}))
    base = small()
    freed = replace(base, relations=tuple(r for r in base.relations if (r.child, r.parent) != (LUNG, CHEST)))
    found = impact(base, freed, data, "all")
    states = {label: (was, now) for (_, label, was, now), n in moves(found).items() if n}
    assert states[CHEST] == ("positive", "unknown")  # no longer implied
    assert states[LIVER] == ("negative", "unknown")  # excluded by the chest only
    assert states[LEFT_LUNG] == ("positive", "positive")
    assert states[NODULE] == ("unknown", "unknown")
    assert found.left_without_negative == (LIVER,)
    assert impact(freed, base, data, "all").first_negatives == (LIVER,)
    crossed = replace(base, exclusive_pairs=(*base.exclusive_pairs, ExclusivePair(LEFT_LUNG, NODULE)))
    assert moves(impact(base, crossed, data, "all"))["train", NODULE, "unknown", "negative"] == 1
    both = data_of(("a", "train", {LEFT_LUNG, LIVER}))
    assert impact(freed, base, both, "all").becomes_contradictory[0].pairs == ((CHEST, LIVER),)


def test_a_label_that_becomes_excluded_by_its_own_parent_flips() -> None:
    data = data_of(("a", "train", {LEFT_LUNG}))
    base = small()
    kept = tuple(r for r in base.relations if r.parent != CHEST)
    turned = replace(base, relations=kept, exclusive_pairs=(*base.exclusive_pairs, ExclusivePair(LUNG, CHEST)))
    counts = impact(base, turned, data, "all").total.counts
    assert (counts.flipped_to_negative, counts.flipped_to_positive) == (1, 0)
    assert (counts.positives_lost, counts.negatives_gained) == (1, 1)


def test_an_exception_lets_two_labels_meet() -> None:
    data = data_of(("a", "train", {LIVER, LEFT_LUNG}), ("b", "train", {LIVER, CHEST}))
    base = small()
    met = replace(base, exceptions=(ExclusionException(LIVER, LEFT_LUNG),))
    found = impact(base, met, data, "all")
    assert {one.lesion for one in found.stops_contradictory} == {"a", "b"}
    assert found.total.contradictory_after == 0


def test_a_merged_label_counts_for_its_replacement() -> None:
    data = data_of(("a", "train", {MASS}), ("b", "val", {NODULE}))
    base = small()
    labels = tuple(replace(k, deprecated=False, replaced_by="") if k.id == MASS else k for k in base.labels)
    found = impact(replace(base, labels=labels), base, data, "all")
    assert {part.split: part.counts.positives_gained for part in found.splits} == {"train": 1, "val": 0}


def test_a_new_version_of_the_label_set_is_compared_label_by_label() -> None:
    base = small()
    other = LabelSet("all", (CHEST, MASS, NODULE, SOLID, CALCIFIED, LUNG), "2")
    after = replace(base, label_sets=(other,))
    data = data_of(("a", "train", {LEFT_LUNG, MASS}))
    found = agrees_with_sets(base, after, data, "all")
    assert found.columns_added == (MASS,)
    assert set(found.columns_removed) == {LEFT_LUNG, LIVER}
    assert found.matrix_hashes[0] != found.matrix_hashes[1]
    # A label that the set loses has no negatives to speak of any more.
    assert not found.left_without_negative


def test_an_ontology_without_junction_tree_says_why() -> None:
    base = small()
    broken = replace(base, exclusive_pairs=(*base.exclusive_pairs, ExclusivePair(LUNG, CHEST)))
    found = impact(base, broken, data_of(("a", "train", {LUNG})), "all")
    assert found.tree_before.treewidth > 0
    assert "exclusive with itself" in found.tree_after.refusal
    assert found.total.contradictory_after == 1


def test_a_tree_over_the_bound_is_refused_in_words(repaired: Ontology, said: LabelData) -> None:
    members = repaired.label_set(SET).members
    crowd = tuple(ExclusivePair(members[i], members[j]) for i in range(0, 80, 2) for j in range(1, 80, 2) if i < j)
    closures = RelationMatrices.from_ontology(repaired, SET).ancestors.toarray()
    apart = tuple(
        pair
        for pair in crowd
        if not closures[members.index(pair.a), members.index(pair.b)]
        and not closures[members.index(pair.b), members.index(pair.a)]
    )
    found = impact(repaired, replace(repaired, exclusive_pairs=(*repaired.exclusive_pairs, *apart)), said, SET)
    assert found.tree_after.refusal


def test_a_cycle_is_refused() -> None:
    base = small()
    round_ = replace(base, relations=(*base.relations, Relation(CHEST, RelationKind.IS_A, LEFT_LUNG)))
    with pytest.raises(OntologyError, match="cyclic hierarchy"):
        impact(base, round_, data_of(("a", "train", {LUNG})), "all")


def test_labels_nobody_knows_are_refused() -> None:
    with pytest.raises(UsageError, match="in neither ontology"):
        impact(small(), small(), data_of(("a", "train", {"T:99"})), "all")


def test_data_without_a_lesion_moves_nothing() -> None:
    found = impact(small(), replace(small(), relations=()), data_of(), "all")
    assert found.total.lesions == 0
    assert found.ancestors_lost
    assert found.summary.startswith("all: 0 of 0 lesions change")


def predicting(**lesions: set[str]) -> StoredModel:
    """A model with these predicted labels."""
    ids = sorted(set().union(*lesions.values()))
    return StoredModel(
        id="metadata-1",
        label_set="all",
        matrix_hash=RelationMatrices.from_ontology(small(), "all").matrix_hash,
        label_ids=tuple(ids),
        lesions=np.array(sorted(lesions), str),
        positive=algebra.as_bool(np.array([[i in lesions[name] for i in ids] for name in sorted(lesions)])),
    )


def test_a_model_falls_behind_and_its_predictions_break() -> None:
    base = small()
    model = predicting(a={LEFT_LUNG, LUNG, CHEST}, b={LIVER}, c={NODULE, SOLID}, d={LUNG})
    barred = replace(base, exclusive_pairs=(*base.exclusive_pairs, ExclusivePair(NODULE, SOLID)))
    (found,) = model_impacts(base, barred, [model])
    assert found.falls_behind
    assert (found.predictions, found.broken_before, found.broken_after) == (7, 1, 3)  # d lacks the chest
    assert found.becomes_incoherent == ("c",)
    assert found.becomes_coherent == ()
    implied = replace(base, relations=(*base.relations, Relation(LIVER, RelationKind.LOCATED_IN, NODULE)))
    assert model_impacts(base, implied, [model])[0].becomes_incoherent == ("b",)
    freed = replace(base, relations=tuple(r for r in base.relations if r.parent != CHEST))
    assert model_impacts(base, freed, [model])[0].becomes_coherent == ("d",)


def test_a_synonym_leaves_models_as_they_are() -> None:
    base = small()
    renamed = replace(base, labels=tuple(replace(k, definition="new") for k in base.labels))
    (found,) = model_impacts(base, renamed, [predicting(a={LUNG, CHEST})])
    assert found.current_before
    assert found.current_after
    assert not found.falls_behind


def test_the_graphs_labels_and_models_are_those_it_holds(any_store: GraphStore) -> None:
    from small_release import first_lesions
    from synthetic_runs import synthetic_run

    from ingest.load import load_deeplesion
    from kg.graph_cohort import load_cohort
    from learn.publish import publish

    repaired = load_shipped()
    save_ontology(any_store, repaired)
    load_deeplesion(any_store, first_lesions(200))
    cohort = load_cohort(any_store, "lesanet")
    data = read_label_data(any_store, "lesanet")
    assert cohort.id in data.name
    assert data.lesions.tolist() == cohort.table["lesion"].to_pylist()
    assert data.splits.tolist() == cohort.table["split"].to_pylist()
    matrices = RelationMatrices.from_ontology(repaired, SET)
    listed = cohort.relevant_matrix()
    given = data.implied(data.relevant, repaired, matrices.label_ids)
    # What was inferred is not stored, and expansion brings it back.
    assert data.relevant.nnz < listed.nnz
    assert not algebra.minus(listed, given).nnz
    official = read_label_data(any_store, "official")
    labelled = np.diff(algebra.union(data.relevant, data.uncertain).indptr) > 0
    assert official.lesions.tolist() == data.lesions[labelled].tolist()
    assert official.splits.tolist() != data.splits[labelled].tolist()
    with pytest.raises(CohortError, match="give 'official' or one of: lesanet-"):
        read_label_data(any_store, "nobody")
    run = synthetic_run(cohort, matrices, 1, "2026-01-01T00:00:00Z")
    publish(any_store, run, cohort)
    (model,) = read_models(any_store)
    assert (model.id, model.matrix_hash) == (run.run_id, matrices.matrix_hash)
    stored = any_store.read("MATCH (:Lesion)-[r:PREDICTED]->(:Label) RETURN count(r) AS n ORDER BY n")[0]["n"]
    assert model.positive.nnz == stored
    after = without_pair(repaired, "abdomen", "pelvis")
    found = impact(repaired, after, data, SET, [model]).models[0]
    assert found.falls_behind
    assert (found.predictions, found.broken_before, found.broken_after) == (stored, 0, 0)
    strict = replace(
        repaired,
        relations=(
            *repaired.relations,
            Relation(repaired.label("nodule").id, RelationKind.LOCATED_IN, repaired.label("lung").id),
        ),
    )
    (tightened,) = model_impacts(repaired, strict, [model])
    nodule, lung = (repaired.label(name).id for name in ("nodule", "lung"))
    expected = any_store.read(
        "MATCH (l:Lesion)-[:PREDICTED]->(k:Label {id: $a}) MATCH (l) WHERE NOT (l)-[:PREDICTED]->(:Label {id: $b}) "
        "RETURN l.id AS lesion ORDER BY lesion",
        {"a": nodule, "b": lung},
    )
    assert tightened.becomes_incoherent == tuple(row["lesion"] for row in expected)


def test_a_graph_without_lesions_says_so(embedded_store: GraphStore) -> None:
    save_ontology(embedded_store, small())
    with pytest.raises(CohortError, match="no lesion with a label"):
        read_label_data(embedded_store, "official")
    assert read_models(embedded_store) == ()
