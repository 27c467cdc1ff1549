"""Cohorts in the graph."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.release import Release
from kg import algebra
from kg.errors import CohortError, UsageError
from kg.graph_cohort import add_cohort, freeze, list_cohorts, load_cohort, read_cohort
from kg.graph_matrices import matrices_from_graph
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped
from kg.store import GraphStore, Transaction


def write(store: GraphStore, cypher: str) -> None:
    store.write_transaction(lambda tx: tx.run(cypher))


def test_freezing_the_same_content_again_stores_nothing(loaded: GraphStore) -> None:
    first = freeze(loaded, "now")
    assert freeze(loaded, "now") == first
    assert len(list_cohorts(loaded)) == 2
    assert freeze(loaded, "other").id.removeprefix("other") == first.id.removeprefix("now")


def test_a_new_label_gives_a_new_id_and_leaves_the_old_cohort_as_it_was(loaded: GraphStore) -> None:
    first = freeze(loaded, "now")
    write(
        loaded,
        "MATCH (l:Lesion {id: 'DL:00000'}) MATCH (k:Label {name: 'cyst'}) "
        "CREATE (l)-[:HAS_LABEL {source: 'reader', verified: true}]->(k)",
    )
    write(
        loaded,
        "MATCH (l:Lesion)-[r:IN_COHORT {split: 'val'}]->(:Cohort {name: 'now'}) WITH l ORDER BY l.id LIMIT 1 "
        "MATCH (k:Label {name: 'cyst'}) CREATE (l)-[:HAS_LABEL {source: 'reader', verified: true}]->(k)",
    )
    second = freeze(loaded, "now")
    assert second.id != first.id
    assert second.relevant_matrix().nnz == first.relevant_matrix().nnz + 1
    assert load_cohort(loaded, first.id) == first
    assert load_cohort(loaded, "now") == second


def test_a_change_of_relations_gives_a_new_id_and_a_new_synonym_does_not(loaded: GraphStore) -> None:
    ontology = load_shipped()
    first = freeze(loaded, "now")
    labels = (replace(ontology.labels[0], definition="A synthetic definition."), *ontology.labels[1:])
    save_ontology(loaded, replace(ontology, labels=labels))
    again = freeze(loaded, "now")
    assert (again.id, again.revision) == (first.id, 1)
    cyst, liver = ontology.by_name["simple cyst"].id, ontology.by_name["cyst"].id
    cut = tuple(r for r in ontology.relations if (r.child, r.parent) != (cyst, liver))
    assert len(cut) < len(ontology.relations)
    save_ontology(loaded, replace(ontology, relations=cut))
    assert freeze(loaded, "now").id != first.id


def test_the_frozen_lists_imply_what_the_released_lists_imply(loaded: GraphStore) -> None:
    matrices = matrices_from_graph(loaded, "lesanet-171")
    released, now = load_cohort(loaded, "lesanet"), freeze(loaded, "now")
    kept = released.filter((released.relevant_matrix() + released.uncertain_matrix()).sum(axis=1) > 0)
    assert kept.table["lesion"] == now.table["lesion"]
    assert (matrices.expand(kept.positive_matrix()) != matrices.expand(now.positive_matrix())).nnz == 0
    assert algebra.minus(now.positive_matrix(), kept.positive_matrix()).nnz == 0


def test_the_official_split_can_be_frozen_too(loaded: GraphStore) -> None:
    table = freeze(loaded, "official", split_from="official").table
    assert table["split"] == table["official_split"]
    assert freeze(loaded, "lesanets").table["split"] != table["split"]


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param("MATCH (:Lesion {id: 'DL:00007'})-[r:IN_COHORT]->() SET r.relevant = [3, 3]", id="a list"),
        pytest.param("MATCH (:Lesion {id: 'DL:00007'})-[r:IN_COHORT]->() SET r.split = 'test'", id="a split"),
        pytest.param("MATCH (l:Lesion {id: 'DL:00007'}) SET l.age = 33.0", id="an age"),
        pytest.param("MATCH (l:Lesion {id: 'DL:00007'}) SET l.box = 'wide'", id="a property of another type"),
        pytest.param("MATCH (:Lesion {id: 'DL:00007'})-[r:IN_COHORT]->() DELETE r", id="a lesion taken out"),
        pytest.param("MATCH ()-[r:HAS_LESION]->(:Lesion {id: 'DL:00007'}) DELETE r", id="a lesion without series"),
    ],
)
def test_a_cohort_that_is_not_what_was_frozen_is_refused(shared: GraphStore, edit: str) -> None:
    cohort = list_cohorts(shared)[0].id

    def work(tx: Transaction) -> None:
        tx.run(edit)
        read_cohort(tx, "lesanet")

    with pytest.raises(CohortError, match=f"{cohort}: .*(freeze a new cohort|load the lesions again)"):
        shared.write_transaction(work)
    assert load_cohort(shared, "lesanet").id == cohort


def test_an_unknown_cohort_is_named_with_those_that_exist(shared: GraphStore) -> None:
    for use in (lambda: load_cohort(shared, "absent"), lambda: freeze(shared, "new", split_from="absent")):
        with pytest.raises(CohortError, match="'absent': not in this graph; it has: lesanet-"):
            use()


def test_a_bad_name_or_label_set_is_refused(shared: GraphStore) -> None:
    with pytest.raises(UsageError, match="use lower-case letters"):
        freeze(shared, "No Such Name")
    with pytest.raises(UsageError, match="label set 'absent'"):
        freeze(shared, "new", label_set="absent")


def test_a_graph_without_lesions_has_nothing_to_freeze(with_ontology: GraphStore) -> None:
    assert list_cohorts(with_ontology) == []
    with pytest.raises(CohortError, match="it has: none"):
        freeze(with_ontology, "new")
    with pytest.raises(CohortError, match="no lesion with a label"):
        freeze(with_ontology, "new", split_from="official")


def test_a_cohort_of_lesions_that_are_not_there_is_not_stored(with_ontology: GraphStore, release: Release) -> None:
    cohort = release.cohort(matrices_from_graph(with_ontology, "lesanet-171"))
    with pytest.raises(CohortError, match="the graph has 0 of its 96 lesions, nothing was stored"):
        with_ontology.write_transaction(lambda tx: add_cohort(tx, cohort))
    assert list_cohorts(with_ontology) == []
